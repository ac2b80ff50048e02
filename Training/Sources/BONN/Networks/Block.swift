import Torch

/// An inner convolution with the batch norm (and sign) before it.
public struct ConvolutionUnit {
    /// 1-bit or real.
    public enum Convolution {
        /// sign before it, 1-bit weights.
        case binary(BinaryConv2d, ActivationEstimator)
        /// Real activations and weights.
        case real(Conv2d)
    }
    /// The batch norm on the unit's input.
    public let norm: BatchNorm2d
    /// The convolution.
    public let convolution: Convolution

    init(
        _ scope: ParameterScope, _ shape: ConvolutionShape, _ configuration: NetworkConfiguration
    ) throws(TorchError) {
        norm = try BatchNorm2d(scope / "norm", channels: shape.inputs)
        switch configuration.method {
        case .bonn:
            let fanIn = Double(shape.inputs * shape.kernel * shape.kernel)
            let binary = try BinaryConv2d(
                scope / "convolution", shape,
                quantizer: KernelQuantizer(
                    reading: configuration.reading, scaleGradient: configuration.scaleGradient),
                latentStd: configuration.latentStd,
                initialScale: configuration.initialScale > 0
                    ? configuration.initialScale : 1 / fanIn.squareRoot())
            convolution = .binary(binary, configuration.activationEstimator)
        case .real:
            convolution = .real(try Conv2d(scope / "convolution", shape))
        }
    }

    func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        switch convolution {
        case .binary(let binary, let estimator):
            try binary(norm.sign(x, phase, estimator: estimator), phase)
        case .real(let real):
            try real(norm(x, phase), phase)
        }
    }
}

/// The shortcut of a block that changes channels or size: real 1x1 convolution, batch norm, and
/// average pooling where the block has a stride (the authors' ResNet-18 code).
public struct DownsamplingShortcut {
    /// 1x1, stride 1.
    public let convolution: Conv2d
    /// The batch norm behind it.
    public let norm: BatchNorm2d
    /// Pooling window and stride; 1 means no pooling.
    public let stride: Int

    init(_ scope: ParameterScope, inputs: Int, outputs: Int, stride: Int) throws(TorchError) {
        convolution = try Conv2d(
            scope / "convolution", ConvolutionShape(inputs, outputs, kernel: 1))
        norm = try BatchNorm2d(scope / "norm", channels: outputs)
        self.stride = stride
    }

    /// Applies the layers; in deployment the pooling comes first, which is the same but for rounding
    /// (`Graph.poolingFirst` of BONNExport has the proof) and leaves stride^2 times less to convolve.
    func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        if phase == .deployment {
            return try norm(convolution(pooled(x, phase), phase), phase)
        }
        return try pooled(norm(convolution(x, phase), phase), phase)
    }

    private func pooled(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        guard stride > 1 else { return x }
        return try averaging(x, phase) { (x) throws(TorchError) in
            // Rounded up as the 3x3 convolution beside it; the last window of an odd size is the mean
            // of the pixels that are there.
            try x.avgPool2d(kernel: stride, stride: stride, ceilMode: true, countPadding: false)
        }
    }
}

/// One or two convolutions with a shortcut around them:
/// `y = PReLU(Conv(sign(BN(x))) + shortcut(x))`, one convolution per block in the authors' code.
public struct Block {
    /// One (per-convolution shortcuts) or two (classic) convolutions.
    public let units: [ConvolutionUnit]
    /// One PReLU behind each convolution; the last one stands at the addition.
    public let prelus: [PReLU]
    /// nil: identity.
    public let shortcut: DownsamplingShortcut?
    /// Where the last PReLU stands.
    public let placement: PReLUPlacement
    /// Dropout probability of each convolution's result.
    public let dropout: Double

    init(
        _ scope: ParameterScope, inputs: Int, outputs: Int, stride: Int, convolutions: Int,
        _ configuration: NetworkConfiguration
    ) throws(TorchError) {
        var units: [ConvolutionUnit] = []
        var prelus: [PReLU] = []
        for index in 0..<convolutions {
            let place = scope / String(index)
            let shape = ConvolutionShape(
                index == 0 ? inputs : outputs, outputs, kernel: 3, stride: index == 0 ? stride : 1)
            units.append(try ConvolutionUnit(place, shape, configuration))
            prelus.append(try PReLU(place / "prelu", channels: outputs))
        }
        self.units = units
        self.prelus = prelus
        shortcut =
            inputs == outputs && stride == 1
            ? nil
            : try DownsamplingShortcut(
                scope / "shortcut", inputs: inputs, outputs: outputs, stride: stride)
        placement = configuration.preluPlacement
        dropout = configuration.dropout
    }

    func callAsFunction(
        _ x: Tensor, _ phase: Phase, _ generator: Generator?
    ) throws(TorchError) -> Tensor {
        var y = x
        for (index, unit) in units.enumerated() {
            y = try unit(y, phase)
            if phase == .training, dropout > 0, let generator {
                y = try y.dropout(dropout, generator: generator)
            }
            if index < units.count - 1 { y = try prelus[index](y) }
        }
        let around = try shortcut?(x, phase) ?? x
        let last = prelus[prelus.count - 1]
        switch placement {
        case .afterAddition: return try last.ofSum(y, around)
        case .beforeAddition: return try last(y) + around
        }
    }
}
