public import Torch

/// The 8-bit form of a real layer, which `Phase.deployment` computes with in place of the weights.
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

    /// Rounds `weight` `[K, ...]`; `inputLimit` is the magnitude that becomes 127 steps of the input.
    public init(_ weight: Tensor, inputLimit: Float?) throws(TorchError) {
        let values = try weight.detached().to(.cpu).floats()
        shape = weight.shape
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

    /// The layer in deployment arithmetic: [N, C, H, W] to [N, K, H', W'], on the CPU.
    func callAsFunction(
        _ x: Tensor, bias: Tensor?, stride: Int, padding: Int
    ) throws(TorchError) -> Tensor {
        let window = shape + [Int](repeating: 1, count: 4 - shape.count)
        guard let inverseInputScale else {
            let depth = weights.count / shape[0]
            let values = weights.indices.map { weightScale[$0 / depth] * Float(weights[$0]) }
            return try Fused.chainedConv2d(
                x, Tensor(values, shape: window), bias: bias, stride: stride, padding: padding)
        }
        let steps = try (x.to(.cpu) * Double(inverseInputScale)).round().clamp(min: -127, max: 127)
        // Integers far below 2^53: any order of the sum is exact. + 0 makes a -0 the 0 that it is.
        let sums = try steps.to(.float64).conv2d(
            Tensor(weights.map(Float.init), shape: window).to(.float64), stride: stride,
            padding: padding)
        let scaled =
            try (sums + 0).to(.float32) * Tensor(sumScale, shape: [1, shape[0], 1, 1])
        guard let bias else { return try scaled.to(x.device) }
        return try (scaled + bias.detached().to(.cpu).reshape([1, -1, 1, 1])).to(x.device)
    }
}

/// Where a layer keeps its 8-bit form; empty in training.
public final class Int8Slot {
    /// The form that deployment uses, if any.
    public internal(set) var form: Int8Form?
}

/// The magnitudes that become 127 steps of signed bytes, in front of the two layers that read them.
public struct Int8Limits: Sendable, Equatable {
    /// Of the normalised pixels.
    public var stem: Float
    /// Of the features in front of the fully connected layer.
    public var head: Float

    /// Creates limits, both above 0.
    public init(stem: Float, head: Float) {
        self.stem = stem
        self.head = head
    }
}

extension Network {
    /// Lets the deployment phase compute the first convolution and the fully connected layer in
    /// integers, and the 1x1 shortcuts with 8-bit weights; nil goes back to float32.
    public func setInt8(_ limits: Int8Limits?) throws(TorchError) {
        stemConvolution.int8.form = nil
        head.int8.form = nil
        let shortcuts = blocks.compactMap { $0.shortcut?.convolution }
        for shortcut in shortcuts { shortcut.int8.form = nil }
        guard let limits else { return }
        stemConvolution.int8.form = try Int8Form(
            stemConvolution.weight.tensor, inputLimit: limits.stem)
        head.int8.form = try Int8Form(head.weight.tensor, inputLimit: limits.head)
        for shortcut in shortcuts {
            shortcut.int8.form = try Int8Form(shortcut.weight.tensor, inputLimit: nil)
        }
    }
}
