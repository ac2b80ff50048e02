import Torch

extension ELQ.Levels {
    /// What is added and subtracted to give each level.
    var summands: [Float] {
        switch self {
        case .binary: [1]
        case .ternary: [0.5, 0.5]
        case .five: [1, 0.5, 0.5]
        case .seven: [2, 1, 0.5, 0.5]
        }
    }

    /// Where the level nearest to a magnitude becomes the next one, and by how much larger that is.
    private var steps: [(at: Double, by: Double)] {
        switch self {
        case .binary: []
        case .ternary: [(0.5, 1)]
        case .five: [(0.5, 1), (1.5, 1)]
        case .seven: [(0.5, 1), (1.5, 1), (3, 2)]
        }
    }

    /// The largest level.
    private var largest: Double { max(1, steps.reduce(0) { $0 + $1.by }) }

    /// The nearest level of each number; of two that are as near the larger magnitude.
    func nearest(_ x: Tensor) throws(TorchError) -> Tensor {
        guard self != .binary else { return try signOrPlusOne(x) }
        let magnitude = try x.detached().abs()
        var sum = try Tensor.zeros(like: magnitude)
        for step in steps { sum = try sum + magnitude.ge(step.at).to(x.dtype) * step.by }
        return try sum * signOrPlusOne(x)
    }

    /// Q and a with a Q near V, both in turns the best for the other.
    func projection(of v: Tensor) throws(TorchError) -> (levels: Tensor, scale: Tensor) {
        let v = try v.detached()
        let magnitudes = try v.abs()
        guard self != .binary else { return (try signOrPlusOne(v), try magnitudes.mean()) }
        var scale =
            self == .ternary
            ? try magnitudes.mean() : try magnitudes.flatten().amax([0]) / (1.25 * largest)
        var levels = try nearest(v)
        for _ in 0..<5 {
            // Without any weight other than 0 there is no scale.
            levels = try nearest(v / scale.clamp(min: 1e-30))
            scale = try (v * levels).sum() / levels.square().sum().clamp(min: 1)
        }
        return (levels, scale)
    }
}
