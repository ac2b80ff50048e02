import BONNNetworks

extension ImportSource {
    /// ResNet-18 as the authors of BONN released it: batch norm, sign, convolution, shortcut, PReLU; the
    /// shortcut of a stage is a 1x1 convolution, a batch norm and average pooling.
    ///
    /// Each kernel is one magnitude times signs, which the convolution reads as real numbers.
    static let bonnResNet18 = ImportSource(
        name: "bonn-resnet18", title: "the authors' BONN ResNet-18 for ImageNet",
        paper: "Gu et al., Bayesian Optimized 1-Bit CNNs, ICCV 2019", network: "resnet18",
        style: BONNBlock(),
        modules: ModuleNames(
            [
                "stem.convolution": "conv1", "stem.norm": "bn1", "stem.prelu": "prelu",
                "head": "fc",
            ],
            block: [
                "0.norm": "bn", "0.convolution": "conv", "0.prelu": "prelu",
                "shortcut.convolution": "downsample.0", "shortcut.norm": "downsample.1",
            ]), kernels: .deployed)
}
