import ArgumentParser
import BONNConfiguration
import BONNData
import BONNExport
import BONNMethods
import BONNModelFormat
import BONNTerminal
import BONNTrainer
import Foundation
import Torch

/// `bonn export`.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a checkpoint as a model file for the runtime, with a parity certificate.",
        discussion: """
            The file is read back and run beside the training network, with every kernel set of this \
            machine and with 1 and 2 threads. It is written only if every logit has the same bits \
            everywhere, and every bit and sum of the binary layers too.

            Example:
              bonn export runs/first/best.safetensors --output first.bonn --data cifar-10-batches-bin
            """)

    @Argument(help: "A checkpoint: last.safetensors or best.safetensors of a run.")
    var checkpoint: String

    @Option(name: [.short, .long], help: "The model file to write.")
    var output: String

    @Option(
        help: ArgumentHelp(
            "Images for the certificate: a data set's test images; without it, generated ones.",
            valueName: "path"))
    var data: String?

    @Option(
        help: ArgumentHelp("How many images to compare, each class with its share.", valueName: "n")
    )
    var images = 256

    @Flag(
        help: """
            Compute the first and the last layer in 8-bit integers and store the 1x1 shortcuts in 8 \
            bits: calibrated on training images of --data, accuracy measured on its test images.
            """)
    var int8 = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard images >= 1 else { throw ValidationError("--images must be at least 1") }
        guard !int8 || data != nil else {
            throw ValidationError("--int8 needs --data: the images to calibrate on")
        }
    }

    func run() throws {
        let stored = try Checkpoint.open(checkpoint)
        let network = try stored.network(source: checkpoint)
        let configuration = stored.configuration
        let quantized = try int8Report(network, stored)
        let export = try ModelExport(
            network, int8: quantized?.limits, preprocessing: configuration.preprocessing,
            classNames: stored.state.dataset.classNames,
            provenance: provenance(of: stored).merging(quantized?.provenance ?? [:]) { $1 },
            batches: try batches(stored))
        try File.replace(output, with: export.bytes)
        let certificate = export.parity.certificate
        if json {
            try Terminal.json(
                Report(
                    model: output, modelBytes: export.bytes.count,
                    layerValues: export.layerValues, parity: ParityReport(certificate),
                    int8: quantized))
            return
        }
        try Terminal.line("wrote \(output), \(Terminal.grouped(export.bytes.count)) bytes")
        if let quantized { try Terminal.line(quantized.text) }
        try Terminal.table(ParityReport.rows(export.parity))
        try Terminal.line(
            "\(Terminal.grouped(export.layerValues)) bits and sums of the binary layers agree exactly"
        )
    }

    private struct Report: Encodable {
        let model: String
        let modelBytes: Int
        let layerValues: Int
        let parity: ParityReport
        let int8: Int8Report?
    }

    private func int8Report(_ network: Network, _ stored: Checkpoint) throws -> Int8Report? {
        guard int8, let data else { return nil }
        return try Int8Quantization(network: network, stored: stored, source: checkpoint)
            .apply(data: data)
    }

    /// Real images where a data set was named, seeded noise otherwise.
    private func batches(_ stored: Checkpoint) throws -> [Tensor] {
        let configuration = stored.configuration
        if let data {
            let (dataset, notes) = try stored.testImages(
                of: data, count: images, configuration: configuration, source: checkpoint)
            notes.forEach(Terminal.note)
            var batches: [Tensor] = []
            try forEachImageBatch(of: dataset, configuration) { batch, _ in batches.append(batch) }
            return batches
        }
        let size = configuration.augmentation.imageSize
        let generator = try Generator(seed: 1)
        return try stride(from: 0, to: images, by: 64).map { first in
            try generator.normal(
                [
                    min(64, images - first), configuration.model.inputChannels, size.height,
                    size.width,
                ])
        }
    }

    /// The key of the provenance under which the SHA-256 of the checkpoint's weights stands.
    static let weightsKey: Name = "weights_sha256"

    /// Where the network comes from, for whoever finds the file.
    private func provenance(of stored: Checkpoint) -> [Name: String] {
        let configuration = stored.configuration
        var facts: [Name: String] = [
            "method": configuration.model.method.name,
            "network": configuration.model.network,
            "widths": configuration.model.widths.map(String.init).joined(separator: "-"),
            "dataset": stored.state.dataset.kind,
            "recipe": Recipe.yaml(stored.recipe.withoutFolders),
            "epochs": String(stored.state.epoch),
            Self.weightsKey: stored.weightsDigest.description,
            "date": ISO8601DateFormatter().string(from: Date()),
        ]
        facts["checkpoint_sha256"] = stored.digest?.description
        facts["started_from_weights_sha256"] = stored.state.origin?.digest
        facts["best_selected_on"] = (stored.state.selection ?? .test).rawValue
        func add(_ key: Name, _ share: Double?) {
            facts[key] = share.map { String(format: "%.4f", $0) }
        }
        let last = stored.state.metrics.last
        add("validation_top1", last?.validationTop1)
        // Of this epoch, and not of the best one that may be another.
        let test = stored.state.finalTest.flatMap { $0.epoch == stored.state.epoch ? $0 : nil }
        add("test_top1", test?.top1 ?? last?.testTop1)
        return facts
    }
}

extension TrainingConfiguration {
    /// The most images that `forEachImageBatch` puts into a batch.
    var evaluationBatch: Int { min(100, data.batchSize) }
}

/// Calls `body` with the test images of a data set in batches, normalised as for the network, and
/// the number of images so far.
func forEachImageBatch(
    of dataset: any ImageDataset, _ configuration: TrainingConfiguration,
    _ body: (Tensor, Int) throws -> Void
) throws {
    var count = 0
    try forEachBatch(of: dataset, Array(0..<dataset.count), configuration) { batch in
        count += batch.labels.count
        try body(batch.tensor(), count)
    }
}

/// Calls `body` with images of a data set in batches, normalised as for the network.
func forEachBatch(
    of dataset: any ImageDataset, _ indices: [Int], _ configuration: TrainingConfiguration,
    _ body: (Batch) throws -> Void
) throws {
    let size = configuration.evaluationBatch
    let loader = BatchLoader(
        dataset: dataset,
        batches: stride(from: 0, to: indices.count, by: size).map { first in
            Array(indices[first..<min(first + size, indices.count)])
        },
        transform: EvaluationTransform(preprocessing: configuration.preprocessing),
        workers: configuration.data.workers, skipBroken: configuration.data.skipBroken)
    while let batch = try loader.next() {
        for message in batch.skipped { Terminal.note("Left out: \(message)") }
        guard !batch.labels.isEmpty else { continue }
        try body(batch)
    }
}
