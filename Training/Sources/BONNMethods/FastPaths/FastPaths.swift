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
        let byName = Dictionary(uniqueKeysWithValues: steps.map { ($0.name, $0) })
        var replaced: Set<Name> = []
        var result: [Step] = []
        for step in steps {
            guard let before = byName[step.inputs[0]], readers[before.name] == 1,
                !kept.contains(before.name), let fused = fusion(of: before, step)
            else {
                result.append(alone(step))
                continue
            }
            replaced.insert(before.name)
            // In the place of the second: everything that the first reads is there by then.
            result.append(Step(step.name, fused, before.inputs))
        }
        return result.filter { !replaced.contains($0.name) }
    }

    private static func fusion(of first: Step, _ second: Step) -> (any Layer)? {
        if let norm = (first.layer as? NormalizationLayer)?.norm as? BatchNorm2d,
            let sign = (second.layer as? QuantizeLayer)?.quantizer as? SignQuantizer,
            let slope = sign.slope.fusedCode
        {
            return BatchNormSign(norm: norm, sign: sign, slope: slope)
        }
        if first.layer is Addition, let prelu = second.layer as? PReLU {
            return FusedPReLU(prelu: prelu)
        }
        return nil
    }

    private static func alone(_ step: Step) -> Step {
        guard let prelu = step.layer as? PReLU else { return step }
        return Step(step.name, FusedPReLU(prelu: prelu), step.inputs)
    }
}

/// sign(batch norm(x)).
private struct BatchNormSign: Layer {
    let norm: BatchNorm2d
    let sign: SignQuantizer
    let slope: Int

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        guard inputs[0].shape.count == 4 else {
            return try sign(norm(inputs[0], pass), pass)
        }
        return try Fused.batchNormSign(
            inputs[0], weight: norm.weight.tensor, bias: norm.bias.tensor,
            runningMean: norm.runningMean.tensor, runningVariance: norm.runningVariance.tensor,
            training: pass.isTraining, momentum: norm.momentum, epsilon: norm.epsilon,
            estimator: slope)
    }
}

/// PReLU of a value, or of the sum of two.
private struct FusedPReLU: Layer {
    let prelu: PReLU

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        guard inputs[0].shape.count == 4 else {
            return try prelu([inputs.count == 1 ? inputs[0] : inputs[0] + inputs[1]], pass)
        }
        return try Fused.prelu(
            inputs[0], plus: inputs.count == 1 ? nil : inputs[1], weight: prelu.weight.tensor)
    }
}
