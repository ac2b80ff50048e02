public import BONNConfiguration
public import BONNNetworks
public import Torch

/// The same network in full precision: real convolutions, no quantizer. What methods are compared with.
public struct FullPrecision: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "real", title: "full precision", paper: "the network's own", widths: "32/32",
        reported: "WRN-22 16-16-32-64 on CIFAR-10 91.66 % (BONN's table)",
        figures: [
            ReportedFigure("wrn22 16-16-32-64", .cifar10, 91.66),
            ReportedFigure("wrn22 16-16-32-64", .cifar100, 67.51),
            ReportedFigure("resnet18", .imageNet, 69.3),
        ],
        deployment: "float32, or 8-bit first and last layers")

    /// Order of the layers: that of the method which it is compared with.
    public var block: BONNBlock

    /// The keys of its settings.
    public static let keys: [Key<FullPrecision>] = BONNBlock.keys.at(\.block)

    /// The order of the authors' code.
    public init() { self.init(block: BONNBlock()) }

    /// Creates the method with an order of layers.
    public init(block: BONNBlock) { self.block = block }

    /// Order of the layers.
    public var style: any BlockStyle { block }

    /// The plan without quantizers.
    public func adapt(_ plan: NetworkPlan) -> NetworkPlan { plan.inFullPrecision() }

    /// Never asked for.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        preconditionFailure("a plan in full precision has no quantized layer")
    }

    /// Never asked for.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        preconditionFailure("a plan in full precision has no quantizer")
    }
}
