public import BONNConfiguration
public import BONNNetworks
public import Torch

/// ReActNet (Liu et al., ECCV 2020) in its ResNet-18 form: a learned shift in front of the sign, RPReLU, two
/// stages of training (methods.md 3.3). The first stage, binary activations with real weights, is
/// `method.weights: real` in a stage of a recipe; the next stage starts from its weights.
public struct ReActNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "react", title: "ReActNet, learned shifts", paper: "Liu et al., ReActNet, ECCV 2020",
        widths: "1/1", reported: "ResNet-18 on ImageNet 65.5 % (with a teacher)",
        figures: [
            ReportedFigure("resnet18", .imageNet, 65.5, note: "with a teacher")
        ],
        deployment: "in bits")

    /// How gradients pass the signs of activations.
    public var slope = SignSlope.polynomial

    /// The keys of its settings.
    public static let keys: [Key<ReActNet>] = SignSlope.keys.at(\.slope)

    /// Creates the method.
    public init() {}

    /// Bi-Real Net's blocks with RPReLU behind them: a learned shift, a PReLU and another shift. The shift in
    /// front of the sign is the quantizer's.
    public var style: any BlockStyle {
        BiRealBlock(activation: [("shift_in", .bias), ("prelu", .prelu), ("shift_out", .bias)])
    }

    /// mean|W| sign(W), with the slope of hardtanh.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        // g 1{|W| <= 1}, as in the code of Bi-Real Net.
        ScaledSigns { (latent, _) throws(TorchError) in try Slope.clip.surrogate(latent) }
    }

    /// RSign.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        RSign(
            shift: try scope.parameter("bias", [channels], .constant(0), role: .shift),
            sign: SignQuantizer(slope))
    }

    /// sign(x + b), b a learned number a channel, with the slope of the settings.
    struct RSign: ActivationQuantizer {
        let shift: Parameter
        let sign: SignQuantizer

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try sign(x, shiftedBy: shift.tensor, pass)
        }

        /// fl(x + b) >= 0 exactly where x >= -b: rounding keeps the sign of a sum.
        func deployed() throws(TorchError) -> DeployedActivation {
            .planes([Plane(level: try shift.tensor.detached().to(.cpu).floats().map { 0 - $0 })])
        }
    }
}
