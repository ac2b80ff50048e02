extension ImportSource {
    /// ResNet-18 of ReActNet, as `resnet/2_step2` of the authors' code has it: RSign (`move0` and sign),
    /// convolution, batch norm, shortcut, RPReLU (`move1`, `prelu`, `move2`).
    static let reActNet18 = ImportSource(
        name: "reactnet-resnet18", title: "the authors' ReActNet ResNet-18 for ImageNet",
        paper: "Liu et al., ReActNet, ECCV 2020", network: "resnet18",
        block: SequenceBlock(
            stem: [.norm], block: [.rsign, .convolution, .norm, .add, .bias, .prelu, .bias],
            shortcut: [.pool, .convolution, .norm]),
        modules: ModuleNames(
            "stem.convolution = conv1", "stem.norm = bn1",
            "stages.<stage>.<block>.0.rsign = layer<stage+1>.<block>.move0",
            "stages.<stage>.<block>.0.convolution = layer<stage+1>.<block>.binary_conv",
            "stages.<stage>.<block>.0.norm = layer<stage+1>.<block>.bn1",
            "stages.<stage>.<block>.0.bias = layer<stage+1>.<block>.move1",
            "stages.<stage>.<block>.0.prelu = layer<stage+1>.<block>.prelu",
            "stages.<stage>.<block>.0.bias2 = layer<stage+1>.<block>.move2",
            "stages.<stage>.<block>.shortcut.convolution = layer<stage+1>.<block>.downsample.1",
            "stages.<stage>.<block>.shortcut.norm = layer<stage+1>.<block>.downsample.2",
            "head = fc"))

    /// ReActNet-A, as `mobilenet/2_step2` of the authors' code has it. Its kernels are columns.
    static let reActNetA = {
        var source = ImportSource(
            name: "reactnet-a", title: "the authors' ReActNet-A for ImageNet",
            paper: "Liu et al., ReActNet, ECCV 2020", network: "reactnet-a",
            block: SequenceBlock(stem: [], block: [], shortcut: []),
            modules: ModuleNames(
                "stem.convolution = feature.0.conv1", "stem.norm = feature.0.bn1",
                "blocks.<block>.0.rsign = feature.<block+1>.move11",
                "blocks.<block>.0.convolution = feature.<block+1>.binary_3x3",
                "blocks.<block>.0.norm = feature.<block+1>.bn1",
                "blocks.<block>.0.bias = feature.<block+1>.move12",
                "blocks.<block>.0.prelu = feature.<block+1>.prelu1",
                "blocks.<block>.0.bias2 = feature.<block+1>.move13",
                "blocks.<block>.1.rsign = feature.<block+1>.move21",
                "blocks.<block>.1.convolution = feature.<block+1>.binary_pw",
                "blocks.<block>.1.norm = feature.<block+1>.bn2",
                "blocks.<block>.1.<half>.convolution = feature.<block+1>.binary_pw_down<half+1>",
                "blocks.<block>.1.<half>.norm = feature.<block+1>.bn2_<half+1>",
                "blocks.<block>.1.bias = feature.<block+1>.move22",
                "blocks.<block>.1.prelu = feature.<block+1>.prelu2",
                "blocks.<block>.1.bias2 = feature.<block+1>.move23",
                "head = fc"))
        source.kernels.tensor = "weights"
        source.kernels.layout = .column
        return source
    }()
}
