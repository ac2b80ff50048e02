/// An update rule that treats every element by itself, composed of tensor operations.
public protocol ElementwiseRule: Sendable {
    /// What messages call it.
    var name: String { get }
    /// What is remembered of each element, in PyTorch's words; zeros at first.
    var memory: [String] { get }

    /// Moves a parameter by its gradient, and changes what is remembered of it.
    ///
    /// - Parameters:
    ///   - x: the parameter.
    ///   - gradient: with the weight decay in it.
    ///   - memory: in the order of `memory`, of the shape of `x`.
    ///   - step: the update, counted from 1 for each parameter by itself.
    ///   - rate: the learning rate with its factor.
    func update(
        _ x: Tensor, gradient: Tensor, memory: [Tensor], step: Int64, rate: Double
    ) throws(TorchError)
}

/// The optimiser of an elementwise rule, with PyTorch's weight decay: g = gradient + weightDecay * x.
public final class ElementwiseOptimiser: Optimiser {
    /// The parameters, in the order given.
    public private(set) var groups: [ParameterGroup]
    /// What every group's learning rate is multiplied by; 1 at first.
    public var learningRateFactor = 1.0
    private let rule: any ElementwiseRule
    /// Of each group, of each kind of the rule's memory, of each parameter.
    private let memory: [[[Tensor]]]
    private var steps: [[Int64]]

    /// An optimiser that remembers nothing yet.
    ///
    /// - Throws: `TorchError` of code `argument` for a parameter or name that is there twice.
    public init(_ groups: [ParameterGroup], _ rule: any ElementwiseRule) throws(TorchError) {
        try requireDistinct(groups)
        self.groups = groups
        self.rule = rule
        var memory = [[[Tensor]]](repeating: [], count: groups.count)
        for _ in rule.memory {
            for (index, tensors) in try zeros(beside: groups).enumerated() {
                memory[index].append(tensors)
            }
        }
        self.memory = memory
        steps = groups.map { [Int64](repeating: 0, count: $0.parameters.count) }
    }

    /// Sets the learning rate of one group.
    public func setLearningRate(_ rate: Double, ofGroup index: Int) throws(TorchError) {
        try require("learning rate", rate, in: 0...Double.greatestFiniteMagnitude)
        groups[index].learningRate = rate
    }

    /// Updates every parameter that has a gradient.
    public func step() throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for (g, group) in groups.enumerated() {
                for (i, parameter) in group.parameters.enumerated() {
                    guard var gradient = parameter.grad else { continue }
                    if group.weightDecay > 0 {
                        gradient = try gradient + parameter.detached() * group.weightDecay
                    }
                    try rule.update(
                        parameter, gradient: gradient, memory: memory[g].map { $0[i] },
                        step: steps[g][i] + 1, rate: group.learningRate * learningRateFactor)
                    steps[g][i] += 1
                }
            }
        }
    }

    /// `NAME.KIND` for each kind of the rule's memory, and `NAME.step` (int64), for each parameter.
    public func state() throws(TorchError) -> [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (g, group) in groups.enumerated() {
            for (i, name) in group.names.enumerated() {
                for (kind, tensors) in zip(rule.memory, memory[g]) {
                    state["\(name).\(kind)"] = tensors[i]
                }
                state[name + ".step"] = try Tensor(int64s: [steps[g][i]], shape: [])
            }
        }
        return state
    }

    /// Continues from what `state()` gave.
    public func loadState(_ saved: [String: Tensor]) throws(TorchError) {
        let live = try state()
        try requireFit(saved, live, of: rule.name)
        let counts = try savedSteps(saved, groups, of: rule.name)
        try withoutGradient { () throws(TorchError) in
            for (name, tensor) in saved { try live[name]?.copy_(from: tensor) }
        }
        steps = counts
    }
}
