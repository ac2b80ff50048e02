import CTorch

/// Stochastic gradient descent with momentum, as `torch.optim.SGD` with dampening 0:
///
///     g = gradient + weightDecay * x
///     v = momentum * v + g                              (v is 0 at first)
///     x = x - learningRate * (nesterov ? g + momentum * v : v)
public final class SGD: Optimiser {
    /// The parameters, in the order given.
    public private(set) var groups: [ParameterGroup]
    /// What every group's learning rate is multiplied by; 1 at first.
    public var learningRateFactor = 1.0
    private let momentum: Double
    private let nesterov: Bool
    /// Of each group's parameters; none if `momentum` is 0.
    private let velocities: [[Tensor]]

    /// An optimiser that remembers nothing yet.
    ///
    /// - Throws: `TorchError` of code `argument` for a momentum outside of [0, 1), for Nesterov's
    ///   rule without momentum, and for a parameter or name that is there twice.
    public init(
        _ groups: [ParameterGroup], momentum: Double = 0, nesterov: Bool = false
    ) throws(TorchError) {
        try require("momentum", momentum, in: 0...1.0.nextDown)
        guard !nesterov || momentum > 0 else {
            throw TorchError(.argument, "Nesterov's rule needs a momentum above 0")
        }
        try requireDistinct(groups)
        self.groups = groups
        self.momentum = momentum
        self.nesterov = nesterov
        velocities = momentum > 0 ? try zeros(beside: groups) : []
    }

    /// Sets the learning rate of one group.
    public func setLearningRate(_ rate: Double, ofGroup index: Int) throws(TorchError) {
        try require("learning rate", rate, in: 0...Double.greatestFiniteMagnitude)
        groups[index].learningRate = rate
    }

    /// Updates every parameter that has a gradient.
    public func step() throws(TorchError) {
        for (index, group) in groups.enumerated() {
            let buffers: [OpaquePointer?]? = momentum > 0 ? velocities[index].map(\.handle) : nil
            try check(self) {
                ctorch_sgd_step(
                    group.handles, buffers, group.handles.count,
                    group.learningRate * learningRateFactor, momentum, group.weightDecay, nesterov,
                    $0)
            }
        }
    }

    /// `NAME.momentum_buffer` for each parameter; nothing without momentum.
    public func state() -> [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (group, tensors) in zip(groups, velocities) {
            for (name, tensor) in zip(group.names, tensors) {
                state[name + ".momentum_buffer"] = tensor
            }
        }
        return state
    }

    /// Continues from what `state()` gave.
    public func loadState(_ saved: [String: Tensor]) throws(TorchError) {
        let live = state()
        try requireFit(saved, live, of: "SGD")
        try withoutGradient { () throws(TorchError) in
            for (name, tensor) in saved { try live[name]?.copy_(from: tensor) }
        }
    }
}
