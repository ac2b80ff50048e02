public import BONNTrainer

/// What a comparison tells as it goes; the library itself prints nothing.
public enum ComparisonEvent: Sendable {
    /// Something a person should know.
    case note(String)
    /// The speed of a recipe is being measured, to choose its epochs.
    case measuring(name: String)
    /// The epochs that fit into the minutes.
    case chose(name: String, epochs: Int)
    /// A run begins or goes on.
    case begins(ComparisonPlace)
    /// What happens in it.
    case training(ComparisonPlace, TrainingEvent)
    /// It is finished, was finished before, or is not.
    case ended(ComparisonPlace, SeedRun)
    /// An exported network is being measured.
    case exporting(name: String)
}

/// Where in a comparison one is.
public struct ComparisonPlace: Sendable, Equatable {
    /// The recipe.
    public let name: String
    /// The seed.
    public let seed: Int
    /// Which run, counted from 1.
    public let index: Int
    /// Runs in all.
    public let count: Int
}
