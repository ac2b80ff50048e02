public import BONNConfiguration

/// The learning rate over time.
public struct ScheduleConfiguration: Sendable, Equatable {
    /// The shape of the decay.
    public enum Name: String, Sendable, CaseIterable {
        /// Multiplied by `factor` at each milestone.
        case step
        /// Half a cosine from 1 to `floor`.
        case cosine
        /// A line from 1 to `floor`.
        case linear
        /// From 1 to `floor`, by the same factor in every step.
        case exponential
        /// 1 throughout.
        case constant
    }

    /// The shape of the decay.
    public var name = Name.step
    /// How many times the training set is seen.
    public var epochs = 200
    /// Epochs of linear warm-up at the start; may be a fraction.
    public var warmupEpochs = 0.0
    /// The epochs after which a step schedule decays.
    public var milestones = [60, 120, 180]
    /// What a step schedule multiplies by.
    public var factor = 0.2
    /// The last factor of a cosine, linear or exponential schedule.
    public var floor = 0.0

    /// The defaults.
    public init() {}
}

extension ScheduleConfiguration {
    /// Its keys.
    public static let keys: [Key<ScheduleConfiguration>] = [
        .choice("name", \.name, "how the learning rate decays"),
        .integer("epochs", \.epochs, in: 1...1_000_000, "passes over the data")
            .changeable(),
        .number(
            "warmup_epochs", \.warmupEpochs, in: 0...(.greatestFiniteMagnitude),
            "linear warm-up at the start, in epochs"),
        .integers(
            "milestones", \.milestones, in: 0...1_000_000,
            "step: the epochs after which the rate drops"),
        .number("factor", \.factor, in: 0...1, "step: what the rate drops by"),
        .number("floor", \.floor, in: 0...1, "cosine, linear, exponential: the last factor"),
    ]
}
