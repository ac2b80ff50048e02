extension ImportSource {
    /// Network in Network for CIFAR-10 of XNOR-Net-PyTorch. Its kernels are centered over the input channels and
    /// clamped; what it reads are no pixels but numbers that were prepared before.
    static let xnorNetworkInNetwork = {
        var source = ImportSource(
            name: "xnornet-nin", title: "XNOR-Net-PyTorch's Network in Network for CIFAR-10",
            paper: "Rastegari et al., XNOR-Net, ECCV 2016 (code of J. Cao)", network: "xnornet-nin",
            block: SequenceBlock(stem: [], block: [], shortcut: []),
            modules: ModuleNames(
                "stem.convolution = xnor.0", "stem.norm = xnor.1",
                "units.<module>.norm = xnor.<module>.bn",
                "units.<module>.convolution = xnor.<module>.conv", "ending.norm = xnor.12",
                "head = xnor.13"))
        source.kernels.center = .inputs
        source.kernels.isClamped = true
        source.epsilon = 1e-4
        source.bareNorms = ModuleNames("stem.norm = xnor.1", "ending.norm = xnor.12")
        source.images = SourceImages(mean: [], std: [], resize: .stretch)
        return source
    }()
}
