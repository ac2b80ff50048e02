import BONNData
import BONNMethods
import Foundation
import Torch

extension Trainer {
    /// The steps of the epoch under way that are still to do. False when a stop was requested; the
    /// run is then saved.
    func trainEpoch(_ stop: StopRequest) throws -> Bool {
        let epoch = state.epoch
        var progress = self.progress
        guard try startObjectives(at: progress, stop) else {
            try save()
            return false
        }
        if state.progress.steps == 0 {
            for rule in step.rules { try rule.beginEpoch(progress) }
        }
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
            transform: augmentation, workers: configuration.data.workers,
            queue: configuration.data.queue, skipBroken: configuration.data.skipBroken)
        var start = Date()
        while let batch = try loader.next() {
            (progress.step, progress.steps) = (state.progress.steps, batches.count)
            let stageStep = progress.epoch * progress.steps + progress.step
            try train(
                batch, stageStep: stageStep, factor: schedule.factor(atStep: stageStep),
                progress: progress)
            let now = Date()
            state.progress.seconds += now.timeIntervalSince(start)
            start = now
            try reportStep(of: batches.count)
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
        _ batch: Batch, stageStep: Int, factor: Double, progress: RunProgress
    ) throws {
        for message in batch.skipped where state.skipped.insert(message).inserted {
            try report(.skipped(message))
        }
        state.progress.steps += 1
        state.progress.learningRate = configuration.optimizer.learningRate * factor
        guard !batch.labels.isEmpty else { return }
        let result: TrainingStep.Result
        do {
            result = try step(
                images: batch.tensor(on: device),
                labels: Tensor(int64s: batch.labels, shape: [batch.labels.count], device: device),
                factor: factor, progress: progress)
        } catch let error as TrainingError where error.code == .notFinite {
            throw stopped(by: error)
        }
        state.progress.add(result.losses, images: batch.labels.count)
        state.progress.counts.add(logits: result.logits, labels: batch.labels)
        try averages?.update(step: stageStep)
    }

    /// What is measured, recorded and saved when the steps of an epoch are done. False when a stop
    /// was requested before the measurement was complete; the run is then saved.
    func finishEpoch(_ stop: StopRequest) throws -> Bool {
        let epoch = state.epoch + 1
        let start = Date()
        try checkParameters()
        var result: EvaluationResult?
        if epoch % configuration.run.evaluateEvery == 0 || epoch == current.stage.end {
            result = try withDeployedWeights {
                guard try measureNorms(stop) else { return nil }
                return try Evaluator(configuration).measure(
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
        state.progress = EpochProgress(terms: step.terms)
        let isBest = result.map { $0.top1 > state.bestTop1 ?? -1 } ?? false
        if isBest {
            state.bestEpoch = epoch
            state.bestTop1 = result?.top1
        }
        try save(isBest: isBest)
        try report(.epoch(row))
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

    /// Where the stage is, at the first step of the epoch under way.
    private var progress: RunProgress {
        RunProgress(
            epoch: state.epoch - current.stage.firstEpoch, epochs: current.stage.epochs)
    }

    /// What the images of the epoch under way are brought to the input by.
    private var augmentation: TrainingTransform {
        TrainingTransform(
            augmentation: configuration.augmentation, preprocessing: configuration.preprocessing,
            seed: configuration.run.seed, epoch: state.epoch)
    }

    /// Measures the statistics of batch norms on training images of the epoch. False when a stop was requested.
    private func measureNorms(_ stop: StopRequest) throws -> Bool {
        let (data, run) = (configuration.data, configuration.run)
        guard run.normImages > 0 else { return true }
        let count = splits.train.count
        let batches = SampleOrder.training(
            count: count, batchSize: data.batchSize, dropLast: true, seed: run.seed,
            epoch: state.epoch
        ).prefix((min(run.normImages, count) + data.batchSize - 1) / data.batchSize)
        let pass = Pass(
            .training, progress: progress,
            generator: try Generator(seed: RandomStream.dropout.seed(run.seed), device: device))
        guard
            try Evaluator(configuration).measureNorms(
                of: network, on: splits.train, batches: Array(batches), augmentation, pass, device,
                stop)
        else { return false }
        try averages?.takeStatistics()
        return true
    }

    private func withDeployedWeights<R>(_ body: () throws -> R) throws -> R {
        if let averages { return try averages.withAverages(body) }
        return try body()
    }

    /// Shows the features of the training images to the objectives that act from now on and have to see
    /// them. False when a stop was requested.
    private func startObjectives(at progress: RunProgress, _ stop: StopRequest) throws -> Bool {
        let acting = step.objectives.filter { $0.startsFromFeatures && $0.acts(at: progress) }
        let starting = acting.filter { state.prepared?.contains($0.name) != true }
        for objective in starting {
            try report(.objective(title: objective.title, epoch: state.epoch + 1))
        }
        guard try starting.isEmpty || show(starting, stop) else { return false }
        state.prepared = acting.map(\.name)
        return true
    }

    private func show(_ objectives: [any Objective], _ stop: StopRequest) throws -> Bool {
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
        let all = (
            features: try Tensor.cat(features),
            labels: try Tensor(int64s: labels, shape: [labels.count], device: device)
        )
        for objective in objectives {
            try objective.start(features: all.features, labels: all.labels)
        }
        return true
    }

    private func reportStep(of steps: Int) throws {
        let progress = state.progress
        let images = Double(max(1, progress.counts.images))
        try report(
            .step(
                StepReport(
                    epoch: state.epoch + 1, epochs: epochs,
                    step: progress.steps, steps: steps,
                    losses: progress.losses / images, learningRate: progress.learningRate,
                    top1: progress.counts.top1Share,
                    imagesPerSecond: Double(progress.counts.images) / max(1e-9, progress.seconds),
                    secondsPerStep: progress.seconds / Double(max(1, progress.steps)))))
    }

    /// A step can turn a finite loss into parameters that are not; such weights are never saved.
    private func checkParameters() throws {
        for parameter in network.store.parameters + step.ownParameters
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
