import BONNNetworks

extension ImportSource {
    /// ResNet-18 with the blocks of Bi-Real Net.
    static let biRealNet18 = biRealNet(depth: 18)

    /// ResNet-34 with the blocks of Bi-Real Net.
    static let biRealNet34 = biRealNet(depth: 34)

    /// As the authors' PyTorch code has them: sign, convolution, batch norm, shortcut; the shortcut of a
    /// stage is average pooling (without weights, `downsample.0`), a 1x1 convolution and a batch norm.
    private static func biRealNet(depth: Int) -> ImportSource {
        ImportSource(
            name: "bireal-resnet\(depth)",
            title: "the authors' Bi-Real Net \(depth) for ImageNet",
            paper: "Liu et al., Bi-Real Net, ECCV 2018", network: "resnet\(depth)",
            style: BiRealBlock(),
            modules: ModuleNames(
                ["stem.convolution": "conv1", "stem.norm": "bn1", "head": "fc"],
                block: [
                    "0.convolution": "binary_conv", "0.norm": "bn1",
                    "shortcut.convolution": "downsample.1", "shortcut.norm": "downsample.2",
                ]), kernels: .latentColumn)
    }
}
