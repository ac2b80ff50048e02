extension ImportSource {
    /// ResNet-18 with the blocks of Bi-Real Net.
    static let biRealNet18 = biRealNet(depth: 18)

    /// ResNet-34 with the blocks of Bi-Real Net.
    static let biRealNet34 = biRealNet(depth: 34)

    /// As the authors' PyTorch code has them: sign, convolution, batch norm, shortcut; the shortcut of a
    /// stage is average pooling (without weights, `downsample.0`), a 1x1 convolution and a batch norm.
    private static func biRealNet(depth: Int) -> ImportSource {
        var source = ImportSource(
            name: "bireal-resnet\(depth)",
            title: "the authors' Bi-Real Net \(depth) for ImageNet",
            paper: "Liu et al., Bi-Real Net, ECCV 2018", network: "resnet\(depth)",
            block: SequenceBlock(
                stem: [.norm], block: [.sign, .convolution, .norm, .add],
                shortcut: [.pool, .convolution, .norm]),
            modules: ModuleNames(
                "stem.convolution = conv1", "stem.norm = bn1",
                "stages.<stage>.<block>.0.convolution = layer<stage+1>.<block>.binary_conv",
                "stages.<stage>.<block>.0.norm = layer<stage+1>.<block>.bn1",
                "stages.<stage>.<block>.shortcut.convolution = layer<stage+1>.<block>.downsample.1",
                "stages.<stage>.<block>.shortcut.norm = layer<stage+1>.<block>.downsample.2",
                "head = fc"))
        source.kernels.tensor = "weights"
        source.kernels.layout = .column
        return source
    }
}
