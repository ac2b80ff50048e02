import BONNMethods
import BONNTrainer
import Foundation
import Testing

@Suite struct ScheduleTests {
    private func schedule(
        _ name: ScheduleConfiguration.Name, epochs: Int = 10, warmup: Double = 0,
        floor: Double = 0, steps: Int = 7
    ) -> LearningRateSchedule {
        var configuration = ScheduleConfiguration()
        configuration.name = name
        configuration.epochs = epochs
        configuration.warmupEpochs = warmup
        configuration.milestones = [3, 6]
        configuration.factor = 0.2
        configuration.floor = floor
        return LearningRateSchedule(configuration, stepsPerEpoch: steps)
    }

    @Test func `a step schedule drops exactly at its milestones`() {
        let schedule = schedule(.step)
        for step in 0..<70 {
            let drops = (step >= 21 ? 1 : 0) + (step >= 42 ? 1 : 0)
            #expect(abs(schedule.factor(atStep: step) - pow(0.2, Double(drops))) < 1e-15)
        }
    }

    @Test func `cosine and linear schedules follow their closed forms from 1 to the floor`() {
        for floor in [0.0, 0.1] {
            let cosine = schedule(.cosine, floor: floor)
            let linear = schedule(.linear, floor: floor)
            for step in 0...70 {
                let t = Double(step) / 70
                let half = pow(cos(.pi * t / 2), 2)  // (1 + cos x) / 2 = cos^2(x / 2)
                #expect(abs(cosine.factor(atStep: step) - (floor + (1 - floor) * half)) < 1e-12)
                #expect(abs(linear.factor(atStep: step) - (1 - (1 - floor) * t)) < 1e-12)
            }
            #expect(cosine.factor(atStep: 0) == 1 && linear.factor(atStep: 0) == 1)
            #expect(abs(cosine.factor(atStep: 70) - floor) < 1e-15)
        }
    }

    @Test func `an exponential schedule loses the same share in every step`() {
        let schedule = schedule(.exponential, floor: 1e-3)
        for step in 0...70 {
            #expect(abs(log(schedule.factor(atStep: step)) - log(1e-3) * Double(step) / 70) < 1e-12)
        }
    }

    @Test func `warm-up rises in equal steps to 1 and the decay starts behind it`() {
        for name in ScheduleConfiguration.Name.allCases {
            let schedule = schedule(name, warmup: 2.5)
            #expect(schedule.warmupSteps == 18)  // 2.5 * 7 = 17.5, rounded away from zero
            for step in 0..<18 {
                #expect(schedule.factor(atStep: step) == Double(step + 1) / 18)
            }
            #expect(schedule.factor(atStep: 18) == 1)
        }
    }

    @Test func `a constant schedule is 1 and no schedule leaves 0...1`() {
        for name in ScheduleConfiguration.Name.allCases {
            for (epochs, steps, warmup) in [(1, 1, 0.0), (1, 1, 5.0), (10, 7, 0.3), (3, 1, 3.0)] {
                let schedule = schedule(name, epochs: epochs, warmup: warmup, steps: steps)
                for step in 0...(epochs * steps + 3) {
                    let factor = schedule.factor(atStep: step)
                    #expect(factor >= 0 && factor <= 1, "\(name) \(epochs) \(steps) \(step)")
                }
            }
        }
        #expect((0..<70).allSatisfy { schedule(.constant).factor(atStep: $0) == 1 })
    }

    @Test(arguments: [
        (200, 0.25, 150), (5, 0.25, 4), (6, 0.25, 4), (1, 0.25, 0), (2, 0.01, 1), (10, 1.0, 0),
    ])
    func `fine-tuning takes the last share of the epochs`(
        epochs: Int, fraction: Double, start: Int
    ) throws {
        func loss(_ fraction: Double) throws -> BayesianFeatureLoss {
            try BayesianFeatureLoss(
                FeatureLossSettings(theta: 1, fineTuningFraction: fraction), classes: 2, features: 1
            )
        }
        for epoch in 0..<epochs {
            let progress = RunProgress(epoch: epoch, epochs: epochs)
            #expect(try loss(fraction).acts(at: progress) == (epoch >= start), "epoch \(epoch)")
            #expect(try !loss(0).acts(at: progress))
        }
    }
}
