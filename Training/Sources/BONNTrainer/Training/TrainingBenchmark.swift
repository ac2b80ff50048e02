public import BONNConfiguration
import BONNMethods
import Foundation
import Torch

/// Measures one step alone, on a random batch that stays on the device. What a plain PyTorch script
/// of the same step is compared with.
public struct TrainingBenchmark {
    /// What a step consists of.
    public enum Step: Sendable {
        /// Forward with the losses of a last epoch, backward, update.
        case training
        /// Forward in phase `.evaluation`, and the logits brought to the processor.
        case inference
    }

    /// What was measured.
    public struct Result: Sendable {
        /// The network's name.
        public let model: String
        /// Channels of stem and stages.
        public let widths: [Int]
        /// Images per step.
        public let batchSize: Int
        /// Threads of LibTorch.
        public let threads: Int
        /// The device.
        public let device: String
        /// Steps measured.
        public let steps: Int
        /// The median time of a step.
        public let medianSeconds: Double
        /// Images per second at the median.
        public var imagesPerSecond: Double { Double(batchSize) / medianSeconds }
    }

    private static let warmupSteps = 2

    private let configuration: TrainingConfiguration
    private let step: Step
    private let imageSize: ImageSize
    private let steps: Int

    /// Prepares a measurement.
    ///
    /// - Parameters:
    ///   - configuration: network, batch size, losses, optimiser, device and threads. Where the
    ///     recipe says nothing, 10 classes and 3 channels.
    ///   - step: what is measured.
    ///   - imageSize: the size of the images; 0 means 32 for the CIFAR stem and 224 for ImageNet's.
    ///   - steps: how many steps are measured.
    public init(
        _ configuration: TrainingConfiguration, step: Step = .training, imageSize: ImageSize,
        steps: Int
    ) {
        self.configuration = configuration
        self.step = step
        self.imageSize = imageSize
        self.steps = steps
    }

    /// Runs the steps.
    ///
    /// - Throws: `.configuration` for an impossible network, `.computation` when the device refuses.
    public func run() throws(TrainingError) -> Result {
        do {
            return try measured()
        } catch let error as NetworkError {
            throw TrainingError(.configuration, error.message)
        } catch {
            throw TrainingError.wrapping(error, as: .computation)
        }
    }

    private func measured() throws -> Result {
        var model = configuration.model
        if model.classes == 0 { model.classes = 10 }
        if model.inputChannels == 0 { model.inputChannels = 3 }
        let size = imageSize.isKnown ? imageSize : model.publishedSize
        try model.validate(height: size.height, width: size.width)
        let device = try Device(parsing: configuration.run.device)
        try device.requireAvailable()
        let threads = configuration.run.threads
        try setThreads(threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount)
        let seed = configuration.run.seed
        let network = try Network(
            model, for: size, seed: RandomStream.initialisation.seed(seed), device: device)
        if network.drawsNumbers {
            network.generator = try Generator(
                seed: RandomStream.dropout.seed(seed), device: device)
        }
        let batch = configuration.data.batchSize
        let generator = try Generator(seed: UInt64(seed), device: device)
        let images = try generator.normal([
            batch, model.inputChannels, size.height, size.width,
        ])
        let body: () throws -> Void
        switch step {
        case .training:
            let training = try TrainingStep(
                network, losses: configuration.losses, optimizer: configuration.optimizer,
                device: device)
            let labels = try generator.uniform([batch], low: 0, high: Double(model.classes))
                .floor().clamp(max: Double(model.classes - 1)).to(.int64)
            // Reading the losses waits for the device.
            let epochs = configuration.schedule.epochs
            // The steps of one epoch: what a method does at its end alone is no step like the others.
            var progress = RunProgress(
                epoch: epochs - 1, epochs: epochs, steps: Self.warmupSteps + steps)
            body = {
                _ = try training(images: images, labels: labels, factor: 1, progress: progress)
                progress.step += 1
            }
        case .inference:
            body = {
                _ = try withoutGradient { () throws(TorchError) in
                    try network(images, .evaluation).logits.floats()
                }
            }
        }
        var seconds: [Double] = []
        for _ in 0..<(Self.warmupSteps + steps) {
            let start = ContinuousClock.now
            try body()
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
        let measured = seconds.dropFirst(Self.warmupSteps).sorted()
        return Result(
            model: model.network, widths: model.widths, batchSize: batch,
            threads: Torch.threads, device: "\(device)", steps: steps,
            medianSeconds: measured[measured.count / 2])
    }
}
