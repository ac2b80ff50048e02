import BONNModelFormat

/// The residual networks of BONN.
extension NetworkBuilder {
    /// 7x7/2 stem, max pooling, four stages of four blocks (one convolution each).
    mutating func resNet18(_ input: String) throws -> String {
        var x = try convolution(
            input, "stem", outputs: 64, window: Window(7, stride: 2, padding: 3))
        x = batchNorm(x, "stem.norm")
        x = prelu(x, "stem.prelu")
        x = try maxPool(x, "stem.pool", window: Window(3, stride: 2, padding: 1))
        x = try stages(x, widths: [64, 128, 256, 512], blocks: 4)
        return head(x, classes: 1000)
    }

    /// 3x3 stem, three stages of six blocks (one convolution each).
    mutating func wideResNet22(_ input: String) throws -> String {
        var x = try convolution(input, "stem", outputs: 16, window: Window(3, padding: 1))
        x = batchNorm(x, "stem.norm")
        x = prelu(x, "stem.prelu")
        x = try stages(x, widths: [16, 32, 64], blocks: 6)
        return head(x, classes: 10)
    }

    private mutating func stages(_ input: String, widths: [Int], blocks: Int) throws -> String {
        var x = input
        for (stage, width) in widths.enumerated() {
            for index in 0..<blocks {
                x = try block(
                    x, "stage\(stage + 1).\(index)", outputs: width,
                    stride: stage > 0 && index == 0 ? 2 : 1)
            }
        }
        return x
    }

    /// BONN's block: `PReLU(Conv(sign(BN(x))) + shortcut(x))`; a shortcut that changes the shape is
    /// average pooling, a real 1x1 convolution and batch norm.
    private mutating func block(
        _ x: String, _ name: String, outputs: Int, stride: Int
    ) throws -> String {
        var shortcut = x
        if stride > 1 {
            shortcut = try averagePool(
                shortcut, "\(name).shortcut.pool", window: Window(stride, stride: stride))
        }
        if shape(x).channels != outputs {
            shortcut = try convolution(
                shortcut, "\(name).shortcut", outputs: outputs, window: Window(1))
            shortcut = batchNorm(shortcut, "\(name).shortcut.norm")
        }
        let y = try binaryConvolution(
            x, "\(name).convolution", outputs: outputs, stride: stride)
        return prelu(sum(y, shortcut, "\(name).sum"), "\(name).prelu")
    }
}
