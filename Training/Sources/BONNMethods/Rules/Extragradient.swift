import Torch

/// The extragradient step (Korpelevich, 1976): the gradients of a predicted point correct the present one,
///
///     x' = x - b dL/dx,   then the optimizer moves x by dL/dx at x'
///
/// Evaluates twice a step, so that running statistics of batch norms move twice. What is reported is the first
/// evaluation, that of x.
struct Extragradient: UpdateRule {
    /// b, of all parameters; the schedule multiplies it as it does learning rates.
    let rate: Double

    func callAsFunction(_ step: any UpdateStep) throws -> Evaluation {
        let evaluation = try step.evaluate()
        let parameters = step.parameters
        let present = try withoutGradient {
            try parameters.map { parameter in
                let tensor = parameter.tensor
                let value = try tensor.detached().clone()
                if let gradient = tensor.grad {
                    try tensor.add_(gradient, scale: -rate * step.learningRateFactor)
                }
                return value
            }
        }
        _ = try step.evaluate()
        try withoutGradient {
            for (parameter, value) in zip(parameters, present) {
                try parameter.tensor.copy_(from: value)
            }
        }
        try step.update()
        return evaluation
    }
}
