public import BONNConfiguration

/// How the run is carried out.
public struct RunConfiguration: Sendable, Equatable {
    /// The seed of initialisation, order, augmentation and dropout.
    public var seed = 1
    /// `cpu`, `cuda`, `cuda:N` or `mps`.
    public var device = "cpu"
    /// Threads of LibTorch; 0: one per core.
    public var threads = 0
    /// The run directory; empty: chosen by the command line.
    public var output = ""
    /// Epochs between two measurements on the test set; the last epoch is always measured.
    public var evaluateEvery = 1
    /// Minutes after which a checkpoint is saved in the middle of an epoch; 0: never.
    public var checkpointMinutes = 10.0
    /// Decay of the exponential moving average of the weights; 0: off.
    public var emaDecay = 0.0
    /// Training images over which the statistics of batch norms are averaged before each measurement; 0: the
    /// running ones of training are used.
    public var normImages = 0
    /// The epochs behind which a checkpoint stays in the folder, `epoch-N.safetensors`; 0: before the first.
    public var keepEpochs: [Int] = []
    /// Whether layers.csv is written.
    public var layerStatistics = true

    /// The defaults.
    public init() {}
}

extension RunConfiguration {
    /// Its keys.
    public static let keys: [Key<RunConfiguration>] = [
        .integer("seed", \.seed, in: 0...(.max), "of everything that is random"),
        .text("device", \.device, "cpu, cuda, cuda:N or mps").changeable(),
        .integer("threads", \.threads, in: 0...1024, "of LibTorch; 0: one per core")
            .changeable(),
        .text("output", \.output, "the run directory").changeable(),
        .integer(
            "evaluate_every", \.evaluateEvery, in: 1...1_000_000,
            "epochs between measurements on the test set"),
        .number(
            "checkpoint_minutes", \.checkpointMinutes, in: 0...(.greatestFiniteMagnitude),
            "minutes between checkpoints within an epoch; 0: none"
        ).changeable(),
        .number(
            "ema_decay", \.emaDecay, in: 0...0.999999,
            "moving average of the weights; 0: off"
        ).varyingByStage(),
        .integer(
            "norm_images", \.normImages, in: 0...(.max),
            "training images that batch norms are measured on before each measurement; 0: the running average"
        ).varyingByStage(),
        .integers(
            "keep_epochs", \.keepEpochs, in: 0...(.max),
            "epochs behind which a checkpoint stays, epoch-N.safetensors; 0: before the first"
        ).changeable(),
        .flag("layer_statistics", \.layerStatistics, "write layers.csv"),
    ]
}
