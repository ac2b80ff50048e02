import CTorch

/// Parameters that are updated with the same learning rate and weight decay.
public struct ParameterGroup {
    /// The names under which the optimiser's state of each parameter is saved.
    public let names: [String]
    /// The leaves to update.
    public let parameters: [Tensor]
    /// Step size; an optimiser multiplies it by its `learningRateFactor`.
    public internal(set) var learningRate: Double
    /// How strongly parameters are pulled to 0; its meaning is the optimiser's.
    public let weightDecay: Double
    /// The handles of `parameters`, as the C functions take them.
    let handles: [OpaquePointer?]

    /// A group of named leaves.
    ///
    /// - Throws: `TorchError` of code `argument` for a negative or non-finite rate or decay, and
    ///   for a parameter that is not of floating point.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], learningRate: Double,
        weightDecay: Double = 0
    ) throws(TorchError) {
        try require("learning rate", learningRate, in: 0...Double.greatestFiniteMagnitude)
        try require("weight decay", weightDecay, in: 0...Double.greatestFiniteMagnitude)
        for (name, tensor) in parameters where !tensor.dtype.isFloatingPoint {
            throw TorchError(
                .argument, "parameter '\(name)': expected floating point, found \(tensor)")
        }
        names = parameters.map(\.name)
        self.parameters = parameters.map(\.tensor)
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        handles = self.parameters.map(\.handle)
    }
}

/// Updates parameters from their gradients. Parameters without a gradient are left as they are,
/// and so is what is remembered of them.
///
/// The same parameters, gradients and state give the same result, bit for bit.
public protocol Optimiser: AnyObject {
    /// The parameters, in the order given.
    var groups: [ParameterGroup] { get }
    /// What every group's learning rate is multiplied by, for schedules; 1 at first.
    var learningRateFactor: Double { get set }

    /// Sets the learning rate of one group.
    func setLearningRate(_ rate: Double, ofGroup index: Int) throws(TorchError)
    /// Updates every parameter that has a gradient.
    func step() throws(TorchError)
    /// What is remembered from step to step: the live tensors by name, `PARAMETER.KIND` with
    /// PyTorch's words for the kinds. For a checkpoint.
    func state() throws(TorchError) -> [String: Tensor]
    /// Continues from what `state()` gave.
    ///
    /// - Throws: `TorchError` of code `state` that names what is missing, unknown or of another
    ///   shape; the optimiser is then unchanged.
    func loadState(_ saved: [String: Tensor]) throws(TorchError)
}

extension Optimiser {
    /// Frees the gradients of all parameters.
    public func zeroGradients() throws(TorchError) {
        for group in groups {
            for parameter in group.parameters { try parameter.setGrad(nil) }
        }
    }

    /// Scales the gradients of all parameters by one factor, so that their common norm is `limit` at most, as
    /// `torch.nn.utils.clip_grad_norm_`.
    public func clipGradients(toNorm limit: Double) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            let parameters = groups.flatMap(\.parameters).filter { $0.grad != nil }
            var squares: Tensor?
            for parameter in parameters {
                guard let gradient = parameter.grad else { continue }
                let own = try gradient.square().sum()
                squares = if let sum = squares { try sum + own } else { own }
            }
            guard let squares else { return }
            // No more than 1, and no division by 0.
            let factor = try (limit / (squares.sqrt() + 1e-6)).clamp(max: 1)
            for parameter in parameters {
                try parameter.setGrad(
                    parameter.grad.map { (g) throws(TorchError) in try g * factor })
            }
        }
    }
}

/// Throws unless every parameter is in the groups once, under a name of its own.
func requireDistinct(_ groups: [ParameterGroup]) throws(TorchError) {
    var names: Set<String> = []
    var objects: Set<ObjectIdentifier> = []
    for group in groups {
        for (name, parameter) in zip(group.names, group.parameters)
        where !names.insert(name).inserted
            || !objects.insert(ObjectIdentifier(parameter)).inserted
        {
            throw TorchError(.argument, "parameter '\(name)' is in the parameter groups twice")
        }
    }
}

/// Throws unless `value` is in `range`; NaN is in none.
func require(
    _ name: String, _ value: Double, in range: ClosedRange<Double>
) throws(TorchError) {
    guard range.contains(value), value.isFinite else {
        throw TorchError(.argument, "\(name): expected a finite number in \(range), found \(value)")
    }
}

/// Zeros beside each parameter of each group.
func zeros(beside groups: [ParameterGroup]) throws(TorchError) -> [[Tensor]] {
    var all: [[Tensor]] = []
    for group in groups {
        var tensors: [Tensor] = []
        for parameter in group.parameters { tensors.append(try .zeros(like: parameter)) }
        all.append(tensors)
    }
    return all
}

/// Throws unless `saved` has the names and shapes of `live`.
func requireFit(
    _ saved: [String: Tensor], _ live: [String: Tensor], of optimiser: String
) throws(TorchError) {
    for (name, tensor) in live.sorted(by: { $0.key < $1.key }) {
        guard let found = saved[name] else {
            throw TorchError(.state, "state of \(optimiser): '\(name)' is missing")
        }
        guard found.shape == tensor.shape, found.dtype == tensor.dtype else {
            throw TorchError(
                .state, "state of \(optimiser): '\(name)' is \(found), expected \(tensor)")
        }
    }
    if let unknown = saved.keys.sorted().first(where: { live[$0] == nil }) {
        throw TorchError(.state, "state of \(optimiser): no parameter for '\(unknown)'")
    }
}

/// The counts of updates, `NAME.step`, in a state that fits.
func savedSteps(
    _ saved: [String: Tensor], _ groups: [ParameterGroup], of optimiser: String
) throws(TorchError) -> [[Int64]] {
    var counts: [[Int64]] = []
    for group in groups {
        var row: [Int64] = []
        for name in group.names {
            let count = try saved[name + ".step"]?.int64s().first ?? 0
            guard count >= 0 else {
                throw TorchError(
                    .state,
                    "state of \(optimiser): '\(name).step' is \(count), expected 0 or more")
            }
            row.append(count)
        }
        counts.append(row)
    }
    return counts
}
