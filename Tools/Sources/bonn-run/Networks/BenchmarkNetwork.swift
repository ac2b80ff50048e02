import BONNModelFormat

/// Published 1-bit networks, to be measured with random weights. This list is what `--network`
/// knows.
enum BenchmarkNetwork: String, CaseIterable {
    /// ResNet-18 for ImageNet with the blocks of BONN's released code.
    case resnet18
    /// The same as `bonn export --int8` makes it: stem and head in signed bytes, and the weights of
    /// the shortcuts.
    case resnet18Int8 = "resnet18-int8"
    /// QuickNetSmall for ImageNet (Bannink et al., 2021), as in Larq Zoo.
    case quicknetSmall = "quicknet-small"
    /// QuickNet, likewise.
    case quicknet
    /// QuickNetLarge, likewise.
    case quicknetLarge = "quicknet-large"
    /// The Wide ResNet of 22 layers for CIFAR, kernel stages 16-16-32-64.
    case wrn22

    /// The side of the images that the network was published with.
    var defaultSide: Int { self == .wrn22 ? 32 : 224 }

    /// The sides that the network takes: multiples of this number, where a shortcut's pooling and
    /// the convolution beside it must agree on every size.
    var sideMultiple: Int {
        switch self {
        case .resnet18, .resnet18Int8: 32
        case .quicknetSmall, .quicknet, .quicknetLarge: 1
        case .wrn22: 4
        }
    }

    /// The smallest side, with one pixel in the last stage.
    var smallestSide: Int { self == .wrn22 ? 4 : 32 }

    /// The largest side that is worth asking for.
    static let largestSide = 2048

    /// The network with random weights, for images of `side` x `side` pixels.
    func file(side: Int) throws -> ModelFile {
        var builder = NetworkBuilder(input: Shape(3, side, side))
        let output =
            switch self {
            case .resnet18: try builder.resNet18("input")
            case .resnet18Int8: try builder.resNet18("input", int8: true)
            case .quicknetSmall:
                try builder.quickNet("input", widths: [32, 64, 256, 512], blocks: [4, 4, 4, 4])
            case .quicknet:
                try builder.quickNet("input", widths: [64, 128, 256, 512], blocks: [4, 4, 4, 4])
            case .quicknetLarge:
                try builder.quickNet("input", widths: [64, 128, 256, 512], blocks: [6, 8, 12, 6])
            case .wrn22: try builder.wideResNet22("input")
            }
        return builder.file(output: output)
    }
}
