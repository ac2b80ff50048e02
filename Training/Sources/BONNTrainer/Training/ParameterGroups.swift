import BONNMethods
import Torch

extension OptimizerConfiguration {
    /// The optimiser of a set of parameters, which it groups by role.
    ///
    /// - What scales kernels has the learning rate `scaleLearningRate` where it is given. Latent weights and
    ///   what measures them have `latentLearningRate`: what counts is the step relative to their size.
    /// - Real weights decay; biases, batch norms and PReLU slopes do where `decayNorms` says so;
    ///   latent weights do where `decayLatentWeights` says so: an objective may pull them elsewhere, and
    ///   a pull to 0 works against it. What a method's file declares so never does.
    ///
    /// - Parameter latentsArePulled: whether there is such an objective.
    func optimiser(
        for parameters: [Parameter], latentsArePulled: Bool
    ) throws -> any Optimiser {
        var groups: [ParameterGroup] = []
        let trainable = parameters.filter(\.isTrainable)
        var roles: [ParameterRole] = []
        for parameter in trainable where !roles.contains(parameter.role) {
            roles.append(parameter.role)
        }
        for role in roles {
            let members = trainable.filter { $0.role == role }
            groups.append(
                try ParameterGroup(
                    members.map { (name: $0.name, tensor: $0.tensor) },
                    learningRate: learningRate(of: role),
                    weightDecay: weightDecay(of: role, latentsArePulled: latentsArePulled)))
        }
        switch name {
        case .sgd:
            guard momentum > 0 || !nesterov else {
                throw TrainingError(
                    .configuration,
                    "optimizer.nesterov is true, but optimizer.momentum is 0; set one of them")
            }
            return try SGD(groups, momentum: momentum, nesterov: nesterov)
        case .adam, .adamw:
            return try Adam(
                groups, betas: (beta1, beta2), epsilon: epsilon ?? 1e-8, decoupled: name == .adamw)
        case .adagrad:
            return try ElementwiseOptimiser(groups, AdaGrad(epsilon: epsilon ?? 1e-10))
        case .adadelta:
            return try ElementwiseOptimiser(groups, AdaDelta(rho: rho, epsilon: epsilon ?? 1e-6))
        case .rmsprop:
            return try ElementwiseOptimiser(groups, RMSProp(rho: rho, epsilon: epsilon ?? 1e-8))
        case .adamax, .shiftAdamax:
            return try ElementwiseOptimiser(
                groups,
                AdaMax(
                    betas: (beta1, beta2), epsilon: epsilon, isShiftBased: name == .shiftAdamax))
        }
    }

    /// The base learning rate of a role.
    func learningRate(of role: ParameterRole) -> Double {
        switch role.rate {
        case .scale: scaleLearningRate ?? learningRate
        case .latent: latentLearningRate ?? learningRate
        case .base: learningRate
        }
    }

    /// The weight decay of a role.
    func weightDecay(of role: ParameterRole, latentsArePulled: Bool) -> Double {
        let decays =
            switch role.decay {
            case .always: true
            case .latent:
                switch decayLatentWeights {
                case .on: true
                case .off: false
                case .auto: !latentsArePulled
                }
            case .norms: decayNorms
            case .never: false
            }
        return decays ? weightDecay : 0
    }
}
