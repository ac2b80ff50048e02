public import Torch

/// A real convolution without bias: [N, C, H, W] -> [N, K, H', W'].
public struct Conv2d {
    /// `[K, C, kh, kw]`.
    public let weight: Parameter
    /// Kernel, stride, padding.
    public let shape: ConvolutionShape

    /// Creates the layer; weights from N(0, 2 / fan-in).
    public init(_ scope: ParameterScope, _ shape: ConvolutionShape) throws(TorchError) {
        self.shape = shape
        weight = try scope.parameter(
            "weight", shape.weightShape, .kaiming(shape.weightShape), role: .weight)
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        try inDeploymentArithmetic(x, phase) { (x, dtype) throws(TorchError) in
            try x.conv2d(
                weight.tensor.to(dtype), stride: shape.stride, padding: shape.padding)
        }
    }
}

/// A fully connected layer: [N, C] -> [N, K].
public struct Linear {
    /// `[K, C]`.
    public let weight: Parameter
    /// `[K]`.
    public let bias: Parameter

    /// Creates the layer; weights and bias uniform in +-1 / sqrt(C), as PyTorch's.
    public init(_ scope: ParameterScope, inputs: Int, outputs: Int) throws(TorchError) {
        let bound = 1 / Double(inputs).squareRoot()
        weight = try scope.parameter(
            "weight", [outputs, inputs], .uniform(bound: bound), role: .weight)
        bias = try scope.parameter("bias", [outputs], .uniform(bound: bound), role: .bias)
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        try inDeploymentArithmetic(x, phase) { (x, dtype) throws(TorchError) in
            try x.linear(weight.tensor.to(dtype), bias.tensor.to(dtype))
        }
    }
}

/// Runs `body` on `x` as it is, or, in deployment, on `x` in float64 with the result rounded once to
/// float32: a sum of real products then does not depend on the order of the additions.
func inDeploymentArithmetic(
    _ x: Tensor, _ phase: Phase, _ body: (Tensor, DType) throws(TorchError) -> Tensor
) throws(TorchError) -> Tensor {
    guard phase == .deployment else { return try body(x, x.dtype) }
    return try body(x.to(.float64), .float64).to(.float32)
}
