public import BONNMethods
public import Torch

/// One step: forward, the terms of the loss, backward, update, as the method's update rule says. Holds what a
/// step reads and changes.
public final class TrainingStep {
    /// What one step found.
    public struct Result: Sendable {
        /// The weighted terms of the loss.
        public let losses: Losses
        /// `[N, K]` in row-major order, before the update.
        public let logits: [Float]
    }

    /// The network that is trained.
    public let network: Network
    /// The terms of the loss, in the order in which they are added.
    public let objectives: [any Objective]
    /// The names of all terms that results have; those without an objective are 0.
    public let terms: [String]

    let rules: [any TrainingRule]
    let rule: any UpdateRule
    let optimiser: any Optimiser
    private let gradientNorm: Double
    private let gradientPrecision: Precision

    /// Creates the objectives, the rules and the optimiser of a network.
    ///
    /// - Parameters:
    ///   - network: with the weights that training starts from; pruning decides by them.
    ///   - classWeights: of each class in the classification; nil: all the same.
    /// - Throws: `.configuration` for a contradiction, `TorchError` when the device refuses.
    public init(
        _ network: Network, losses: LossConfiguration, classWeights: [Double]? = nil,
        pruning: PruningConfiguration = PruningConfiguration(), optimizer: OptimizerConfiguration,
        device: Device
    ) throws {
        self.network = network
        let smoothing = losses.classification.labelSmoothing
        guard losses.classification.loss == .crossEntropy || smoothing == 0 else {
            throw TrainingError(
                .configuration,
                "losses.label_smoothing is \(smoothing), but losses.classification is "
                    + "\(losses.classification.loss.rawValue), which smooths no labels; set one of them"
            )
        }
        let classification = try losses.classification.objective(
            weights: classWeights, device: device)
        let prunings = try Self.rules(of: pruning, for: network)
        objectives =
            [try network.method.classification(for: network) ?? classification]
            + (try losses.objectives.compactMap { try $0.objective(for: network) })
            + (try network.method.objectives(for: network))
            + prunings.compactMap { $0 as? any Objective }
        terms =
            [classification.name] + Objectives.terms.dropFirst()
            + objectives.map(\.name).filter {
                $0 != classification.name && !Objectives.terms.contains($0)
            }
        precondition(
            Set(terms + EpochMetrics.columns).count == terms.count + EpochMetrics.columns.count,
            "terms of the loss need names of their own, found \(terms)")
        rules = try network.method.rules(for: network) + prunings
        rule = try network.method.update(for: network)
        gradientNorm = optimizer.gradientNorm
        gradientPrecision = optimizer.gradientPrecision
        optimiser = try optimizer.optimiser(
            for: network.store.parameters + objectives.flatMap(\.parameters),
            latentsArePulled: objectives.contains(where: \.pullsLatentWeights))
    }

    private static func rules(
        of pruning: PruningConfiguration, for network: Network
    ) throws -> [any TrainingRule] {
        do {
            return try pruning.rules(for: network)
        } catch let error as NetworkError {
            throw TrainingError(.configuration, error.message)
        }
    }

    /// Takes one step.
    ///
    /// - Parameters:
    ///   - images: `[N, C, H, W]`.
    ///   - labels: `[N]`, int64.
    ///   - factor: what the schedule multiplies the learning rates by.
    ///   - progress: where the run is; decides which objectives act.
    /// - Throws: `.notFinite`, before anything is changed, when a term of the loss is NaN or
    ///   infinite; the message names the term. `TorchError` when an operation fails.
    public func callAsFunction(
        images: Tensor, labels: Tensor, factor: Double, progress: RunProgress
    ) throws -> Result {
        optimiser.learningRateFactor = factor
        let evaluation = try rule(
            BatchStep(step: self, images: images, labels: labels, progress: progress))
        try withoutGradient {
            for objective in objectives where objective.acts(at: progress) {
                try objective.afterUpdate(evaluation.pass)
            }
        }
        return Result(losses: evaluation.losses, logits: evaluation.logits)
    }

    /// What the update rule gets.
    private struct BatchStep: UpdateStep {
        let step: TrainingStep
        let images: Tensor
        let labels: Tensor
        let progress: RunProgress

        var parameters: [Parameter] {
            (step.network.store.parameters + step.ownParameters).filter(\.isTrainable)
        }
        var learningRateFactor: Double { step.optimiser.learningRateFactor }

        func evaluate(without terms: Set<String>) throws -> Evaluation {
            try step.optimiser.zeroGradients()
            let network = step.network
            let output = try network(
                images,
                Pass(
                    .training, progress: progress, generator: network.generator,
                    gradientPrecision: step.gradientPrecision))
            let pass = ForwardPass(
                images: images, labels: labels, output: output, progress: progress)
            let acting = step.objectives.filter {
                $0.acts(at: progress) && !terms.contains($0.name)
            }
            guard !acting.isEmpty else {
                throw TrainingError(
                    .configuration,
                    "no loss acts in epoch \(progress.epoch + 1): losses.cross_entropy is 0, and no other "
                        + "stands for it")
            }
            var values: [Tensor] = []
            for objective in acting { values.append(try term(of: objective, pass)) }
            let (losses, logits) = try read(values, of: acting, pass.output.logits)
            guard losses.total.isFinite else { throw try step.notFinite(losses, acting) }
            try values.dropFirst().reduce(values[0]) { sum, value throws(TorchError) in
                try sum + value
            }.backward()
            return Evaluation(pass: pass, losses: losses, logits: logits)
        }

        private func term(
            of objective: any Objective, _ pass: ForwardPass
        ) throws(TorchError) -> Tensor {
            do {
                return try objective(pass)
            } catch {
                throw TorchError(error.code, "the \(objective.title): \(error.message)")
            }
        }

        /// Brings terms and logits from the device together: every read waits for it.
        private func read(
            _ values: [Tensor], of acting: [any Objective], _ logits: Tensor
        ) throws(TorchError) -> (losses: Losses, logits: [Float]) {
            var numbers = try withoutGradient { () throws(TorchError) in
                try Tensor.cat([logits.flatten(), Tensor.stack(values)]).floats()
            }
            var losses = Losses(step.terms)
            for (objective, value) in zip(acting, numbers.suffix(values.count)) {
                losses[objective.name] = Double(value)
            }
            numbers.removeLast(values.count)
            return (losses, numbers)
        }

        func update() throws {
            for rule in step.rules { try rule.gradientsReady(progress) }
            if step.gradientNorm > 0 {
                try step.optimiser.clipGradients(toNorm: step.gradientNorm)
            }
            try step.optimiser.step()
            try step.network.constrain()
            for rule in step.rules { try rule.afterUpdate(progress) }
        }
    }

    /// Names the first term that is not finite and, where a parameter is the cause, that one: a
    /// step can turn a finite loss into weights that are not.
    private func notFinite(_ losses: Losses, _ acting: [any Objective]) throws -> TrainingError {
        var complaint = "the sum of the losses is \(losses.total)"
        for objective in acting {
            guard let value = losses[objective.name], !value.isFinite else { continue }
            complaint = try withoutGradient { () throws(TorchError) in
                try objective.complaint(value: value)
            }
            break
        }
        let damaged = try network.store.parameters.first {
            try !$0.tensor.detached().allFinite()
        }
        return TrainingError(
            .notFinite,
            complaint
                + (damaged.map { " (\($0.name) is not finite since the step before)" } ?? ""))
    }
}
