import BONNModelFormat
public import BONNNetworks
public import Torch

/// A real convolution: [N, C, H, W] -> [N, K, H', W'].
public struct Conv2d: Layer {
    /// `[K, C / groups, kh, kw]`.
    public let weight: Parameter
    /// `[K]`, or nil.
    public let bias: Parameter?
    /// Kernel, stride, padding.
    public let plan: ConvolutionPlan

    /// Creates the layer; weights from N(0, 2 / fan-in), or what is fixed.
    public init(
        _ scope: ParameterScope, _ plan: ConvolutionPlan, channels: Int
    ) throws(TorchError) {
        self.plan = plan
        let shape = plan.weightShape(channels: channels)
        weight = try scope.weight(plan.weights, shape, .kaiming(shape))
        bias =
            plan.hasBias
            ? try scope.parameter("bias", [plan.outputs], .constant(0), role: .bias) : nil
    }

    /// The weighted sums.
    public func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try inputs[0].convolution(
            weight.tensor, bias: bias?.tensor, plan.window, groups: plan.groups)
    }
}

/// A real fully connected layer: [N, C] -> [N, K].
public struct Linear: Layer {
    /// `[K, C]`.
    public let weight: Parameter
    /// `[K]`, or nil.
    public let bias: Parameter?

    /// Creates the layer; weights and bias uniform in +-1 / sqrt(C), as PyTorch's, or what is fixed.
    public init(_ scope: ParameterScope, _ plan: LinearPlan, features: Int) throws(TorchError) {
        let bound = 1 / Double(features).squareRoot()
        weight = try scope.weight(
            plan.weights, [plan.outputs, features], .uniform(bound: bound))
        bias =
            plan.hasBias
            ? try scope.parameter("bias", [plan.outputs], .uniform(bound: bound), role: .bias)
            : nil
    }

    /// The weighted sums.
    public func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try inputs[0].asRows().linear(weight.tensor, bias?.tensor)
    }
}

extension ParameterScope {
    /// The weights of a real layer: learned, from what they start as, or fixed.
    fileprivate func weight(
        _ kind: Weights, _ shape: [Int], _ start: Initialiser
    ) throws(TorchError) -> Parameter {
        guard let values = kind.fixed(shape) else {
            return try parameter("weight", shape, start, role: .weight)
        }
        return try parameter("weight", shape, .values(values), role: .buffer)
    }
}
