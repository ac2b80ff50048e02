public import BONNConfiguration
import BONNNetworks
public import Torch

/// Bop (Helwegen et al., Latent Weights Do Not Exist, NeurIPS 2019): weights that are +-1 while they are trained,
/// flipped by a moving average of their gradients (methods.md 3.3).
///
///     m <- (1 - gamma) m + gamma g;  w <- -w where |m| > tau and sign(m) = sign(w)
///
/// g is the gradient of the loss with respect to w itself. Weights have no scale, and a batch norm stands behind
/// each layer; signs of activations have the slope of hardtanh, as in the authors' BinaryNet on CIFAR-10 (in
/// their Bi-Real Net it is the polynomial one: `slope`). Everything else belongs to an ordinary optimizer, theirs
/// is Adam. In residual networks each convolution has a shortcut, as in their Bi-Real Net.
///
/// On CIFAR-10 tau = 1e-8 and gamma = 1e-4, times 0.1 after each 100 of 500 epochs of batches of 50; on ImageNet
/// gamma falls from 1e-4 to 1e-6 in a straight line ([C], the authors' code). Where w m is tau exactly the code's
/// flip gives +1 whatever w was; the paper's rule, which is followed, does not flip.
///
/// Reported ([C], the authors' README): BinaryNet on CIFAR-10 91.3 %; ImageNet binary AlexNet 41.1 %, XNOR-Net
/// 45.9 %, Bi-Real Net 56.6 %.
///
/// The latent weights of a layer hold w. Of weights that come from another run the signs are taken.
public struct Bop: FlippedWeightsMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bop", title: "Bop, flips without latent weights",
        paper: "Helwegen et al., Latent Weights Do Not Exist, NeurIPS 2019", widths: "1/1",
        reported: "BinaryNet on CIFAR-10 91.3 %; Bi-Real Net on ImageNet 56.6 %",
        figures: [
            ReportedFigure("convnet", .cifar10, 91.3), ReportedFigure("resnet18", .imageNet, 56.6),
        ],
        deployment: "in bits")

    /// How fast the average of gradients follows.
    public var gamma: Double
    /// What gamma is multiplied by after each so many epochs.
    public var gammaDecay: Double
    /// After how many epochs it is.
    public var decayEpochs: Int
    /// tau, the average from which on a weight is flipped.
    public var threshold: Double
    /// How gradients pass the signs of activations.
    public var slope: Slope

    /// The keys of its settings.
    public static let keys: [Key<Bop>] = [
        .number("gamma", \.gamma, in: 0...1, "how fast the average of gradients follows"),
        .number(
            "gamma_decay", \.gammaDecay, in: 0...1, "gamma is multiplied by it now and then"),
        .integer(
            "decay_epochs", \.decayEpochs, in: 1...1_000_000,
            "after each so many epochs it is"),
        .number("threshold", \.threshold, in: 0...1, "of the average, to flip a weight"),
        .choice("slope", \.slope, "of the signs of activations"),
    ]

    /// The numbers of CIFAR-10.
    public init() { self.init(gamma: 1e-4) }

    /// Creates the method.
    public init(
        gamma: Double = 1e-4, gammaDecay: Double = 0.1, decayEpochs: Int = 100,
        threshold: Double = 1e-8, slope: Slope = .clip
    ) {
        self.gamma = gamma
        self.gammaDecay = gammaDecay
        self.decayEpochs = decayEpochs
        self.threshold = threshold
        self.slope = slope
    }

    /// The flips.
    public func rules(for network: Network) throws(TorchError) -> [any TrainingRule] {
        [try SignFlips(network, rates: rates)]
    }

    /// The numbers of an epoch.
    func rates(at progress: RunProgress) -> SignFlips.Rates {
        let decays = progress.epoch / decayEpochs
        return SignFlips.Rates(
            gamma: (0..<decays).reduce(gamma) { gamma, _ in gamma * gammaDecay },
            threshold: threshold)
    }
}
