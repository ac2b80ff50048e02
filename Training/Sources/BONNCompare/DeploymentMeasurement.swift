import BONNConfiguration
import BONNExport
import BONNMethods
import BONNModelFormat
import BONNRuntime
import BONNTrainer
import Foundation
import Torch

extension Deployment {
    /// Exports a checkpoint, loads the file as an app does, and measures it.
    ///
    /// A method that the runtime does not compute is no error: the reason stands in the result.
    ///
    /// - Parameters:
    ///   - source: the path of the checkpoint, for messages.
    ///   - scratch: a folder for the model file, which is taken away again.
    init(_ checkpoint: Checkpoint, source: String, scratch: String, processor: String) {
        weights = checkpoint.weightsDigest.description
        self.processor = processor
        do {
            let configuration = checkpoint.configuration
            let network = try checkpoint.network(source: source)
            let size = configuration.augmentation.imageSize
            let images = try Generator(seed: 1).normal(
                [8, configuration.model.inputChannels, size.height, size.width])
            let export = try ModelExport(
                network, preprocessing: configuration.preprocessing,
                classNames: checkpoint.state.dataset.classNames, batches: [images])
            let path = scratch + "/.export-\(getpid()).bonn"
            defer { unlink(path) }
            try File.replace(path, with: export.bytes)
            bytes = export.bytes.count
            let model = try Model(path: path)
            kernels = model.kernels.name
            milliseconds = try Self.median(of: model)
        } catch let error as ExportError where error.code == .unsupported {
            reason = "training only: \(error.message)"
        } catch {
            reason = "not exported: \(error)"
        }
    }

    /// Runs before those that count.
    private static let warmUps = 3
    /// Runs that count.
    private static let runs = 51

    /// The median time of one image of noise with one thread, in milliseconds.
    private static func median(of model: Model) throws -> Double? {
        var session = try InferenceSession(model)
        var random = SystemRandomNumberGenerator()
        let isByte = model.inputElement == .byte
        let input = (0..<model.inputShape.count).map { _ in
            isByte
                ? Float(Int.random(in: 0..<256, using: &random))
                : Float.random(in: -1...1, using: &random)
        }
        let clock = ContinuousClock()
        var times: [Double] = []
        for run in 0..<(warmUps + runs) {
            let start = clock.now
            _ = try session.run(input)
            if run >= warmUps { times.append((clock.now - start) / .milliseconds(1)) }
        }
        return times.median
    }

    /// What a file tells of the same weights on the same processor; nil: it has to be measured.
    static func stored(at path: String, weights: String, processor: String) -> Deployment? {
        guard let data = FileManager.default.contents(atPath: path),
            let stored = try? JSONDecoder().decode(Deployment.self, from: data),
            stored.weights == weights, stored.processor == processor
        else { return nil }
        return stored
    }

    /// Writes what `stored` reads.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try File.replace(path, with: Array(encoder.encode(self)) + Array("\n".utf8))
    }
}
