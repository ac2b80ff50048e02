import CTorch

/// Adam (Kingma and Ba, 2015), as `torch.optim.Adam`, or `torch.optim.AdamW` if decoupled:
///
///     coupled:    g = gradient + weightDecay * x
///     decoupled:  g = gradient,  x = x - learningRate * weightDecay * x
///     m = beta1 * m + (1 - beta1) * g        v = beta2 * v + (1 - beta2) * g * g
///     x = x - learningRate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///
/// t counts the updates of each parameter by itself.
public final class Adam: Optimiser {
    /// The parameters, in the order given.
    public private(set) var groups: [ParameterGroup]
    /// What every group's learning rate is multiplied by; 1 at first.
    public var learningRateFactor = 1.0
    private let betas: (Double, Double)
    private let epsilon: Double
    private let decoupled: Bool
    /// m, v and t of each group's parameters.
    private let firstMoments: [[Tensor]]
    private let secondMoments: [[Tensor]]
    private var steps: [[Int64]]

    /// An optimiser that remembers nothing yet.
    ///
    /// - Throws: `TorchError` of code `argument` for betas outside of [0, 1), a negative epsilon,
    ///   and for a parameter or name that is there twice.
    public init(
        _ groups: [ParameterGroup], betas: (Double, Double) = (0.9, 0.999),
        epsilon: Double = 1e-8, decoupled: Bool = false
    ) throws(TorchError) {
        try require("beta1", betas.0, in: 0...1.0.nextDown)
        try require("beta2", betas.1, in: 0...1.0.nextDown)
        try require("epsilon", epsilon, in: 0...Double.greatestFiniteMagnitude)
        try requireDistinct(groups)
        self.groups = groups
        self.betas = betas
        self.epsilon = epsilon
        self.decoupled = decoupled
        firstMoments = try zeros(beside: groups)
        secondMoments = try zeros(beside: groups)
        steps = groups.map { [Int64](repeating: 0, count: $0.parameters.count) }
    }

    /// Sets the learning rate of one group.
    public func setLearningRate(_ rate: Double, ofGroup index: Int) throws(TorchError) {
        try require("learning rate", rate, in: 0...Double.greatestFiniteMagnitude)
        groups[index].learningRate = rate
    }

    /// Updates every parameter that has a gradient.
    public func step() throws(TorchError) {
        for (index, group) in groups.enumerated() {
            let first: [OpaquePointer?] = firstMoments[index].map(\.handle)
            let second: [OpaquePointer?] = secondMoments[index].map(\.handle)
            var counts = steps[index]
            try check(self) {
                ctorch_adam_step(
                    group.handles, first, second, &counts, group.handles.count,
                    group.learningRate * learningRateFactor, betas.0, betas.1, epsilon,
                    group.weightDecay, decoupled, $0)
            }
            steps[index] = counts
        }
    }

    /// `NAME.exp_avg`, `NAME.exp_avg_sq` and `NAME.step` (int64) for each parameter.
    public func state() throws(TorchError) -> [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (g, group) in groups.enumerated() {
            for (i, name) in group.names.enumerated() {
                state[name + ".exp_avg"] = firstMoments[g][i]
                state[name + ".exp_avg_sq"] = secondMoments[g][i]
                state[name + ".step"] = try Tensor(int64s: [steps[g][i]], shape: [])
            }
        }
        return state
    }

    /// Continues from what `state()` gave.
    public func loadState(_ saved: [String: Tensor]) throws(TorchError) {
        let live = try state()
        try requireFit(saved, live, of: "Adam")
        let counts = try savedSteps(saved, groups, of: "Adam")
        try withoutGradient { () throws(TorchError) in
            for (name, tensor) in saved { try live[name]?.copy_(from: tensor) }
        }
        steps = counts
    }
}
