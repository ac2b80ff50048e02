public import BONNConfiguration
public import BONNMethods

/// Everything that determines a training run, as a recipe states it.
///
/// The keys of a recipe, their documentation and their ranges stand beside what they configure; `Recipe`
/// reads and writes them.
public struct TrainingConfiguration: Sendable, Equatable {
    /// Where the images come from.
    public var data = DataConfiguration()
    /// The network. `classes` and `inputChannels` are 0 until the data set is known.
    public var model = NetworkConfiguration(classes: 0, inputChannels: 0)
    /// The optimiser.
    public var optimizer = OptimizerConfiguration()
    /// The learning rate over time.
    public var schedule = ScheduleConfiguration()
    /// The weights of the loss terms.
    public var losses = LossConfiguration()
    /// What is taken away from the network while it is trained.
    public var pruning = PruningConfiguration()
    /// What happens to the pixels.
    public var augmentation = AugmentationConfiguration()
    /// How the run is carried out.
    public var run = RunConfiguration()
    /// What differs in parts of the run that follow one another; empty: there is one, the whole.
    public var stages: [RecipeStage] = []

    /// The recommended reading of the paper for WRN-22 on CIFAR.
    public init() {}

    /// What held in runs for keys that their recipes do not mention: they are older than the key.
    static let ofOlderRuns: TrainingConfiguration = {
        var configuration = TrainingConfiguration()
        configuration.data.subset = .first
        configuration.data.exifOrientation = false
        return configuration
    }()
}

extension TrainingConfiguration: Configurable {
    /// Every key of a recipe, in the order in which `config.yaml` lists them.
    public var keys: [Key<TrainingConfiguration>] {
        Self.input + model.method.keys.at("method", \.model.method).map { $0.varyingByStage() }
            + Self.training
    }

    /// The keys of methods that are not chosen.
    public var absentKeys: [AbsentKey<TrainingConfiguration>] {
        model.method.absentKeys.map {
            AbsentKey($0.key.at("method", \.model.method), owner: $0.owner)
        }
    }

    private static let input: [Key<TrainingConfiguration>] =
        DataConfiguration.keys.at("data", \.data)
        + NetworkConfiguration.keys.at("model", \.model)

    private static let training: [Key<TrainingConfiguration>] =
        (OptimizerConfiguration.keys.at("optimizer", \.optimizer)
        + ScheduleConfiguration.keys.at("schedule", \.schedule)
        + LossConfiguration.keys.at("losses", \.losses)
        + PruningConfiguration.keys.at("pruning", \.pruning)).map { $0.varyingByStage() }
        + AugmentationConfiguration.keys.at("augmentation", \.augmentation)
        + RunConfiguration.keys.at("run", \.run)

    /// `stages`.
    public static var stageStorage: (any WritableKeyPath<Self, [RecipeStage]> & Sendable)? {
        \TrainingConfiguration.stages
    }
}
