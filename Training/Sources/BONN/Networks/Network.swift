public import Torch

/// What a network computes for a batch.
public struct NetworkOutput {
    /// [N, classes].
    public let logits: Tensor
    /// [N, D]: the input of the fully connected layer, which the feature loss acts on.
    public let features: Tensor
}

/// Stem, blocks, head: Wide ResNets (Zagoruyko and Komodakis, 2016) and ResNets (He et al., 2016) with
/// the blocks of BONN (Gu et al., ICCV 2019; ResNet-18 as in the authors' released code).
///
/// First convolution, 1x1 shortcuts and the fully connected layer stay real (methods.md 1.7).
public final class Network {
    /// What was built.
    public let configuration: NetworkConfiguration
    /// All parameters and buffers.
    public let store: ParameterStore
    /// The first convolution.
    public let stemConvolution: Conv2d
    /// The batch norm behind it.
    public let stemNorm: BatchNorm2d
    /// The PReLU behind that.
    public let stemPReLU: PReLU
    /// The blocks of all stages, in order.
    public let blocks: [Block]
    /// The fully connected layer.
    public let head: Linear
    /// Where dropout draws from; needed in training when the configuration has dropout.
    public var dropoutGenerator: Generator?

    /// Builds the network with initial weights that depend on `seed` and the parameters' names only.
    public init(
        _ configuration: NetworkConfiguration, seed: UInt64, device: Device = .cpu
    ) throws(TorchError) {
        self.configuration = configuration
        store = ParameterStore(seed: seed, device: device)
        let root = store.root
        let stemKernel = configuration.stem == .imagenet ? 7 : 3
        stemConvolution = try Conv2d(
            root / "stem" / "convolution",
            ConvolutionShape(
                configuration.inputChannels, configuration.widths[0], kernel: stemKernel,
                stride: configuration.stem == .imagenet ? 2 : 1))
        stemNorm = try BatchNorm2d(root / "stem" / "norm", channels: configuration.widths[0])
        stemPReLU = try PReLU(root / "stem" / "prelu", channels: configuration.widths[0])
        let perBlock = configuration.shortcut == .classic ? 2 : 1
        var blocks: [Block] = []
        var inputs = configuration.widths[0]
        for (stage, count) in configuration.model.convolutions.enumerated() {
            let outputs = configuration.widths[stage + 1]
            for index in 0..<(count / perBlock) {
                blocks.append(
                    try Block(
                        root / "stages" / String(stage) / String(index), inputs: inputs,
                        outputs: outputs, stride: index == 0 && stage > 0 ? 2 : 1,
                        convolutions: perBlock, configuration))
                inputs = outputs
            }
        }
        self.blocks = blocks
        head = try Linear(root / "head", inputs: inputs, outputs: configuration.classes)
    }

    /// D, the number of features in front of the fully connected layer.
    public var featureCount: Int { configuration.widths[configuration.widths.count - 1] }

    /// The 1-bit convolutions in order of execution.
    public var binaryConvolutions: [BinaryConv2d] {
        blocks.flatMap(\.units).compactMap { unit in
            if case .binary(let binary, _) = unit.convolution { binary } else { nil }
        }
    }

    /// `images`: [N, C, H, W], normalised.
    public func callAsFunction(
        _ images: Tensor, _ phase: Phase
    ) throws(TorchError) -> NetworkOutput {
        // Channels last: the layout in which LibTorch's convolutions and the fused operations are fast.
        var x = try images.contiguous(channelsLast: true)
        x = try stemPReLU(stemNorm(stemConvolution(x, phase), phase))
        if configuration.stem == .imagenet {
            x = try x.maxPool2d(kernel: 3, stride: 2, padding: 1)
        }
        for block in blocks { x = try block(x, phase, dropoutGenerator) }
        let features = try averaging(x, phase) { (x) throws(TorchError) in
            try x.mean([2, 3])
        }
        return NetworkOutput(logits: try head(features, phase), features: features)
    }

    /// Keeps constrained parameters in their range; call after each optimiser step.
    public func constrain() throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for binary in binaryConvolutions { try binary.constrain() }
        }
    }
}
