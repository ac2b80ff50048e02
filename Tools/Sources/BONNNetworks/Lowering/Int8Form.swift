/// The 8-bit form of a real layer, with which deployment computes in the place of the weights.
///
/// A weight is `weightScale[k] * weights[k, ...]`, the largest of each output channel being 127 steps.
/// With an `inputScale` the layer's input is rounded to signed bytes too and all sums are exact
/// integers; without one, the rounded weights stand in a real sum.
public struct Int8Form: Sendable, Equatable {
    /// -127...127 in the order of the layer's weight, output channels first.
    public let weights: [Int8]
    /// The shape of the layer's weight.
    public let shape: [Int]
    /// What one step of a weight stands for, `[K]`.
    public let weightScale: [Float]
    /// What one step of the input stands for; nil: the input stays real.
    public let inputScale: Float?

    /// Rounds weights.
    ///
    /// - Parameters:
    ///   - values: `[K, ...]`, row-major.
    ///   - inputLimit: the magnitude that becomes 127 steps of the input.
    public init(_ values: [Float], shape: [Int], inputLimit: Float?) {
        self.shape = shape
        let depth = values.count / shape[0]
        var scales: [Float] = []
        var weights: [Int8] = []
        for output in 0..<shape[0] {
            let row = values[output * depth..<(output + 1) * depth]
            let largest = row.reduce(0) { max($0, abs($1)) }
            // A channel of zeros needs some scale.
            let scale = largest / 127 > 0 ? largest / 127 : 1
            scales.append(scale)
            weights += row.map { Int8(max(-127, min(127, ($0 / scale).rounded()))) }
        }
        self.weights = weights
        weightScale = scales
        inputScale = inputLimit.map { $0 / 127 }
    }

    /// What an input is multiplied by to become steps.
    public var inverseInputScale: Float? { inputScale.map { 1 / $0 } }

    /// What a sum of integers is multiplied by, `[K]`; the scale of the weights for a real input.
    public var sumScale: [Float] {
        guard let inputScale else { return weightScale }
        return weightScale.map { $0 * inputScale }
    }
}
