// ResNet-20 for CIFAR-10 as IR-Net's code has it, and what was derived from that: a shortcut around each
// convolution, without weights, and a batch norm behind the mean.

extension ImportSource {
    /// IR-Net's: each output channel of the kernels is centered and standardized, and its signs are multiplied by a
    /// power of two. Shortcuts leave out every other pixel and pad the channels.
    static let irNet20 = {
        var source = cifarResNet20(
            name: "irnet-resnet20", title: "the authors' IR-Net ResNet-20 for CIFAR-10, W1A1",
            paper: "Qin et al., IR-Net, CVPR 2020", shortcut: [.pad])
        source.kernels.scale = .powerOfTwo
        return source
    }()

    /// ReCU's: each output channel of the kernels is centered, and its signs are multiplied by a learned number.
    /// Shortcuts are average pooling, and pad the channels. The `tau` of a layer bounds latent weights, and does
    /// not change their signs.
    static let recu20 = {
        var source = cifarResNet20(
            name: "recu-resnet20", title: "the authors' ReCU ResNet-20 for CIFAR-10",
            paper: "Xu et al., ReCU, ICCV 2021", shortcut: [.pool, .pad])
        source.kernels.scale = .learned
        source.unused = ["tau"]
        return source
    }()

    private static func cifarResNet20(
        name: String, title: String, paper: String, shortcut: [BlockLayer]
    ) -> ImportSource {
        var source = ImportSource(
            name: name, title: title, paper: paper, network: "resnet20",
            block: SequenceBlock(
                stem: [.norm, .hardtanh], block: [.sign, .convolution, .norm, .add, .hardtanh],
                shortcut: shortcut),
            modules: ModuleNames(
                "stem.convolution = conv1", "stem.norm = bn1",
                "stages.<stage>.<unit>.0.convolution = layer<stage+1>.<unit/2>.conv<unit%2+1>",
                "stages.<stage>.<unit>.0.norm = layer<stage+1>.<unit/2>.bn<unit%2+1>",
                "ending.norm = bn2", "head = linear"))
        source.head = [.norm]
        source.kernels.center = .filter
        source.images.resize = .stretch
        return source
    }
}
