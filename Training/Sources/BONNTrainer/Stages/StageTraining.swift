import BONNData
import BONNMethods
import Torch

/// What trains in a stage: the network and all that its steps read and change.
struct StageTraining {
    let stage: RunStage
    let network: Network
    let step: TrainingStep
    let observer: LayerObserver
    let averages: ExponentialMovingAverage?
    /// What the network took from other weights; nil where it starts from its own first ones.
    let transfer: WeightTransfer?

    /// Makes the network of a stage.
    ///
    /// - Parameters:
    ///   - stage: with a resolved configuration.
    ///   - splits: the images.
    ///   - weights: what it starts from, as far as that fits.
    ///   - isContinued: whether these are of the stage before.
    init(
        _ stage: RunStage, _ splits: DatasetSplits, device: Device,
        startingFrom weights: StartingPoint?, isContinued: Bool = false
    ) throws {
        let configuration = stage.configuration
        let seed = configuration.run.seed
        guard configuration.pruning.groups == 0 || configuration.run.emaDecay == 0 else {
            throw TrainingError(
                .configuration,
                "run.ema_decay is \(configuration.run.emaDecay), expected 0 with pruning.groups: averages of the "
                    + "filters of a group would not be the same")
        }
        self.stage = stage
        let network = try Network(
            configuration.model, for: configuration.augmentation.imageSize,
            seed: RandomStream.initialisation.seed(seed), device: device)
        transfer = try weights.map {
            try WeightTransfer(
                $0, into: network, configuration.model, classNames: splits.train.classNames)
        }
        if network.drawsNumbers {
            network.generator = try Generator(
                seed: RandomStream.dropout.seed(seed), device: device)
        }
        network.trained = TrainedNetwork.opener(
            for: configuration, classNames: splits.train.classNames, device: device)
        self.network = network
        step = try TrainingStep(
            network, losses: configuration.losses,
            classWeights: configuration.losses.classification.classWeights.values(
                forCounts: splits.train.classCounts()), pruning: configuration.pruning,
            optimizer: configuration.optimizer, device: device)
        if isContinued, let weights {
            try step.takeCarried(from: weights.checkpoint, source: weights.path)
        }
        observer = try LayerObserver(network.quantizedLayers)
        averages =
            configuration.run.emaDecay > 0
            ? try ExponentialMovingAverage(
                network.store.parameters, decay: configuration.run.emaDecay) : nil
    }
}
