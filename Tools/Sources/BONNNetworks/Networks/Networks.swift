import BONNModelFormat

/// The networks that can be asked for by name: a line, and a page of its own, each.
public enum Networks {
    /// All of them.
    public static let all: [NetworkEntry] = [
        .residual(
            "wrn22", "Wide ResNet of depth 22", wideResNets, [6, 6, 6], [16, 16, 32, 64], .cifar),
        .residual(
            "wrn40", "Wide ResNet of depth 40", wideResNets, [12, 12, 12], [16, 16, 32, 64],
            .cifar),
        .residual(
            "resnet18", "ResNet-18", resNets, [4, 4, 4, 4], [64, 64, 128, 256, 512], .imagenet),
        .residual(
            "resnet34", "ResNet-34", resNets, [6, 8, 12, 6], [64, 64, 128, 256, 512], .imagenet),
        .residual(
            "resnet20", "ResNet-20 for small images, with 1x1 shortcuts", resNets, [6, 6, 6],
            [16, 16, 32, 64], .cifar),
        .vggSmall, .binaryConnectNet, .vgg7, .multilayerPerceptron, .leNet5, .networkInNetwork,
        .alexNet,
        .quickNet("quicknet-small", [32, 64, 256, 512], [4, 4, 4, 4]),
        .quickNet("quicknet", [64, 128, 256, 512], [4, 4, 4, 4]),
        .quickNet("quicknet-large", [64, 128, 256, 512], [6, 8, 12, 6]),
        .linear,
    ]

    /// The network of a name, or nil.
    public static func named(_ name: String) -> NetworkEntry? { all.first { $0.name == name } }

    private static let wideResNets = "Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016"
    private static let resNets =
        "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
}

extension NetworkEntry {
    fileprivate static func residual(
        _ name: String, _ title: String, _ paper: String, _ convolutions: [Int], _ widths: [Int],
        _ stem: Stem
    ) -> NetworkEntry {
        NetworkEntry(
            name: name, title: title, paper: paper, stem: stem, widths: widths,
            widthsMeaning: "stem and \(convolutions.count) stages",
            input: stem == .cifar ? Shape(3, 32, 32) : Shape(3, 224, 224),
            classes: stem == .cifar ? 10 : 1000, smallestSide: 1
        ) { widths, stem in
            ResidualNetwork(convolutions: convolutions, widths: widths, stem: stem)
        }
    }

    fileprivate static func quickNet(
        _ name: String, _ widths: [Int], _ blocks: [Int]
    ) -> NetworkEntry {
        NetworkEntry(
            name: name, title: "QuickNet of Larq Zoo, blocks \(blocks)",
            paper: "Bannink et al., Larq Compute Engine, MLSys 2021", stem: nil, widths: widths,
            widthsMeaning: "4 sections", input: Shape(3, 224, 224), classes: 1000,
            smallestSide: 32
        ) { widths, _ in QuickNet(widths: widths, blocks: blocks) }
    }
}
