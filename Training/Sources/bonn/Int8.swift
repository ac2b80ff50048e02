import BONNData
import BONNExport
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTerminal
import BONNTrainer
import Torch

/// What `bonn export --int8` did: how the 8-bit layers were calibrated, and what they cost.
struct Int8Report: Encodable {
    /// Training images of the calibration.
    let calibrationImages: Int
    /// Magnitudes that become 127 steps.
    let stemLimit: Float
    let headLimit: Float
    /// Test images of the accuracies.
    let images: Int
    /// Top-1 with float32 and with 8-bit layers.
    let top1Before: Double
    let top1After: Double

    // Written out, since `top1_before` is not what the encoder makes of `top1Before`.
    private enum CodingKeys: String, CodingKey {
        case calibrationImages = "calibration_images"
        case stemLimit = "stem_limit"
        case headLimit = "head_limit"
        case images
        case top1Before = "top1_before"
        case top1After = "top1_after"
    }

    private static let stemKey: Name = "int8_stem_limit"
    private static let headKey: Name = "int8_head_limit"

    /// The same for the provenance of a model file.
    var provenance: [Name: String] {
        [
            "int8_calibration_images": String(calibrationImages),
            Self.stemKey: String(stemLimit),
            Self.headKey: String(headLimit),
            "int8_test_images": String(images),
            "int8_top1_before": String(top1Before),
            "int8_top1_after": String(top1After),
        ]
    }

    /// The limits that a model file was exported with; nil for one without 8-bit layers.
    static func limits(in provenance: [Name: String]) -> Int8Limits? {
        guard let stem = provenance[stemKey].flatMap(Float.init), stem > 0,
            let head = provenance[headKey].flatMap(Float.init), head > 0
        else { return nil }
        return Int8Limits(stem: stem, head: head)
    }

    /// The limits that were found.
    var limits: Int8Limits { Int8Limits(stem: stemLimit, head: headLimit) }

    /// One line for a person.
    var text: String {
        "8-bit stem and head, calibrated on \(calibrationImages) training images: top-1 "
            + "\(Terminal.percent(top1After)) after \(Terminal.percent(top1Before)) in float32, on "
            + "\(images) test images"
    }
}

/// Calibrates the 8-bit layers of a network on training images and measures them on test images.
struct Int8Quantization {
    /// How many training images are looked at; the limits hardly move beyond some hundred.
    static let calibrationImages = 512

    let network: Network
    let stored: Checkpoint
    let source: String

    /// Finds the limits and measures what they cost.
    func apply(data: String) throws -> Int8Report {
        let configuration = stored.configuration
        let splits = try DatasetSplits.open(data, options: configuration.datasetOptions)
        let test = try stored.labeled(splits.test, source: source).dataset
        var calibration = Int8Calibration()
        let real = DeployedNetwork(network)
        let seen = splits.train.subset(
            of: Self.calibrationImages, seed: UInt64(configuration.run.seed))
        try forEachBatch(of: seen, Array(0..<seen.count), configuration) { batch in
            try calibration.observe(real, batch.tensor())
        }
        let limits = try calibration.limits()
        var before = try session(nil)
        var after = try session(limits)
        var images = 0
        var right = (before: 0, after: 0)
        try forEachBatch(of: test, Array(0..<test.count), configuration) { batch in
            images += batch.labels.count
            let input = try batch.tensor().floats()
            right.before += Self.right(try before.run(input), batch.labels)
            right.after += Self.right(try after.run(input), batch.labels)
        }
        return Int8Report(
            calibrationImages: calibration.images, stemLimit: limits.stem, headLimit: limits.head,
            images: images, top1Before: Double(right.before) / Double(max(1, images)),
            top1After: Double(right.after) / Double(max(1, images)))
    }

    /// The network as it is deployed, with signed bytes or without.
    private func session(_ limits: Int8Limits?) throws -> InferenceSession {
        try InferenceSession(
            Model(network.lowered(int8: limits).file),
            batch: stored.configuration.evaluationBatch)
    }

    private static func right(_ logits: [Float], _ labels: [Int64]) -> Int {
        let classes = logits.count / max(1, labels.count)
        return labels.indices.count { image in
            let best = topK(logits[image * classes..<(image + 1) * classes], 1).first
            return best.map { Int64($0.classIndex) } == labels[image]
        }
    }
}
