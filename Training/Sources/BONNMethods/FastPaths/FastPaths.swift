import BONNModelFormat
import Torch

/// Replacements of layers, alone or with their neighbour, by one fused operation. The composed layers are the
/// definition and the oracle; a fused one computes the same in fewer passes over memory.
enum FastPaths {
    /// The steps with replacements where they apply.
    ///
    /// - Parameter kept: values that stay, whoever reads them.
    static func replaced(_ steps: [Step], kept: Set<Name>) -> [Step] {
        var readers: [Name: Int] = [:]
        for name in steps.flatMap(\.inputs) { readers[name, default: 0] += 1 }
        var result: [Step] = []
        for step in steps {
            let source = step.inputs[0]
            guard readers[source] == 1, !kept.contains(source),
                let place = result.lastIndex(where: { $0.name == source }),
                let fused = fusion(of: result[place].layer, step.layer)
            else {
                result.append(Step(step.name, fusion(of: step.layer), step.inputs))
                continue
            }
            // In the place of the second: everything that the first reads is there by then.
            result.append(Step(step.name, fused, result.remove(at: place).inputs))
        }
        return result
    }

    private static func fusion(of first: any Layer, _ second: any Layer) -> (any Layer)? {
        if let norm = (first as? NormalizationLayer)?.norm as? BatchNorm2d,
            let sign = (second as? QuantizeLayer)?.quantizer as? SignQuantizer,
            let estimator = sign.slope.shape.fusedCode
        {
            return BatchNormSign(norm: norm, sign: sign, estimator: estimator)
        }
        return FusedPReLU(first)?.followed(by: second)
    }

    private static func fusion(of layer: any Layer) -> any Layer {
        (layer as? PReLU).flatMap { FusedPReLU($0) } ?? layer
    }
}

/// sign(batch norm(x)).
private struct BatchNormSign: Layer {
    let norm: BatchNorm2d
    let sign: SignQuantizer
    let estimator: Int

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        guard inputs[0].shape.count == 4 else {
            return try sign(norm(inputs[0], pass), pass)
        }
        return try Fused.batchNormSign(
            inputs[0], weight: norm.weight.tensor, bias: norm.bias.tensor,
            runningMean: norm.runningMean.tensor, runningVariance: norm.runningVariance.tensor,
            training: pass.isTraining, momentum: pass.normMomentum ?? norm.momentum,
            epsilon: norm.epsilon,
            estimator: estimator, window: sign.slope.window(at: pass.progress))
    }
}

/// PReLU(a + b + shift) + after, whose parts may be missing.
private struct FusedPReLU: Layer {
    private var adds = false
    private var shift: PerChannel?
    private var prelu: PReLU?
    private var after: PerChannel?

    /// A layer that such an operation may begin with.
    init?(_ layer: any Layer) {
        switch layer {
        case is Addition: adds = true
        case let bias as PerChannel where bias.kind == .bias: shift = bias
        case let prelu as PReLU: self.prelu = prelu
        case let fused as FusedPReLU: self = fused
        default: return nil
        }
    }

    /// With one layer more, where it has a place for it.
    func followed(by layer: any Layer) -> FusedPReLU? {
        var longer = self
        switch layer {
        case let bias as PerChannel where bias.kind == .bias:
            if prelu == nil, shift == nil {
                longer.shift = bias
            } else if prelu != nil, after == nil {
                longer.after = bias
            } else {
                return nil
            }
        case let prelu as PReLU where self.prelu == nil: longer.prelu = prelu
        default: return nil
        }
        return longer
    }

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        if let prelu, inputs[0].shape.count == 4 {
            return try Fused.prelu(
                inputs[0], plus: adds ? inputs[1] : nil, shift: shift?.parameter.tensor,
                weight: prelu.weight.tensor, after: after?.parameter.tensor)
        }
        var value = adds ? try inputs[0] + inputs[1] : inputs[0]
        let layers: [(any Layer)?] = [shift, prelu, after]
        for layer in layers.compactMap(\.self) { value = try layer([value], pass) }
        return value
    }
}
