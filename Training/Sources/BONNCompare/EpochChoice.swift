import BONNConfiguration
import BONNData
import BONNTrainer
import Foundation

/// How many epochs a recipe trains in some minutes, found once and kept, so that its schedule knows its end and
/// every seed and every resumed run has the same.
struct EpochChoice: Codable, Equatable {
    /// The minutes of wall clock.
    let minutes: Double
    /// Epochs of all stages.
    let epochs: Int
    /// What an epoch took when it was measured, with its measurement, a number a stage.
    let secondsAnEpoch: [Double]

    /// Steps of a measured epoch.
    private static let steps = 20
    /// Test images of a measured epoch.
    private static let testImages = 500

    /// The file of a recipe's choice.
    static func file(_ folder: String) -> String { folder + "/budget.json" }

    /// What was chosen before; nil: nothing was.
    static func stored(in folder: String) throws(TrainingError) -> EpochChoice? {
        guard let data = FileManager.default.contents(atPath: file(folder)) else { return nil }
        guard let choice = try? JSONDecoder().decode(EpochChoice.self, from: data) else {
            throw TrainingError(
                .file,
                "\(file(folder)): cannot be read as a choice of epochs; take it away to measure anew"
            )
        }
        return choice
    }

    /// Writes what `stored` reads.
    func write(in folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try File.replace(Self.file(folder), with: Array(encoder.encode(self)) + Array("\n".utf8))
    }

    /// Trains two short epochs a stage, takes the speed of the last ones, and chooses the most epochs whose time
    /// the minutes hold.
    ///
    /// - Parameters:
    ///   - scratch: a folder for the run, which is taken away again.
    /// - Returns: Nil where a stop was requested.
    /// - Throws: What training throws; `.configuration` where the minutes hold no epoch of each stage.
    init?(
        minutes: Double, _ configuration: TrainingConfiguration, _ splits: DatasetSplits,
        scratch: String, stop: StopRequest
    ) throws {
        var short = try configuration.training(epochs: 2 * max(1, configuration.stages.count))
        let stages = try short.runStages()
        let batch = stages.map(\.configuration.data.batchSize).max() ?? 1
        func limit(_ count: Int, _ wanted: Int, most: Int) -> Int {
            let all = wanted > 0 ? min(wanted, count) : count
            return min(all, most)
        }
        let images = limit(splits.train.count, configuration.data.trainImages, most: .max)
        let tests = limit(splits.test.count, configuration.data.testImages, most: .max)
        short.data.trainImages = min(images, batch * Self.steps)
        short.data.testImages = min(tests, Self.testImages)
        short.run.evaluateEvery = 1
        try? FileManager.default.removeItem(atPath: scratch)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let outcome = try Trainer(
            configuration: short, splits: splits, directory: RunDirectory(scratch)
        ).run(stop: stop)
        guard outcome.isFinished else { return nil }
        let trainScale = Double(images) / Double(short.data.trainImages)
        let testScale =
            splits.validation == nil ? Double(tests) / Double(short.data.testImages) : 1
        let seconds = stages.map { stage in
            let row = outcome.metrics[stage.end - 1]
            let training = Double(short.data.trainImages) / row.imagesPerSecond
            return training * trainScale + max(0, row.seconds - training) * testScale
        }
        let epochs = try Self.most(seconds: seconds, minutes: minutes, configuration)
        self.init(minutes: minutes, epochs: epochs, secondsAnEpoch: seconds)
    }

    init(minutes: Double, epochs: Int, secondsAnEpoch: [Double]) {
        self.minutes = minutes
        self.epochs = epochs
        self.secondsAnEpoch = secondsAnEpoch
    }

    /// The most epochs whose time some minutes hold.
    ///
    /// - Parameter seconds: of an epoch of each stage.
    static func most(
        seconds: [Double], minutes: Double, _ configuration: TrainingConfiguration
    ) throws(TrainingError) -> Int {
        func total(_ epochs: Int) throws(TrainingError) -> Double {
            let stages = try configuration.training(epochs: epochs).runStages()
            return zip(stages, seconds).reduce(0) { $0 + Double($1.0.epochs) * $1.1 }
        }
        let least = max(1, configuration.stages.count)
        let needed = try total(least)
        guard needed <= minutes * 60 else {
            throw TrainingError(
                .configuration,
                "\(least == 1 ? "an epoch takes" : "an epoch of each stage takes") "
                    + "\(decimals(needed / 60, 1)) minutes, more than the \(shortest(minutes)) of the "
                    + "budget; give more minutes, or a part of the images (data.train_images)")
        }
        // Twice as many never take less time, so that the largest number lies between two powers of two.
        var low = least
        while try total(2 * low) <= minutes * 60, low < 1_000_000 { low *= 2 }
        var high = 2 * low
        while high - low > 1 {
            let middle = (low + high) / 2
            if try total(middle) <= minutes * 60 { low = middle } else { high = middle }
        }
        return low
    }
}
