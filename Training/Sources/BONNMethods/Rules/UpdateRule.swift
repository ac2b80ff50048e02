import Torch

/// How a step evaluates the loss and updates the parameters.
public protocol UpdateRule {
    /// What it remembers: buffers with names of their own, which checkpoints keep.
    var state: [Parameter] { get }

    /// Takes one step.
    ///
    /// - Returns: the evaluation that is reported, and that objectives get after the update.
    /// - Throws: what the step throws, and `TorchError`.
    func callAsFunction(_ step: any UpdateStep) throws -> Evaluation
}

extension UpdateRule {
    /// None.
    public var state: [Parameter] { [] }
}

/// What an update rule can do with a batch.
public protocol UpdateStep {
    /// What the optimizer moves; `tensor.grad` is the gradient of the last evaluation.
    var parameters: [Parameter] { get }

    /// What the schedule multiplies learning rates by.
    var learningRateFactor: Double { get }

    /// Where the run is.
    var progress: RunProgress { get }

    /// The loss of the batch at the parameters as they are, and the gradients of all of them: those of an
    /// earlier evaluation are gone.
    ///
    /// - Parameter terms: names of objectives that are left out, for evaluations whose gradients of them nobody
    ///   reads.
    /// - Throws: when a term is not finite, before there is a gradient; `TorchError` when an operation fails.
    func evaluate(without terms: Set<String>) throws -> Evaluation

    /// Moves the parameters by the gradients as they are, with the optimizer, and keeps them in their range.
    func update() throws
}

extension UpdateStep {
    /// The loss with all its terms.
    public func evaluate() throws -> Evaluation { try evaluate(without: []) }

    /// Moves some of the parameters alone, by their gradients as they are; the others have none afterwards, and their
    /// weight decay and momentum rest too. Rules see it as an update like any other.
    func update(only moved: Set<ObjectIdentifier>) throws {
        for parameter in parameters where !moved.contains(ObjectIdentifier(parameter)) {
            try parameter.tensor.setGrad(nil)
        }
        try update()
    }

    /// Moves all parameters but some.
    func update(allBut held: Set<ObjectIdentifier>) throws {
        try update(only: Set(parameters.map(ObjectIdentifier.init)).subtracting(held))
    }
}

/// What one evaluation of a batch found.
public struct Evaluation {
    /// The forward pass.
    public let pass: ForwardPass
    /// The terms of the loss.
    public let losses: Losses
    /// `[N, K]` in row-major order, read with the losses.
    public let logits: [Float]

    /// Puts an evaluation together.
    public init(pass: ForwardPass, losses: Losses, logits: [Float]) {
        self.pass = pass
        self.losses = losses
        self.logits = logits
    }
}

/// One evaluation and one update: what nearly all methods do.
public struct SingleUpdate: UpdateRule {
    /// Creates the rule.
    public init() {}

    /// Evaluates and updates.
    public func callAsFunction(_ step: any UpdateStep) throws -> Evaluation {
        let evaluation = try step.evaluate()
        try step.update()
        return evaluation
    }
}
