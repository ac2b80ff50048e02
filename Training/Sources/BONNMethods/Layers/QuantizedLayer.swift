import BONNModelFormat
public import BONNNetworks
public import Torch

/// A convolution or fully connected layer whose kernel is what the method makes of latent weights.
public struct QuantizedLayer: Layer {
    /// The layer's name in the plan.
    public let name: String
    /// What the plan says of it.
    public let plan: LayerPlan
    /// The latent weights, [K, C / groups, kh, kw] or [K, C], or what the method has in their place.
    public let latent: Parameter
    /// What becomes of them.
    public let quantizer: any KernelQuantizer
    private let bias: Parameter?
    private let method: any Method

    /// Creates the layer with what a method gives it.
    init(
        _ scope: ParameterScope, _ plan: LayerPlan, channels: Int, _ method: any Method
    ) throws(TorchError) {
        self.plan = plan
        self.method = method
        name = scope.path
        let shape: [Int]
        let hasBias: Bool
        switch plan {
        case .convolution(let convolution):
            shape = convolution.weightShape(channels: channels)
            hasBias = convolution.hasBias
        case .linear(let linear):
            shape = [linear.outputs, channels]
            hasBias = linear.hasBias
        default:
            preconditionFailure("\(scope.path) has no weights")
        }
        let weights = method.latent(shape)
        latent = try scope.parameter(
            "weight", weights.shape, weights.initialiser, role: weights.role)
        quantizer = try method.kernel(scope, latent: latent.tensor)
        bias =
            hasBias ? try scope.parameter("bias", [shape[0]], .constant(0), role: .bias) : nil
    }

    /// The sums over the quantized kernel.
    public func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        let kernel = try quantizer(latent.tensor, pass)
        switch plan {
        case .convolution(let convolution):
            return try method.sums(sums(of: inputs[0], convolution, kernel, pass), pass)
        default:
            return try method.sums(inputs[0].asRows().linear(kernel, bias?.tensor), pass)
        }
    }

    private func sums(
        of x: Tensor, _ convolution: ConvolutionPlan, _ kernel: Tensor, _ pass: Pass
    ) throws(TorchError) -> Tensor {
        guard pass.isFusing, bias == nil else {
            return try x.convolution(
                kernel, bias: bias?.tensor, convolution.window, groups: convolution.groups,
                padding: convolution.padding.number)
        }
        return try x.quantizedConvolution(
            kernel, convolution.window, groups: convolution.groups,
            padding: convolution.padding.number, gradients: pass.gradientPrecision)
    }
}

/// An activation quantizer in its place in a network.
struct QuantizeLayer: Layer {
    let quantizer: any ActivationQuantizer

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try quantizer(inputs[0], pass)
    }
}

extension PaddingValue {
    /// What stands in the padding.
    var number: Double {
        switch self {
        case .zero: 0
        case .plusOne: 1
        case .minusOne: -1
        }
    }
}
