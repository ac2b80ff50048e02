public import Torch

/// y = x >= 0 ? x : slope * x, one slope per channel, starting at 0.25.
public struct PReLU {
    /// `[C]`.
    public let weight: Parameter

    /// Creates the layer.
    public init(_ scope: ParameterScope, channels: Int) throws(TorchError) {
        weight = try scope.parameter("weight", [channels], .constant(0.25), role: .prelu)
    }

    /// Applies the layer to [N, C, H, W].
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.prelu(weight.tensor)
    }

    /// PReLU(a + b) as one operation.
    public func ofSum(_ a: Tensor, _ b: Tensor) throws(TorchError) -> Tensor {
        try Fused.addPReLU(a, b, weight: weight.tensor)
    }
}
