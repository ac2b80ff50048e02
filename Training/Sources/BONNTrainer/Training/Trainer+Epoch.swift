import BONNData
import BONNMethods
import Foundation
import Torch

extension Trainer {
    /// The steps of the epoch under way that are still to do. False when a stop was requested; the
    /// run is then saved.
    func trainEpoch(_ stop: StopRequest) throws -> Bool {
        let epoch = state.epoch
        let featureLossActs = plan.featureLossActs(inEpoch: epoch)
        if featureLossActs && state.featureLossActs != true {
            report(.fineTuning(epoch: epoch + 1))
            guard try initialiseFeatureLoss(stop) else {
                try save()
                return false
            }
        }
        state.featureLossActs = featureLossActs
        let images = splits.train
        let labels =
            configuration.data.sampler == .balanced
            ? (0..<images.count).map { images.label(at: $0) } : nil
        let batches = SampleOrder.training(
            count: images.count, balancing: labels, batchSize: configuration.data.batchSize,
            dropLast: configuration.data.dropLast, seed: configuration.run.seed, epoch: epoch)
        let schedule = LearningRateSchedule(
            configuration.schedule, stepsPerEpoch: batches.count)
        let loader = BatchLoader(
            dataset: splits.train, batches: Array(batches.dropFirst(state.progress.steps)),
            transform: TrainingTransform(
                augmentation: configuration.augmentation,
                preprocessing: configuration.preprocessing, seed: configuration.run.seed,
                epoch: epoch), workers: configuration.data.workers,
            queue: configuration.data.queue, skipBroken: configuration.data.skipBroken)
        var start = Date()
        while let batch = try loader.next() {
            let globalStep = epoch * batches.count + state.progress.steps
            try train(
                batch, globalStep: globalStep, factor: schedule.factor(atStep: globalStep),
                featureLossActs: featureLossActs)
            let now = Date()
            state.progress.seconds += now.timeIntervalSince(start)
            start = now
            reportStep(of: batches.count)
            if stop.isRequested {
                try save()
                return false
            }
            let minutes = configuration.run.checkpointMinutes
            if minutes > 0 && now.timeIntervalSince(lastSave) >= minutes * 60 {
                try save()
                start = Date()
            }
        }
        return true
    }

    private func train(
        _ batch: Batch, globalStep: Int, factor: Double, featureLossActs: Bool
    ) throws {
        for message in batch.skipped where state.skipped.insert(message).inserted {
            report(.skipped(message))
        }
        state.progress.steps += 1
        state.progress.learningRate = configuration.optimizer.learningRate * factor
        guard !batch.labels.isEmpty else { return }
        let result: TrainingStep.Result
        do {
            result = try step(
                images: Tensor(batch.images, shape: batch.shape, device: device),
                labels: Tensor(int64s: batch.labels, shape: [batch.labels.count], device: device),
                factor: factor, featureLossActs: featureLossActs)
        } catch let error as TrainingError where error.code == .notFinite {
            throw stopped(by: error)
        }
        state.progress.add(result.losses, images: batch.labels.count)
        state.progress.counts.add(logits: try result.logits.floats(), labels: batch.labels)
        try averages?.update(step: globalStep)
    }

    /// What is measured, recorded and saved when the steps of an epoch are done. False when a stop
    /// was requested before the measurement was complete; the run is then saved.
    func finishEpoch(_ stop: StopRequest) throws -> Bool {
        let epoch = state.epoch + 1
        let start = Date()
        try checkParameters()
        var result: EvaluationResult?
        if epoch % configuration.run.evaluateEvery == 0 || epoch == configuration.schedule.epochs {
            result = try withDeployedWeights {
                try Evaluator(configuration).measure(
                    network, on: splits.validation ?? splits.test, device: device, stop: stop)
            }
            guard let result else {
                try save()
                return false
            }
            guard result.loss.isFinite else {
                let images = splits.validation == nil ? "test" : "validation"
                throw stopped(
                    by: TrainingError(
                        .notFinite, "the loss on the \(images) images is \(result.loss)"))
            }
            state.skipped.formUnion(result.skipped)
        }
        if configuration.run.layerStatistics {
            state.layers += try observer.statistics(epoch: epoch)
        }
        try observer.beginEpoch()
        let row = state.progress.row(
            epoch: epoch, result: result, on: state.selection ?? .test,
            evaluationSeconds: Date().timeIntervalSince(start))
        state.metrics.append(row)
        state.epoch = epoch
        state.progress = EpochProgress()
        let isBest = result.map { $0.top1 > state.bestTop1 ?? -1 } ?? false
        if isBest {
            state.bestEpoch = epoch
            state.bestTop1 = result?.top1
        }
        try save(isBest: isBest)
        report(.epoch(row))
        return true
    }

    /// Measures the best epoch on the test images, once, where it was chosen on others. When a stop
    /// is requested before that is done, the run goes on with it.
    func finishRun(_ stop: StopRequest) throws {
        guard splits.validation != nil, state.finalTest == nil else { return }
        var best = try Checkpoint(path: directory.bestPath)
        let result = try Evaluator(configuration).measure(
            try best.network(on: device, source: directory.bestPath), on: splits.test,
            device: device, stop: stop)
        guard let result else { return }
        state.skipped.formUnion(result.skipped)
        state.finalTest = FinalTest(result, epoch: best.state.epoch)
        best.state.finalTest = state.finalTest
        try best.write(to: directory.bestPath)
        try save()
    }

    private func withDeployedWeights<R>(_ body: () throws -> R) throws -> R {
        if let averages { return try averages.withAverages(body) }
        return try body()
    }

    /// Sets centres and variances of the feature loss from a pass over the training images, as the
    /// network sees them in evaluation.
    private func initialiseFeatureLoss(_ stop: StopRequest) throws -> Bool {
        guard let featureLoss = step.featureLoss else { return true }
        var features: [Tensor] = []
        var labels: [Int64] = []
        let completed = try Evaluator(configuration).forEachBatch(
            network, of: splits.train, device, stop
        ) { batch, output in
            guard let output else { return }
            features.append(try output.features.detached())
            labels += batch.labels
        }
        guard completed else { return false }
        try featureLoss.initialise(
            features: try Tensor.cat(features),
            labels: try Tensor(int64s: labels, shape: [labels.count], device: device))
        return true
    }

    private func reportStep(of steps: Int) {
        let progress = state.progress
        let images = max(1, progress.counts.images)
        report(
            .step(
                StepReport(
                    epoch: state.epoch + 1, epochs: configuration.schedule.epochs,
                    step: progress.steps, steps: steps,
                    losses: LossValues(
                        crossEntropy: progress.crossEntropy / Double(images),
                        kernel: progress.kernelLoss / Double(images),
                        feature: progress.featureLoss / Double(images)),
                    learningRate: progress.learningRate, top1: progress.counts.top1Share,
                    imagesPerSecond: Double(progress.counts.images) / max(1e-9, progress.seconds),
                    secondsPerStep: progress.seconds / Double(max(1, progress.steps)))))
    }

    /// A step can turn a finite loss into parameters that are not; such weights are never saved.
    private func checkParameters() throws {
        for parameter in network.store.parameters + (step.featureLoss?.store.parameters ?? [])
        where try !parameter.tensor.detached().allFinite() {
            throw stopped(
                by: TrainingError(
                    .notFinite,
                    "\(parameter.name) holds a NaN or an infinite number after the last step"))
        }
    }

    private func stopped(by error: TrainingError) -> TrainingError {
        let kept =
            File.exists(directory.lastPath)
            ? "the last good checkpoint is \(directory.lastPath)"
            : "no checkpoint had been written yet"
        return TrainingError(
            .notFinite,
            "epoch \(state.epoch + 1), step \(state.progress.steps): \(error.message); training "
                + "stopped, \(kept); a smaller learning rate or a warm-up may help")
    }
}

extension EpochProgress {
    /// The row of metrics.csv when all steps of the epoch are done.
    func row(
        epoch: Int, result: EvaluationResult?, on selection: SelectionSet, evaluationSeconds: Double
    ) -> EpochMetrics {
        let images = Double(max(1, counts.images))
        var row = EpochMetrics(
            epoch: epoch, learningRate: learningRate,
            trainLoss: (crossEntropy + kernelLoss + featureLoss) / images,
            crossEntropy: crossEntropy / images, kernelLoss: kernelLoss / images,
            featureLoss: featureLoss / images, trainTop1: counts.top1Share,
            imagesPerSecond: Double(counts.images) / max(1e-9, seconds),
            seconds: seconds + evaluationSeconds)
        switch selection {
        case .validation:
            row.validationLoss = result?.loss
            row.validationTop1 = result?.top1
            row.validationTop5 = result?.top5
        case .test:
            row.testLoss = result?.loss
            row.testTop1 = result?.top1
            row.testTop5 = result?.top5
        }
        return row
    }
}
