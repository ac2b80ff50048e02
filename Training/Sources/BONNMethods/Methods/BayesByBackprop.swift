public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
import Foundation
public import Torch

/// Bayes by Backprop (Blundell et al., Weight Uncertainty in Neural Networks, ICML 2015): real weights with a
/// Gaussian posterior each, from which every step draws (methods.md 2.17).
///
///     q(w|theta) = N(mu, sigma^2), sigma = log(1 + exp(rho));  w = mu + sigma o eps, eps ~ N(0, 1);
///     a step minimizes pi_i [log q(w|theta) - log P(w)] - log P(D_i|w) over the images of batch i, with one w;
///     P(w) = product of pi N(w; 0, s1^2) + (1 - pi) N(w; 0, s2^2), s1 > s2;
///     pi_i = 1 / M or 2^(M - i) / (2^M - 1) in the i-th of M batches of an epoch
///
/// Both gradients, dmu = df/dw + df/dmu and drho = df/dw eps / (1 + exp(-rho)) + df/drho, are those of this sum,
/// whose terms are divided by the size of the batch here, as the cross-entropy is. The paper proposes the second
/// pi_i; the first one (Graves, 2011, which it starts from) is the default, since the second gives the prior half
/// of its weight in one step, which is gentle on the paper's fully connected networks and throws convolutions
/// with batch norm out of place.
///
/// The weights of all layers are drawn, those of the first, the last and of shortcuts too; biases and batch norms
/// are points, and there is no quantizer. pi = 1/2, s1 = 1, s2 = e^-6, mu from +-0.2 and rho from -5 to -4 are
/// those of re-implementations ([C]); the paper searched pi in 1/4 ... 3/4, -log s1 in 0 ... 2 and -log s2 in
/// 6 ... 8 ([M]).
///
/// Evaluation takes the means, or with `evaluation_samples` the average of the probabilities that so many draws
/// give. layers.csv has the mean of |mu| / sigma, by which the paper prunes, and the share of weights below 1.
///
/// Reported on MNIST: test error 1.32 to 1.34 %; 75 to 95 % of the weights removable by |mu| / sigma ([M]).
public struct BayesByBackprop: WeightsOnlyMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "bayes", title: "Bayes by Backprop, drawn real weights",
        paper: "Blundell et al., Weight Uncertainty in Neural Networks, ICML 2015", widths: "32/32",
        reported: "MNIST 98.68 %",
        deployment: "in float32, the means; not as an average over draws")

    /// How the batches of an epoch share the distance to the prior.
    public enum BatchWeights: String, Sendable, CaseIterable {
        /// 1 / M each.
        case uniform
        /// Half of what is left each.
        case geometric
    }

    /// pi, the share of the wide Gaussian.
    public var priorMix: Double
    /// -log s1.
    public var wide: Double
    /// -log s2.
    public var narrow: Double
    /// pi_i.
    public var batchWeights: BatchWeights
    /// The least rho of the first ones, which are up to 1 above it.
    public var initialRho: Double
    /// Draws in evaluation; 0: the means.
    public var evaluationSamples: Int

    /// The bound of the first means.
    private static let meanBound = 0.2

    /// The keys of its settings.
    public static let keys: [Key<BayesByBackprop>] = [
        .number("prior_mix", \.priorMix, in: 0.01...1, "share of the wide Gaussian in the prior"),
        .number("minus_log_s1", \.wide, in: -10...20, "of the wide Gaussian's deviation"),
        .number("minus_log_s2", \.narrow, in: -10...20, "of the narrow Gaussian's deviation"),
        .choice(
            "batch_weights", \.batchWeights,
            "how the batches of an epoch share the distance to the prior"),
        .number(
            "initial_rho", \.initialRho, in: -30...10,
            "the first rho are from it up to 1 more; a deviation is log(1 + exp(rho))"),
        .integer(
            "evaluation_samples", \.evaluationSamples, in: 0...10_000,
            "draws of all weights whose probabilities are averaged; 0: the means, once"),
    ]

    /// The prior of re-implementations, the means in evaluation.
    public init() { self.init(evaluationSamples: 0) }

    /// Creates the method.
    public init(
        priorMix: Double = 0.5, wide: Double = 0, narrow: Double = 6,
        batchWeights: BatchWeights = .uniform, initialRho: Double = -5, evaluationSamples: Int = 0
    ) {
        self.priorMix = priorMix
        self.wide = wide
        self.narrow = narrow
        self.batchWeights = batchWeights
        self.initialRho = initialRho
        self.evaluationSamples = evaluationSamples
    }

    /// The plan without quantizers, all of whose weights are drawn; none in a stage with real weights.
    public func adapt(_ plan: NetworkPlan) -> NetworkPlan {
        let real = plan.withRealActivations()
        return plan.quantizedLayers.isEmpty ? real : real.withQuantizedWeights()
    }

    /// Draws weights.
    public var drawsNumbers: Bool { true }

    /// Draws in evaluation.
    public var evaluationDraws: Int { evaluationSamples }

    /// mu: means are real weights.
    public func latent(_ kernel: [Int]) -> LatentParameter {
        LatentParameter(kernel, .uniform(bound: Self.meanBound), role: .posteriorMean)
    }

    /// mu + sigma o eps.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        Kernel(
            rho: try scope.parameter(
                "rho", latent.shape, .between(initialRho, initialRho + 1), role: .posteriorDeviation
            ),
            evaluationSamples: evaluationSamples)
    }

    /// The distance to the prior.
    public func objectives(for network: Network) -> [any Objective] {
        let kernels = network.quantizedLayers.compactMap { $0.quantizer as? Kernel }
        return kernels.isEmpty ? [] : [Complexity(kernels, self)]
    }

    /// pi_i of a step.
    func batchWeight(at progress: RunProgress) -> Double {
        switch batchWeights {
        case .uniform: 1 / Double(progress.steps)
        // 2^(M - i) / (2^M - 1) with i from 1, both over 2^M.
        case .geometric: exp2(-Double(progress.step + 1)) / (1 - exp2(-Double(progress.steps)))
        }
    }

    /// The weights of a layer.
    final class Kernel: KernelQuantizer {
        /// rho, of the shape of mu.
        let rho: Parameter
        private let evaluationSamples: Int
        /// w and eps of the last pass of training: the loss is one of the weights that the pass had.
        private(set) var drawn: (weights: Tensor, noise: Tensor)?

        init(rho: Parameter, evaluationSamples: Int) {
            self.rho = rho
            self.evaluationSamples = evaluationSamples
        }

        var parameters: [Parameter] { [rho] }

        /// log(1 + exp(rho)).
        var deviation: Tensor {
            get throws(TorchError) { try (rho.tensor.exp() + 1.0).log() }
        }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            guard let generator = pass.generator, pass.isTraining || evaluationSamples > 0 else {
                guard !pass.isTraining else {
                    throw TorchError(.state, "weights that are drawn in training need a generator")
                }
                return latent
            }
            let noise = try generator.normal(latent.shape)
            let weights = try latent + deviation * noise
            if pass.isTraining { drawn = (weights, noise) }
            return weights
        }

        /// log q(w|theta) - log P(w), summed; nil before the first pass. (w - mu) / sigma is eps.
        func complexity(_ method: BayesByBackprop) throws(TorchError) -> Tensor? {
            guard let (weights, noise) = drawn else { return nil }
            let posterior = try -deviation.log() - noise.square() / 2.0
            return try (posterior - method.logPrior(weights)).sum()
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            guard evaluationSamples == 0 else {
                throw TorchError(
                    .state,
                    "evaluation is an average over \(evaluationSamples) draws of the weights, which the "
                        + "runtime does not compute: method.evaluation_samples = 0 evaluates and exports "
                        + "the means")
            }
            return .real(try latent.detached().to(.cpu).floats())
        }

        func statistics(
            _ latent: Tensor
        ) throws(TorchError) -> [(name: String, value: Double)] {
            let ratio = try latent.detached().abs() / deviation.detached()
            return [
                ("mean_sigma", try deviation.detached().mean().item()),
                ("mean_ratio", try ratio.mean().item()),
                ("ratio_below_1", try ratio.lt(1).to(.float32).mean().item()),
            ]
        }
    }

    /// log P(w) of each weight, and the sum of both terms with the constant of a Gaussian left out: log q has it
    /// too.
    func logPrior(_ weights: Tensor) throws(TorchError) -> Tensor {
        func term(_ share: Double, _ minusLogDeviation: Double) throws(TorchError) -> Tensor {
            let precision = exp(2 * minusLogDeviation)
            return try weights.square() * (-precision / 2) + (log(share) + minusLogDeviation)
        }
        let first = try term(priorMix, wide)
        guard priorMix < 1 else { return first }
        let second = try term(1 - priorMix, narrow)
        let larger = try first.maximum(second).detached()
        return try ((first - larger).exp() + (second - larger).exp()).log() + larger
    }

    /// pi_i sum [log q(w|theta) - log P(w)] over the size of the batch.
    final class Complexity: Objective {
        let name = "complexity"
        let pullsLatentWeights = true
        private let kernels: [Kernel]
        private let method: BayesByBackprop

        init(_ kernels: [Kernel], _ method: BayesByBackprop) {
            self.kernels = kernels
            self.method = method
        }

        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            var terms: [Tensor] = []
            for kernel in kernels {
                guard let term = try kernel.complexity(method) else {
                    throw TorchError(.state, "a pass of training draws the weights first")
                }
                terms.append(term)
            }
            let weight = method.batchWeight(at: pass.progress) / Double(pass.labels.count)
            return try Tensor.stack(terms).sum() * weight
        }
    }
}

extension ParameterRole {
    /// mu, real weights that are drawn around.
    static let posteriorMean = ParameterRole(
        "posterior_mean", rate: .latent, decay: .latent, isDeployed: true)
    /// rho, how far they are drawn.
    static let posteriorDeviation = ParameterRole(
        "posterior_deviation", rate: .latent, decay: .never, isDeployed: false)
}
