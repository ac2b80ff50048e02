public import Torch

/// A real convolution without bias: [N, C, H, W] -> [N, K, H', W'].
public struct Conv2d {
    /// `[K, C, kh, kw]`.
    public let weight: Parameter
    /// Kernel, stride, padding.
    public let shape: ConvolutionShape
    /// The 8-bit form that deployment uses, if there is one.
    public let int8 = Int8Slot()

    /// Creates the layer; weights from N(0, 2 / fan-in).
    public init(_ scope: ParameterScope, _ shape: ConvolutionShape) throws(TorchError) {
        self.shape = shape
        weight = try scope.parameter(
            "weight", shape.weightShape, .kaiming(shape.weightShape), role: .weight)
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        guard phase == .deployment else {
            return try x.conv2d(weight.tensor, stride: shape.stride, padding: shape.padding)
        }
        if let form = int8.form {
            return try form(x, bias: nil, stride: shape.stride, padding: shape.padding)
        }
        return try Fused.chainedConv2d(
            x, weight.tensor, stride: shape.stride, padding: shape.padding)
    }
}

/// A fully connected layer: [N, C] -> [N, K].
public struct Linear {
    /// `[K, C]`.
    public let weight: Parameter
    /// `[K]`.
    public let bias: Parameter
    /// The 8-bit form that deployment uses, if there is one.
    public let int8 = Int8Slot()

    /// Creates the layer; weights and bias uniform in +-1 / sqrt(C), as PyTorch's.
    public init(_ scope: ParameterScope, inputs: Int, outputs: Int) throws(TorchError) {
        let bound = 1 / Double(inputs).squareRoot()
        weight = try scope.parameter(
            "weight", [outputs, inputs], .uniform(bound: bound), role: .weight)
        bias = try scope.parameter("bias", [outputs], .uniform(bound: bound), role: .bias)
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Tensor, _ phase: Phase) throws(TorchError) -> Tensor {
        guard phase == .deployment else {
            return try x.linear(weight.tensor, bias.tensor)
        }
        let images = x.shape[0]
        let outputs = weight.tensor.shape[0]
        let pixels = try x.reshape([images, -1, 1, 1])
        let logits =
            if let form = int8.form {
                try form(pixels, bias: bias.tensor, stride: 1, padding: 0)
            } else {
                try Fused.chainedConv2d(
                    pixels, weight.tensor.reshape([outputs, -1, 1, 1]), bias: bias.tensor)
            }
        return try logits.reshape([images, outputs])
    }
}

/// Runs `average` on `x` as it is, or, in deployment, on `x` in float64 with the result rounded once
/// to float32: an average then does not depend on the order of the additions.
func averaging(
    _ x: Tensor, _ phase: Phase, _ average: (Tensor) throws(TorchError) -> Tensor
) throws(TorchError) -> Tensor {
    guard phase == .deployment else { return try average(x) }
    return try average(x.to(.float64)).to(.float32)
}
