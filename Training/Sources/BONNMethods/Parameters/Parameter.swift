public import Torch

/// What a parameter is for. Decides its optimizer group, its weight decay and its place in a summary.
///
/// Those of layers stand here; what a method adds, its file declares.
public struct ParameterRole: Sendable, Hashable {
    /// Which learning rate of a recipe a parameter has.
    public enum Rate: Sendable {
        /// `optimizer.learning_rate`.
        case base
        /// `optimizer.latent_learning_rate`: of what is measured in latent weights.
        case latent
        /// `optimizer.scale_learning_rate`.
        case scale
    }

    /// Whether weight decay pulls a parameter to 0.
    public enum Decay: Sendable {
        /// It does.
        case always
        /// Where `optimizer.decay_norms` says so.
        case norms
        /// Where `optimizer.decay_latent_weights` says so.
        case latent
        /// It does not.
        case never
    }

    /// What it is called.
    public let name: String
    /// Its learning rate.
    public let rate: Rate
    /// Its weight decay.
    public let decay: Decay
    /// Whether it is part of what is deployed, a number in 32 bits each.
    public let isDeployed: Bool
    /// Whether an optimizer moves it.
    public let isTrainable: Bool

    /// Creates a role.
    public init(
        _ name: String, rate: Rate = .base, decay: Decay, isDeployed: Bool,
        isTrainable: Bool = true
    ) {
        self.name = name
        self.rate = rate
        self.decay = decay
        self.isDeployed = isDeployed
        self.isTrainable = isTrainable
    }

    /// Real weights of a convolution or a fully connected layer.
    public static let weight = ParameterRole("weight", decay: .always, isDeployed: true)
    /// Latent weights of a quantized layer; their signs are what is deployed.
    public static let latent = ParameterRole(
        "latent", rate: .latent, decay: .latent, isDeployed: false)
    /// Gamma and beta of a batch norm.
    public static let batchNorm = ParameterRole("batch_norm", decay: .norms, isDeployed: true)
    /// Slopes of a PReLU.
    public static let prelu = ParameterRole("prelu", decay: .norms, isDeployed: true)
    /// Bias of a layer with weights.
    public static let bias = ParameterRole("bias", decay: .norms, isDeployed: true)
    /// Numbers that are added to channels.
    public static let shift = ParameterRole("shift", decay: .never, isDeployed: true)
    /// Numbers that channels are multiplied by.
    public static let gain = ParameterRole("gain", decay: .norms, isDeployed: true)
    /// State that no gradient reaches: running statistics, class centers.
    public static let buffer = ParameterRole(
        "buffer", decay: .never, isDeployed: false, isTrainable: false)
}

/// A named tensor of a network. A class, because optimizer state hangs on its identity.
public final class Parameter {
    /// The key in a checkpoint, in PyTorch's style: `stages.0.3.0.convolution.weight`.
    public let name: String
    /// The values; a leaf of autograd unless nothing moves it.
    public let tensor: Tensor
    /// What it is for.
    public let role: ParameterRole

    /// Whether an optimizer moves it.
    public var isTrainable: Bool { role.isTrainable }

    init(name: String, tensor: Tensor, role: ParameterRole) {
        self.name = name
        self.tensor = tensor
        self.role = role
    }
}
