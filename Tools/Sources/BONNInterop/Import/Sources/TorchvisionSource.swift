extension ImportSource {
    /// torchvision's ResNet-18.
    static let torchvision18 = torchvision(depth: 18)

    /// torchvision's ResNet-34.
    static let torchvision34 = torchvision(depth: 34)

    /// Real weights and activations: what networks of few bits are compared with.
    private static func torchvision(depth: Int) -> ImportSource {
        var source = ImportSource(
            name: "torchvision-resnet\(depth)",
            title: "torchvision's ResNet-\(depth) for ImageNet, real-valued",
            paper: "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
            network: "resnet\(depth)",
            block: SequenceBlock(
                stem: [.norm, .relu],
                block: [.convolution, .norm, .relu, .convolution, .norm, .add, .relu],
                shortcut: [.convolution, .norm]),
            modules: ModuleNames(
                "stem.convolution = conv1", "stem.norm = bn1",
                "stages.<stage>.<block>.<index>.convolution = layer<stage+1>.<block>.conv<index+1>",
                "stages.<stage>.<block>.<index>.norm = layer<stage+1>.<block>.bn<index+1>",
                "stages.<stage>.<block>.shortcut.convolution = layer<stage+1>.<block>.downsample.0",
                "stages.<stage>.<block>.shortcut.norm = layer<stage+1>.<block>.downsample.1",
                "head = fc"))
        source.kernels.scale = .real
        return source
    }
}
