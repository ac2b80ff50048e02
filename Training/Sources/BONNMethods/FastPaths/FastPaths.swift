import BONNModelFormat
import Torch

/// Replacements of neighbouring layers by one fused operation. The composed layers are the definition and
/// the oracle; a fused one computes the same in fewer passes over memory.
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
                result.append(step)
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
            return AddPReLU(prelu: prelu)
        }
        return nil
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

/// PReLU(a + b).
private struct AddPReLU: Layer {
    let prelu: PReLU

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try Fused.addPReLU(inputs[0], inputs[1], weight: prelu.weight.tensor)
    }
}
