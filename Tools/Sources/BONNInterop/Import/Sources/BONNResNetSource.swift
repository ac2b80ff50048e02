extension ImportSource {
    /// ResNet-18 as the authors of BONN released it: batch norm, sign, convolution, shortcut, PReLU; the
    /// shortcut of a stage is a 1x1 convolution, a batch norm and average pooling.
    ///
    /// Each kernel is one magnitude times signs, which the convolution reads as real numbers.
    static let bonnResNet18 = {
        var source = ImportSource(
            name: "bonn-resnet18", title: "the authors' BONN ResNet-18 for ImageNet",
            paper: "Gu et al., Bayesian Optimized 1-Bit CNNs, ICCV 2019", network: "resnet18",
            block: SequenceBlock(
                stem: [.norm, .prelu], block: [.norm, .sign, .convolution, .add, .prelu],
                shortcut: [.convolution, .norm, .pool]),
            modules: ModuleNames(
                "stem.convolution = conv1", "stem.norm = bn1", "stem.prelu = prelu",
                "stages.<stage>.<block>.0.norm = layer<stage+1>.<block>.bn",
                "stages.<stage>.<block>.0.convolution = layer<stage+1>.<block>.conv",
                "stages.<stage>.<block>.0.prelu = layer<stage+1>.<block>.prelu",
                "stages.<stage>.<block>.shortcut.convolution = layer<stage+1>.<block>.downsample.0",
                "stages.<stage>.<block>.shortcut.norm = layer<stage+1>.<block>.downsample.1",
                "head = fc"))
        source.kernels.scale = .stored
        return source
    }()
}
