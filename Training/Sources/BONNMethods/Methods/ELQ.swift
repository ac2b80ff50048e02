public import BONNConfiguration
import BONNNetworks
import Foundation
public import Torch

/// Extremely low bit weights by ADMM (Leng et al., AAAI 2018): min f(W) where each layer's W lies in a set C of a
/// few levels times a scale that is free, and real activations (methods.md 2.7).
///
///     W <- argmin f(W) + rho/2 ||W - G + Lambda||^2;  G <- proj_C(W + Lambda);  Lambda <- Lambda + W - G;
///     proj_C(V): Q = nearest levels of V / a, a = V.Q / Q.Q, in turns, 5 times
///
/// The step of W is the extragradient (`Extragradient`). Training computes with W; G is what is evaluated and
/// deployed. First and last layers are real.
///
/// The abstract tells the structure; the formulas are the textbook's scaled ADMM. How rho grows, how often G
/// and Lambda move and that a projection takes 5 turns is [M] or chosen here: G and Lambda move every `interval`
/// steps, rho grows evenly in its logarithm with the epochs, by `growth` in all, and Lambda, which is scaled by
/// it, shrinks by as much. A projection starts from a = mean|V| for the levels 0 and +-1, and from
/// max|V| / (1.25 q), q the largest level, for more ([C], of a method that cites this one); sign(V) is exact at
/// once. The paper starts from a trained real network, as two stages or `--from` do.
///
/// Batch norms count what W does: G is as good only once W has come to it, which `gap`, |W - G| / |W| in
/// layers.csv, tells. It takes some hundred steps with a rho whose pull outweighs the gradient of f.
///
/// Reported top-1 on ImageNet for 2, 3, 5 and 7 levels: ResNet-18 64.8, 67.0, 67.5, 68.0 %; AlexNet 57.0, 58.2,
/// 59.2, 60.0 %; ResNet-50 with 7 levels 74.0 %.
public struct ELQ: WeightsOnlyMethod {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "elq", title: "ELQ, weights of few levels by ADMM",
        paper:
            "Leng et al., Extremely Low Bit Neural Network: Squeeze the Last Bit Out with ADMM, "
            + "AAAI 2018",
        widths: "1/32 to 3/32",
        reported: "ResNet-18 on ImageNet 64.8 % (binary), 67.0 % (ternary), 68.0 % (7 levels)",
        figures: [
            ReportedFigure("resnet18", .imageNet, 64.8, note: "binary"),
            ReportedFigure("alexnet", .imageNet, 57.0, note: "binary"),
        ],
        deployment:
            "1-bit weights on real activations; 2, 3 or 4 sums of them for 3, 5 or 7 levels")

    /// What weights may be, times the scale of their layer.
    public enum Levels: String, Sendable, CaseIterable {
        /// -1 and 1.
        case binary
        /// 0 and +-1.
        case ternary
        /// 0, +-1 and +-2.
        case five
        /// 0, +-1, +-2 and +-4.
        case seven
    }

    /// What weights may be.
    public var levels: Levels
    /// rho at the beginning.
    public var rho: Double
    /// What rho is multiplied by over a run.
    public var growth: Double
    /// Steps from one update of G and Lambda to the next.
    public var interval: Int
    /// The length of the predicting step; the schedule multiplies it.
    public var prediction: Double

    /// The keys of its settings.
    public static let keys: [Key<ELQ>] = [
        .choice("levels", \.levels, "+-1; 0 and +-1; 0, +-1, +-2; or 0, +-1, +-2, +-4"),
        .number("rho", \.rho, in: 1e-12...1e6, "weight of the distance from the levels, at first"),
        .number("growth", \.growth, in: 1...1e12, "what rho is multiplied by over the epochs"),
        .integer(
            "interval", \.interval, in: 1...1_000_000, "steps between updates of levels and duals"),
        .number(
            "prediction", \.prediction, in: 0...1000,
            "length of the predicting step of the extragradient, times the schedule"),
    ]

    /// Binary weights.
    public init() { self.init(levels: .binary) }

    /// Creates the method.
    public init(
        levels: Levels = .binary, rho: Double = 1e-3, growth: Double = 1e4, interval: Int = 50,
        prediction: Double = 0.01
    ) {
        self.levels = levels
        self.rho = rho
        self.growth = growth
        self.interval = interval
        self.prediction = prediction
    }

    /// W in training, G elsewhere.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        func buffer(_ name: String, _ shape: [Int]) throws(TorchError) -> Parameter {
            try scope.parameter(name, shape, .constant(0), role: .buffer)
        }
        let kernel = Kernel(
            kind: levels, firstRho: rho, levels: try buffer("levels", latent.shape),
            scale: try buffer("scale", []), dual: try buffer("dual", latent.shape),
            rho: try buffer("rho", []))
        try kernel.fit(latent)
        return kernel
    }

    /// The distance of W from G - Lambda.
    public func objectives(for network: Network) -> [any Objective] {
        [
            LayerLoss("admm_loss", of: network) { layer in
                guard let kernel = layer.quantizer as? Kernel else { return nil }
                return { () throws(TorchError) in try kernel.distance(layer.latent.tensor) }
            }
        ]
    }

    /// G and Lambda.
    public func rules(for network: Network) throws(TorchError) -> [any TrainingRule] {
        [try DualUpdate(self, network)]
    }

    /// The extragradient; a plain step where all weights are real.
    public func update(for network: Network) -> any UpdateRule {
        network.quantizedLayers.isEmpty ? SingleUpdate() : Extragradient(rate: prediction)
    }

    struct Kernel: KernelQuantizer {
        let kind: Levels
        let firstRho: Double
        /// Q, whose product with the scale is G: one of the levels each.
        let levels: Parameter
        /// a.
        let scale: Parameter
        /// Lambda.
        let dual: Parameter
        let rho: Parameter

        var parameters: [Parameter] { [levels, scale, dual, rho] }

        /// G = proj_C(W), Lambda = 0.
        func fit(_ latent: Tensor) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                try rho.tensor.fill_(firstRho)
                try dual.tensor.zero_()
                try project(latent)
            }
        }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            pass.isTraining ? latent : try auxiliary()
        }

        /// A sum of signs times a, 1/2, 1 and 2 a, which has the value of every level.
        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            let scale = Float(try scale.tensor.item())
            var rest = try kind.nearest(levels.tensor).to(.cpu).floats()
            return .binary(
                kind.summands.map { summand in
                    let signs = rest.map { $0 >= 0 ? Float(1) : -1 }
                    rest = zip(rest, signs).map { $0 - summand * $1 }
                    return KernelTerm(signs: signs, scale: [summand * scale])
                })
        }

        func statistics(
            _ latent: Tensor
        ) throws(TorchError) -> [(name: String, value: Double)] {
            let gap = try (latent - auxiliary()).norm().item() / max(1e-30, latent.norm().item())
            return [("rho", try rho.tensor.item()), ("gap", gap)]
        }

        /// G. Moving averages of levels are no levels.
        func auxiliary() throws(TorchError) -> Tensor {
            try kind.nearest(levels.tensor) * scale.tensor
        }

        /// rho/2 ||W - G + Lambda||^2.
        func distance(_ latent: Tensor) throws(TorchError) -> Tensor {
            try (latent - auxiliary() + dual.tensor).square().sum() * rho.tensor / 2.0
        }

        /// G and Lambda from W, and the rho that holds from then on.
        func move(_ latent: Tensor, nextRho: Double) throws(TorchError) {
            let sum = try latent + dual.tensor
            try project(sum)
            try dual.tensor.copy_(from: (sum - auxiliary()) * (rho.tensor.item() / nextRho))
            try rho.tensor.fill_(nextRho)
        }

        private func project(_ v: Tensor) throws(TorchError) {
            let (levels, scale) = try kind.projection(of: v)
            try self.levels.tensor.copy_(from: levels)
            try self.scale.tensor.copy_(from: scale)
        }
    }

    /// Moves G and Lambda of all layers every so many steps.
    final class DualUpdate: TrainingRule {
        private let method: ELQ
        private let layers: [(latent: Tensor, kernel: Kernel)]
        /// Steps since the last time.
        private let steps: Parameter

        var state: [Parameter] { [steps] }

        init(_ method: ELQ, _ network: Network) throws(TorchError) {
            self.method = method
            layers = network.quantizedLayers.compactMap { layer in
                (layer.quantizer as? Kernel).map { (layer.latent.tensor, $0) }
            }
            let scope = ParameterStore(seed: 0, device: network.store.device).root / "admm"
            steps = try scope.parameter("steps", [], .constant(0), role: .buffer)
        }

        func afterUpdate(_ progress: RunProgress) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                let count = try steps.tensor.item() + 1
                let isTime = count >= Double(method.interval)
                try steps.tensor.fill_(isTime ? 0 : count)
                guard isTime else { return }
                let rho = method.rho * pow(method.growth, progress.share)
                for (latent, kernel) in layers { try kernel.move(latent, nextRho: rho) }
            }
        }
    }
}
