public import Torch

/// y = x > 0 ? x : slope * x, one slope per channel, starting at 0.25.
public struct PReLU: Layer {
    /// `[C]`.
    public let weight: Parameter

    /// Creates the layer.
    public init(_ scope: ParameterScope, channels: Int) throws(TorchError) {
        weight = try scope.parameter("weight", [channels], .constant(0.25), role: .prelu)
    }

    /// x where it is positive, else slope * x.
    public func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try inputs[0].prelu(weight.tensor)
    }
}
