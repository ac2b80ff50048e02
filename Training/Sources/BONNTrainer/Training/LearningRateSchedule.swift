import Foundation

/// The factor on the learning rate at each optimiser step: a linear warm-up, then a decay.
///
/// With W warm-up steps of T in all, step t (from 0) has the factor
/// - t < W: (t + 1) / W;
/// - step: factor^(number of milestones m with t >= m * stepsPerEpoch);
/// - cosine: floor + (1 - floor) * (1 + cos(pi * (t - W) / (T - W))) / 2;
/// - linear: floor + (1 - floor) * (1 - (t - W) / (T - W));
/// - exponential: floor^((t - W) / (T - W));
/// - constant: 1.
public struct LearningRateSchedule: Sendable, Equatable {
    /// The shape and its numbers.
    public let configuration: ScheduleConfiguration
    /// Optimiser steps in an epoch.
    public let stepsPerEpoch: Int

    /// Creates the schedule of a run.
    public init(_ configuration: ScheduleConfiguration, stepsPerEpoch: Int) {
        self.configuration = configuration
        self.stepsPerEpoch = stepsPerEpoch
    }

    /// Optimiser steps in the run.
    public var steps: Int { configuration.epochs * stepsPerEpoch }

    /// Optimiser steps of warm-up.
    public var warmupSteps: Int {
        min(steps, Int((configuration.warmupEpochs * Double(stepsPerEpoch)).rounded()))
    }

    /// The factor at a step, counted from 0 over the whole run.
    public func factor(atStep step: Int) -> Double {
        let warmup = warmupSteps
        if step < warmup { return Double(step + 1) / Double(warmup) }
        let progress = min(1, Double(step - warmup) / Double(max(1, steps - warmup)))
        let floor = configuration.floor
        switch configuration.name {
        case .constant:
            return 1
        case .linear:
            return floor + (1 - floor) * (1 - progress)
        case .cosine:
            return floor + (1 - floor) * (1 + cos(.pi * progress)) / 2
        case .exponential:
            return pow(floor, progress)
        case .step:
            let passed = configuration.milestones.count { step >= $0 * stepsPerEpoch }
            return (0..<passed).reduce(1) { factor, _ in factor * configuration.factor }
        }
    }
}
