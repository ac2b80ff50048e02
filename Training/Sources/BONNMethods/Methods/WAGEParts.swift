import BONNNetworks
import Foundation
import Torch

// What WAGE makes of weights, activations, errors and gradients.

extension WAGE {
    struct Kernel: KernelQuantizer {
        let weights: WAGENumbers
        /// Of the latent weights.
        let stored: WAGENumbers
        /// alpha.
        let shrink: Double

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try straightThrough(
                weights.rounded(weights.clipped(latent.detached())) / shrink, gradientOf: latent)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            .real(try self(latent.detached(), Pass(.evaluation)).to(.cpu).floats())
        }

        /// First weights, as integers.
        func start(_ latent: Tensor) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                try latent.copy_(from: stored.rounded(stored.clipped(latent)))
            }
        }

        func constrain(_ latent: Tensor) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                try latent.clamp_(min: -stored.largest, max: stored.largest)
            }
        }

        func statistics(
            _ latent: Tensor
        ) throws(TorchError) -> [(name: String, value: Double)] {
            let kernel = try self(latent.detached(), Pass(.evaluation))
            return [("zero_share", try kernel.eq(0).to(.float32).mean().item())]
        }
    }

    struct Activation: ActivationQuantizer {
        let values: WAGENumbers
        let errors: WAGENumbers

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            let clipped = try values.clipped(pass.isTraining ? errors.ofGradient(x) : x)
            return try straightThrough(values.rounded(clipped.detached()), gradientOf: clipped)
        }

        func deployed() throws(TorchError) -> DeployedActivation {
            throw TorchError(
                .state,
                "activations of \(values.bits) bits in front of weights of several levels are sums of "
                    + "integers, for which the runtime has no operation: such a network is trained and "
                    + "evaluated only")
        }
    }

    /// The loss of logits whose gradient passes as an error of few bits.
    final class QuantizedErrors: Objective {
        let name = "quantized_errors"
        private let loss: Loss
        private let errors: WAGENumbers

        init(_ method: WAGE) {
            loss = method.loss
            errors = WAGENumbers(bits: method.errorBits)
        }

        /// The mean over the batch; its sum has the same gradient but for a factor, with which errors begin.
        func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
            let (count, classes) = (pass.labels.count, pass.output.logits.shape[1])
            let logits = try errors.ofGradient(pass.output.logits, times: Double(count))
            switch loss {
            case .crossEntropy:
                return try logits.crossEntropy(pass.labels)
            case .squares:
                let ones = try Tensor.arange(classes).to(pass.labels.device)
                    .eq(pass.labels.unsqueeze(1)).to(.float32)
                return try (logits - ones).square().sum() / Double(2 * count)
            }
        }
    }

    /// Plain SGD in whole steps of 1 / S(kG), drawn where a step is a part of one.
    final class IntegerUpdate: UpdateRule {
        private let network: Network
        private let steps: WAGENumbers
        private let rate: Double

        init(_ network: Network, _ method: WAGE) {
            self.network = network
            steps = WAGENumbers(bits: method.gradientBits)
            rate = method.learningRate
        }

        func callAsFunction(_ step: any UpdateStep) throws -> Evaluation {
            let evaluation = try step.evaluate()
            let rate = nearestPowerOfTwo(rate * step.learningRateFactor)
            guard let generator = network.generator else {
                throw TorchError(.state, "updates that are drawn need a generator")
            }
            try withoutGradient { () throws(TorchError) in
                for layer in network.quantizedLayers {
                    guard let gradient = layer.latent.tensor.grad else { continue }
                    let noise = try generator.uniform(gradient.shape)
                    try layer.latent.tensor.add_(
                        steps.update(gradient, rate: rate, noise: noise), scale: -1)
                    // The optimizer leaves alone what has none.
                    try layer.latent.tensor.setGrad(nil)
                }
            }
            try step.update()
            return evaluation
        }
    }
}

/// Numbers of k bits in [-1, 1]: multiples of 1 / S without the outermost ones.
struct WAGENumbers {
    /// k.
    let bits: Int

    /// S = 2^(k-1).
    var scale: Double { Double(1 << (bits - 1)) }

    /// 1 - 1 / S.
    var largest: Double { 1 - 1 / scale }

    /// C(x, k).
    func clipped(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.clamp(min: -largest, max: largest)
    }

    /// Q(x, k).
    func rounded(_ x: Tensor) throws(TorchError) -> Tensor {
        try (x * scale).round() / scale
    }

    /// x, whose gradient becomes Q(C(e / Shift(max|e|), k), k).
    ///
    /// - Parameter factor: what e is multiplied by first.
    func ofGradient(_ x: Tensor, times factor: Double = 1) throws(TorchError) -> Tensor {
        // An image has none.
        guard x.requiresGradient else { return x }
        return try x.mappingGradient { (error) throws(TorchError) in
            try rounded(clipped(Self.shifted(error * factor)))
        }
    }

    /// sign(g) (floor|g| + [u < |g| - floor|g|]) / S of the shifted gradient times a rate.
    func update(
        _ gradient: Tensor, rate: Double, noise: Tensor
    ) throws(TorchError) -> Tensor {
        let wanted = try Self.shifted(gradient) * rate
        let size = try wanted.abs()
        let whole = try size.floor()
        let steps = try whole + noise.lt(size - whole).to(.float32)
        return try steps * signOrPlusOne(wanted) / scale
    }

    /// x / Shift(max|x|); zeros stay.
    private static func shifted(_ x: Tensor) throws(TorchError) -> Tensor {
        let largest = try x.abs().flatten().amax([0]).clamp(min: 1e-30)
        let exponent = try (largest.log() * (1 / log(2.0))).round()
        return try x / Tensor.full([], 2, device: x.device).pow(exponent)
    }
}
