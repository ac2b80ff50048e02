import BONNModelFormat

/// The residual networks of BONN.
extension NetworkBuilder {
    /// 7x7/2 stem, max pooling, four stages of four blocks (one convolution each).
    ///
    /// - Parameter int8: whether stem and head multiply signed bytes, and the weights of the
    ///   shortcuts are stored as such.
    mutating func resNet18(_ input: Name, int8: Bool = false) throws -> Name {
        let window = Window(7, stride: 2, padding: 3)
        var x =
            int8
            ? try byteConvolution(
                quantize(input, "stem.input", limit: 1), "stem", outputs: 64, window: window)
            : try convolution(input, "stem", outputs: 64, window: window)
        x = batchNorm(x, "stem.norm")
        x = prelu(x, "stem.prelu")
        x = try maxPool(x, "stem.pool", window: Window(3, stride: 2, padding: 1))
        x = try stages(x, widths: [64, 128, 256, 512], blocks: 4, int8: int8)
        return int8 ? byteHead(x, classes: 1000) : head(x, classes: 1000)
    }

    /// 3x3 stem, three stages of six blocks (one convolution each).
    mutating func wideResNet22(_ input: Name) throws -> Name {
        var x = try convolution(input, "stem", outputs: 16, window: Window(3, padding: 1))
        x = batchNorm(x, "stem.norm")
        x = prelu(x, "stem.prelu")
        x = try stages(x, widths: [16, 32, 64], blocks: 6, int8: false)
        return head(x, classes: 10)
    }

    private mutating func stages(
        _ input: Name, widths: [Int], blocks: Int, int8: Bool
    ) throws -> Name {
        var x = input
        for (stage, width) in widths.enumerated() {
            for index in 0..<blocks {
                x = try block(
                    x, "stage\(stage + 1).\(index)", outputs: width,
                    stride: stage > 0 && index == 0 ? 2 : 1, int8: int8)
            }
        }
        return x
    }

    /// BONN's block: `PReLU(Conv(sign(BN(x))) + shortcut(x))`; a shortcut that changes the shape is
    /// average pooling, a real 1x1 convolution and batch norm.
    private mutating func block(
        _ x: Name, _ name: Name, outputs: Int, stride: Int, int8: Bool
    ) throws -> Name {
        var shortcut = x
        if stride > 1 {
            shortcut = try averagePool(
                shortcut, "\(name).shortcut.pool", window: Window(stride, stride: stride))
        }
        if shape(x).channels != outputs {
            let node: Name = "\(name).shortcut"
            shortcut =
                int8
                ? try byteConvolution(shortcut, node, outputs: outputs, window: Window(1))
                : try convolution(shortcut, node, outputs: outputs, window: Window(1))
            shortcut = batchNorm(shortcut, "\(name).shortcut.norm")
        }
        let y = try binaryConvolution(
            x, "\(name).convolution", outputs: outputs, stride: stride)
        return prelu(sum(y, shortcut, "\(name).sum"), "\(name).prelu")
    }
}
