public import BONNConfiguration
import BONNNetworks
public import Torch

/// Bop2ndOrder (Suarez-Ramirez et al., A Bop and Beyond, CVPR LatinX workshop 2021): weights that are +-1 while
/// they are trained, flipped by a first moment of their gradients over the root of a second one.
///
///     m <- (1 - gamma) m + gamma g;  v <- (1 - sigma) v + sigma g^2;
///     w <- -w where w m / (sqrt(v) + 1e-10) > tau
///     unbiased: m / (1 - (1 - gamma)^t) and v / (1 - (1 - sigma)^t) in their places
///
/// [C], the authors' code of the biased form; that of the unbiased one was not found, and its correction is Adam's
/// ([D]), with the product of the factors in the place of the power, since gamma and sigma change. As in the code
/// for CIFAR-10 ([C]) gamma goes from 1e-2 to 1e-5, sigma from 1e-7 to 1e-2 and tau from 1e-5 to 1e-8, each in a
/// straight line over the steps of 500 epochs with batches of 50; on ImageNet from 1e-4 to 1e-9, 1e-5 to 1e-2 and 1e-8
/// to 1e-5. In the first of three epochs a gamma of 1e-2 flips half of the weights.
///
/// Weights have no scale, and a batch norm stands behind each layer; signs of activations have the slope of
/// hardtanh (BinaryNet; polynomial in the authors' Bi-Real Net: `slope`); in residual networks each convolution
/// has a shortcut.
///
/// Reported ([C], the authors' README): BinaryNet on CIFAR-10 91.9 %, unbiased 91.4 %; ImageNet XNOR-Net 46.9 %,
/// Bi-Real Net 57.2 %.
///
/// The latent weights of a layer hold w. Of weights that come from another run the signs are taken.
public struct BopSecondOrder: FlippedWeightsMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bop2", title: "Bop of second order, flips by normalized averages",
        paper: "Suarez-Ramirez et al., A Bop and Beyond, CVPR LatinX workshop 2021", widths: "1/1",
        reported: "BinaryNet on CIFAR-10 91.9 %; Bi-Real Net on ImageNet 57.2 %",
        figures: [
            ReportedFigure("convnet", .cifar10, 91.9), ReportedFigure("resnet18", .imageNet, 57.2),
        ],
        deployment: "in bits")

    /// A number that changes in a straight line over the steps.
    public struct Line: Sendable, Equatable {
        /// In the first step.
        public var start: Double
        /// Behind the last one.
        public var end: Double

        /// Creates a line.
        public init(_ start: Double, _ end: Double) {
            self.start = start
            self.end = end
        }

        func value(at progress: RunProgress) -> Double {
            start + progress.shareOfSteps * (end - start)
        }
    }

    /// How fast the first moment follows.
    public var gamma: Line
    /// How fast the second moment follows.
    public var sigma: Line
    /// tau, the quotient from which on a weight is flipped.
    public var threshold: Line
    /// Whether moments are freed of the bias of the first steps.
    public var unbiased: Bool
    /// How gradients pass the signs of activations.
    public var slope: Slope

    /// The keys of its settings.
    public static let keys: [Key<BopSecondOrder>] = [
        .number("gamma", \.gamma.start, in: 0...1, "how fast the first moment follows, at first"),
        .number("gamma_end", \.gamma.end, in: 0...1, "in the end"),
        .number("sigma", \.sigma.start, in: 0...1, "how fast the second moment follows, at first"),
        .number("sigma_end", \.sigma.end, in: 0...1, "in the end"),
        .number(
            "threshold", \.threshold.start, in: 0...1000,
            "of the quotient of moments, to flip a weight, at first"),
        .number("threshold_end", \.threshold.end, in: 0...1000, "in the end"),
        .flag("unbiased", \.unbiased, "moments without the bias of the first steps"),
        .choice("slope", \.slope, "of the signs of activations"),
    ]

    /// The numbers of CIFAR-10, biased.
    public init() { self.init(unbiased: false) }

    /// Creates the method.
    public init(
        gamma: Line = Line(1e-2, 1e-5), sigma: Line = Line(1e-7, 1e-2),
        threshold: Line = Line(1e-5, 1e-8), unbiased: Bool = false, slope: Slope = .clip
    ) {
        self.gamma = gamma
        self.sigma = sigma
        self.threshold = threshold
        self.unbiased = unbiased
        self.slope = slope
    }

    /// The flips.
    public func rules(for network: Network) throws(TorchError) -> [any TrainingRule] {
        [try SignFlips(network, isUnbiased: unbiased, rates: rates)]
    }

    /// The numbers of a step.
    func rates(at progress: RunProgress) -> SignFlips.Rates {
        SignFlips.Rates(
            gamma: gamma.value(at: progress), sigma: sigma.value(at: progress),
            threshold: threshold.value(at: progress))
    }
}
