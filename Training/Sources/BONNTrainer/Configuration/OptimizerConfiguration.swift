public import BONNConfiguration
public import BONNMethods

/// The optimiser and its parameter groups.
public struct OptimizerConfiguration: Sendable, Equatable {
    /// The update rule.
    public enum Name: String, Sendable, CaseIterable {
        /// Stochastic gradient descent with momentum.
        case sgd
        /// Adam with L2 regularisation in the gradient.
        case adam
        /// Adam with decoupled weight decay.
        case adamw
        /// AdaGrad.
        case adagrad
        /// AdaDelta, whose rate is 1 as published.
        case adadelta
        /// RMSProp without momentum.
        case rmsprop
        /// AdaMax.
        case adamax
        /// The AdaMax of BNN, which multiplies by powers of two.
        case shiftAdamax = "shift_adamax"
    }

    /// Whether weight decay acts on the latent weights of binary kernels.
    public enum LatentDecay: String, Sendable, CaseIterable {
        /// Only where no objective pulls them elsewhere.
        case auto
        /// Always.
        case on
        /// Never.
        case off
    }

    /// The update rule.
    public var name = Name.sgd
    /// The base learning rate; the schedule multiplies it.
    public var learningRate = 0.01
    /// The base learning rate of what scales kernels; nil: as the others.
    public var scaleLearningRate: Double?
    /// The base learning rate of the latent weights; nil: as the others.
    public var latentLearningRate: Double?
    /// The momentum of SGD.
    public var momentum = 0.9
    /// Nesterov's form of momentum.
    public var nesterov = true
    /// Decay of the first moment of Adam and AdaMax.
    public var beta1 = 0.9
    /// Decay of the second moment of Adam, and of the largest gradient of AdaMax.
    public var beta2 = 0.999
    /// Decay of the squared gradients of RMSProp and AdaDelta.
    public var rho = 0.9
    /// Added to what the adaptive rules divide by; nil: what is usual for the rule.
    public var epsilon: Double?
    /// The largest norm of all gradients together; 0: they stay as they are.
    public var gradientNorm = 0.0
    /// What the gradients of quantized convolutions are multiplied in.
    public var gradientPrecision = Precision.float32
    /// Weight decay of real weights.
    public var weightDecay = 5e-4
    /// Weight decay of latent weights.
    public var decayLatentWeights = LatentDecay.auto
    /// Whether biases, batch norms and PReLU slopes decay as real weights do.
    public var decayNorms = true

    /// The defaults.
    public init() {}
}

extension OptimizerConfiguration {
    /// Its keys.
    public static let keys: [Key<OptimizerConfiguration>] = [
        .choice("name", \.name, "the update rule"),
        .number(
            "learning_rate", \.learningRate, in: 0...(.greatestFiniteMagnitude),
            "base learning rate, multiplied by the schedule"),
        .optionalNumber(
            "scale_learning_rate", \.scaleLearningRate, in: 0...(.greatestFiniteMagnitude),
            "base learning rate of what scales kernels; null: as the others"),
        .optionalNumber(
            "latent_learning_rate", \.latentLearningRate, in: 0...(.greatestFiniteMagnitude),
            "base learning rate of latent weights and what measures them; null: as the others"),
        .number("momentum", \.momentum, in: 0...0.9999, "of SGD"),
        .flag("nesterov", \.nesterov, "Nesterov's form of momentum (SGD)"),
        .number("beta1", \.beta1, in: 0...0.999999, "of Adam and AdaMax"),
        .number("beta2", \.beta2, in: 0...0.999999, "of Adam and AdaMax"),
        .number("rho", \.rho, in: 0...0.999999, "of RMSProp and AdaDelta"),
        .optionalNumber(
            "epsilon", \.epsilon, in: 1e-16...1,
            "of all but SGD; null: 1e-8, AdaGrad 1e-10, AdaDelta 1e-6, shift_adamax 2^-27"),
        .number(
            "gradient_norm", \.gradientNorm, in: 0...(.greatestFiniteMagnitude),
            "largest norm of all gradients together; 0: as they are"),
        .choice(
            "gradient_precision", \.gradientPrecision,
            "of the products behind the gradients of quantized convolutions; bfloat16 is faster where the "
                + "processor has AVX512_BF16 or AMX"),
        .number(
            "weight_decay", \.weightDecay, in: 0...10,
            "of real weights; never of scales, modes and centers"),
        .choice(
            "decay_latent_weights", \.decayLatentWeights,
            "decay latent binary weights too; auto: only where no loss pulls them elsewhere"),
        .flag(
            "decay_norms", \.decayNorms,
            "decay biases, batch norms and PReLU slopes too"),
    ]
}
