public import BONNData
public import BONNMethods
public import BONNModelFormat
import BONNNetworks
public import Torch

/// What a network achieves on a data set.
public struct EvaluationResult: Sendable, Equatable {
    /// Images measured.
    public let images: Int
    /// Share of images whose class has the largest logit, 0...1.
    public let top1: Double
    /// Share of images whose class is among the five largest logits, 0...1.
    public let top5: Double
    /// The mean cross-entropy, without label smoothing.
    public let loss: Double
    /// True classes by predicted classes.
    public let confusion: ConfusionMatrix
    /// Images left out as unreadable, by message.
    public let skipped: [String]
}

/// Measures a network on a data set, exactly as a deployed model will see the images.
public struct Evaluator {
    /// How the images are brought to the input.
    public var preprocessing: Preprocessing
    /// Images per batch.
    public var batchSize: Int
    /// Threads that read images.
    public var workers: Int
    /// Whether unreadable images are left out and listed.
    public var skipBroken: Bool

    /// The evaluator of a resolved configuration.
    public init(_ configuration: TrainingConfiguration) {
        preprocessing = configuration.preprocessing
        batchSize = configuration.data.batchSize
        workers = configuration.data.workers
        skipBroken = configuration.data.skipBroken
    }

    /// Measures the network in phase `.evaluation`.
    ///
    /// - Parameters:
    ///   - network: the network.
    ///   - dataset: the images; every label must be smaller than the network's number of classes.
    ///   - device: where the network is.
    ///   - stop: checked between batches.
    ///   - progress: told the number of images measured so far.
    /// - Returns: the result, or nil when a stop was requested.
    /// - Throws: `.data`, or `.computation` when the device refuses.
    public func measure(
        _ network: Network, on dataset: any ImageDataset, device: Device,
        stop: StopRequest? = nil, progress: (Int) -> Void = { _ in }
    ) throws(TrainingError) -> EvaluationResult? {
        do {
            return try sum(network, dataset, device, stop, progress)
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }

    private func sum(
        _ network: Network, _ dataset: any ImageDataset, _ device: Device, _ stop: StopRequest?,
        _ progress: (Int) -> Void
    ) throws -> EvaluationResult? {
        var counts = ClassificationCounts()
        var confusion = ConfusionMatrix(classes: network.plan.classes)
        var loss = 0.0
        var skipped: [String] = []
        let completed = try forEachBatch(network, of: dataset, device, stop) { batch, output in
            skipped += batch.skipped
            guard let output else { return }
            let labels = try Tensor(int64s: batch.labels, shape: [batch.labels.count])
            let logits = try output.logits.to(.cpu)
            loss += try logits.crossEntropy(labels).item() * Double(batch.labels.count)
            let predictions = counts.add(logits: try logits.floats(), labels: batch.labels)
            for (label, prediction) in zip(batch.labels, predictions) {
                confusion.add(label: Int(label), prediction: prediction)
            }
            progress(counts.images)
        }
        guard completed else { return nil }
        return EvaluationResult(
            images: counts.images, top1: counts.top1Share, top5: counts.top5Share,
            loss: counts.images == 0 ? 0 : loss / Double(counts.images), confusion: confusion,
            skipped: skipped)
    }

    /// Sets the running statistics of batch norms to the mean over the batches of what each is in training.
    ///
    /// - Parameters:
    ///   - batches: of images by their places in the data set, all of one size.
    ///   - transform: as images are augmented in training. With images as they are in a test, which have no borders
    ///     of padding, a trained WRN-22 loses 2.7 points on CIFAR-10.
    ///   - pass: a pass in phase `.training`.
    /// - Returns: false when a stop was requested.
    func measureNorms(
        of network: Network, on dataset: any ImageDataset, batches: [[Int]],
        _ transform: any ImageTransform, _ pass: Pass, _ device: Device, _ stop: StopRequest?
    ) throws -> Bool {
        var count = 0.0
        return try forEachBatch(batches, of: dataset, transform, stop) { batch in
            guard !batch.labels.isEmpty else { return }
            count += 1
            var pass = pass
            pass.normMomentum = 1 / count
            _ = try withoutGradient { () throws(TorchError) in
                try network(batch.tensor(on: device), pass)
            }
        }
    }

    /// Runs the network in phase `.evaluation` over a data set in its order.
    ///
    /// - Parameter body: gets each batch and what the network computes for it, which is nil when
    ///   every image of the batch was left out.
    /// - Returns: false when a stop was requested.
    func forEachBatch(
        _ network: Network, of dataset: any ImageDataset, _ device: Device, _ stop: StopRequest?,
        _ body: (Batch, NetworkOutput?) throws -> Void
    ) throws -> Bool {
        let batches = SampleOrder.evaluation(count: dataset.count, batchSize: batchSize)
        let transform = EvaluationTransform(preprocessing: preprocessing)
        return try forEachBatch(batches, of: dataset, transform, stop) { batch in
            guard !batch.labels.isEmpty else { return try body(batch, nil) }
            let output = try withoutGradient { () throws(TorchError) in
                try network(batch.tensor(on: device), .evaluation)
            }
            try body(batch, output)
        }
    }

    private func forEachBatch(
        _ batches: [[Int]], of dataset: any ImageDataset, _ transform: any ImageTransform,
        _ stop: StopRequest?, _ body: (Batch) throws -> Void
    ) throws -> Bool {
        let loader = BatchLoader(
            dataset: dataset, batches: batches,
            transform: transform, workers: workers,
            skipBroken: skipBroken)
        while let batch = try loader.next() {
            if stop?.isRequested == true { return false }
            try body(batch)
        }
        return true
    }
}
