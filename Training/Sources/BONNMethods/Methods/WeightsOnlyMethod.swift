import BONNNetworks
import Torch

/// A method of quantized weights and real activations: batch norm and ReLU behind each layer, no quantizer.
protocol WeightsOnlyMethod: Method {}

extension WeightsOnlyMethod {
    /// Order of the layers.
    public var style: any BlockStyle { PostActivationBlock() }

    /// The plan without the quantizers that a network brings along.
    public func adapt(_ plan: NetworkPlan) -> NetworkPlan { plan.withRealActivations() }

    /// The value as it is.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { RealActivation() }
}

/// Activations as they are.
struct RealActivation: ActivationQuantizer {
    func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { x }

    func deployed() throws(TorchError) -> DeployedActivation { .real }
}
