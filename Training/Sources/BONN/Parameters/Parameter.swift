public import Torch

/// What a parameter is for. Decides its optimiser group, its weight decay and its place in a summary.
public enum ParameterRole: String, Sendable, CaseIterable {
    /// Real weights of a convolution or a fully connected layer.
    case weight
    /// Latent weights X of a binary convolution; their signs are what is deployed.
    case binaryKernel
    /// The scale vector w of a binary convolution (BONN, 1.3).
    case scale
    /// The mean of the modes of a binary kernel (BONN, equation 17).
    case mu
    /// The standard deviation of the modes of a binary kernel (BONN, equation 18).
    case sigma
    /// Gamma and beta of a batch norm.
    case batchNorm
    /// Slopes of a PReLU.
    case prelu
    /// Bias of a fully connected layer.
    case bias
    /// log s^2 of the Bayesian feature loss (BONN, equation 8).
    case featureVariance
    /// State that no gradient reaches: running statistics, class centres.
    case buffer
}

/// A named tensor of a network. A class, because optimiser state hangs on its identity.
public final class Parameter {
    /// The key in a checkpoint, in PyTorch's style: `stages.0.3.convolution.weight`.
    public let name: String
    /// The values; a leaf of autograd unless the role is `buffer`.
    public let tensor: Tensor
    /// What it is for.
    public let role: ParameterRole

    /// Whether an optimiser moves it.
    public var isTrainable: Bool { role != .buffer }

    init(name: String, tensor: Tensor, role: ParameterRole) {
        self.name = name
        self.tensor = tensor
        self.role = role
    }
}
