import BONNNetworks
import Torch

/// A method without latent weights, whose +-1 are flipped (`SignFlips`): no scale, signs of activations, a shortcut
/// around each convolution.
protocol FlippedWeightsMethod: Method {
    /// How gradients pass the signs of activations.
    var slope: Slope { get }
}

extension FlippedWeightsMethod {
    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock() }

    /// A batch norm behind a last layer of signs.
    public func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan {
        try plan.normalizingQuantizedLogits()
    }

    /// Any sign.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter(kernel, .uniform(bound: 1))
    }

    /// sign(W), where W is +-1.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { try BoundedSigns(startingFromSignsOf: latent) }

    /// sign.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(SignSlope(slope)) }
}
