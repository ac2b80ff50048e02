import BONNModelFormat
import BONNRuntime

/// Published 1-bit networks, to be measured with random weights.
enum BenchmarkNetwork: String, CaseIterable {
    /// ResNet-18 for ImageNet with the blocks of BONN's released code.
    case resnet18
    /// QuickNet for ImageNet (Bannink et al., 2021).
    case quicknet
    /// The Wide ResNet of 22 layers for CIFAR, kernel stages 16-16-32-64.
    case wrn22

    /// The side of the images that the network was published with.
    var defaultSide: Int { self == .wrn22 ? 32 : 224 }

    /// The sides that the network takes: multiples of this number, where a shortcut's pooling and
    /// the convolution beside it must agree on every size.
    var sideMultiple: Int {
        switch self {
        case .resnet18: 32
        case .quicknet: 1
        case .wrn22: 4
        }
    }

    /// The smallest side, with one pixel in the last stage.
    var smallestSide: Int { self == .wrn22 ? 4 : 32 }

    /// The largest side that is worth asking for.
    static let largestSide = 2048

    /// The network with random weights, for images of `side` x `side` pixels.
    func model(side: Int) throws -> Model {
        var builder = NetworkBuilder(input: Shape(3, side, side))
        let output =
            switch self {
            case .resnet18: try builder.resNet18("input")
            case .quicknet: try builder.quickNet("input")
            case .wrn22: try builder.wideResNet22("input")
            }
        return try builder.model(output: output)
    }
}

extension NetworkBuilder {
    /// 7x7/2 stem, max pooling, four stages of four blocks.
    fileprivate mutating func resNet18(_ input: String) throws -> String {
        var x = try convolution(
            input, "stem", outputs: 64, window: Window(7, stride: 2, padding: 3))
        x = batchNorm(x, "stem.norm")
        x = prelu(x, "stem.prelu")
        x = try maxPool(x, "stem.pool", window: Window(3, stride: 2, padding: 1))
        x = try stages(x, widths: [64, 128, 256, 512], blocks: 4)
        return head(x, classes: 1000)
    }

    /// 3x3 stem, three stages of six blocks (one convolution each).
    fileprivate mutating func wideResNet22(_ input: String) throws -> String {
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
    /// a real 1x1 convolution, batch norm and average pooling.
    private mutating func block(
        _ x: String, _ name: String, outputs: Int, stride: Int
    ) throws -> String {
        var shortcut = x
        if stride > 1 || shape(x).channels != outputs {
            shortcut = try convolution(
                x, "\(name).shortcut", outputs: outputs, window: Window(1))
            shortcut = batchNorm(shortcut, "\(name).shortcut.norm")
            shortcut = try averagePool(
                shortcut, "\(name).shortcut.pool", window: Window(stride, stride: stride))
        }
        let y = try binaryConvolution(
            x, "\(name).convolution", outputs: outputs, stride: stride)
        return prelu(sum(y, shortcut, "\(name).sum"), "\(name).prelu")
    }

    private mutating func head(_ x: String, classes: Int) -> String {
        linear(globalAveragePool(x, "pool"), "head", outputs: classes)
    }

    /// QuickNet: four sections of four blocks `x + BN(ReLU(Conv(sign(x))))`, padded with +1, and
    /// real transitions with a blur between them.
    fileprivate mutating func quickNet(_ input: String) throws -> String {
        let widths = [64, 128, 256, 512]
        var x = try convolution(
            input, "stem.0", outputs: 16, window: .same(3, stride: 2, of: shape(input)))
        x = relu(batchNorm(x, "stem.0.norm"), "stem.0.relu")
        x = try convolution(
            x, "stem.1", outputs: 16, window: .same(3, stride: 2, of: shape(x)), groups: 16)
        x = batchNorm(x, "stem.1.norm")
        x = try convolution(x, "stem.2", outputs: widths[0], window: Window(1))
        x = batchNorm(x, "stem.2.norm")
        for (section, width) in widths.enumerated() {
            if section > 0 { x = try transition(x, "transition\(section)", outputs: width) }
            for index in 0..<4 {
                let name = "section\(section + 1).\(index)"
                var y = try binaryConvolution(
                    x, "\(name).convolution", outputs: width, padding: .plusOne)
                y = batchNorm(relu(y, "\(name).relu"), "\(name).norm")
                x = sum(x, y, "\(name).sum")
            }
        }
        return head(relu(x, "relu"), classes: 1000)
    }

    private mutating func transition(
        _ input: String, _ name: String, outputs: Int
    ) throws -> String {
        var x = relu(input, "\(name).relu")
        x = try maxPool(x, "\(name).pool", window: Window(2))
        x = try blur(x, "\(name).blur", window: .same(3, stride: 2, of: shape(x)))
        x = try convolution(x, "\(name).convolution", outputs: outputs, window: Window(1))
        return batchNorm(x, "\(name).norm")
    }
}
