import ArgumentParser
import BONNConfiguration
import BONNData
import BONNExport
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTerminal
import BONNTrainer
import Foundation
import Torch

/// `bonn verify`.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare a model file with the checkpoint it was exported from, image by image.",
        discussion: """
            Every kernel set of this machine runs with every number of threads that is asked for; \
            they must agree with each other and with the training network in every bit of every \
            logit. Fails (exit code 1) where they do not.

            Example:
              bonn verify runs/first/best.safetensors first.bonn --data cifar-10-batches-bin
            """)

    @Argument(help: "A checkpoint: last.safetensors or best.safetensors of a run.")
    var checkpoint: String

    @Argument(help: "The model file.")
    var model: String

    @Option(help: ArgumentHelp("A data set; its test images are used.", valueName: "path"))
    var data: String

    @Option(
        help: ArgumentHelp(
            "Only so many images, each class with its share; 0: all.", valueName: "n"))
    var images = 0

    @Option(
        help: ArgumentHelp("Numbers of threads to compare, such as 1,2.", valueName: "list"))
    var threads = "1,2"

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard images >= 0 else { throw ValidationError("--images must be at least 0") }
        guard !threadCounts.isEmpty, threadCounts.allSatisfy({ (1...1024).contains($0) }) else {
            throw ValidationError(
                "--threads: expected numbers from 1 to 1024 such as 1,2, found \(threads)")
        }
    }

    private static func text(_ shape: Shape) -> String {
        "\(shape.channels)x\(shape.height)x\(shape.width)"
    }

    private var threadCounts: [Int] {
        threads.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    }

    func run() throws {
        let stored = try Checkpoint.open(checkpoint)
        let network = try stored.network(source: checkpoint)
        let models = try KernelSet.available.map { try Model(path: model, kernels: $0) }
        let deployed = models[0]
        let size = stored.configuration.augmentation.imageSize
        let expected = Shape(
            stored.configuration.model.inputChannels, size.height, size.width)
        guard deployed.inputShape == expected, deployed.classCount == network.plan.classes
        else {
            throw TrainingError(
                .checkpoint,
                "\(model) is a network for \(deployed.classCount) classes and images "
                    + "of \(Self.text(deployed.inputShape)), \(checkpoint) one for "
                    + "\(network.plan.classes) classes and images of "
                    + "\(Self.text(expected)); give the "
                    + "checkpoint that the model was exported from")
        }
        try requireOrigin(of: deployed, stored)
        let arithmetic = DeployedNetwork(
            network, int8: Int8Report.limits(in: deployed.metadata.provenance))
        let (dataset, notes) = try stored.testImages(
            of: data, count: images, configuration: stored.configuration, source: checkpoint)
        notes.forEach(Terminal.note)
        var check = try ParityCheck(
            models, threads: threadCounts, batch: stored.configuration.evaluationBatch)
        let bar = ProgressBar()
        try forEachImageBatch(of: dataset, stored.configuration) { batch, done in
            try check.compare(arithmetic, batch)
            bar.update(done: done, total: dataset.count, label: "verifying", detail: "")
        }
        bar.clear()
        if json {
            try Terminal.json(ParityReport(check.parity.certificate))
        } else {
            try Terminal.table(ParityReport.rows(check.parity))
        }
        try check.parity.require()
    }

    /// Refuses a model that says it was exported from other weights than the checkpoint's. One that
    /// does not say is compared all the same.
    private func requireOrigin(of deployed: Model, _ stored: Checkpoint) throws {
        let provenance = deployed.metadata.provenance
        let digest = stored.weightsDigest.description
        guard let exported = provenance[Export.weightsKey], Name(exported) != Name(digest)
        else { return }
        throw TrainingError(
            .checkpoint,
            "\(model) was exported from another checkpoint than \(checkpoint): expected weights with "
                + "the SHA-256 \(digest), found \(printable(exported, limit: 64)) (after "
                + "\(printable(provenance["epochs"] ?? "?", limit: 20)) epochs, "
                + "\(printable(provenance["date"] ?? "no date", limit: 40))); give "
                + "the checkpoint that it was exported from, or export it again")
    }
}

/// A certificate as `bonn export` and `bonn verify` print it.
struct ParityReport: Encodable {
    let images: Int
    let top1Agreement: Double
    let maxAbsDifference: Double
    let maxRelativeDifference: Double
    let kernels: [String]

    init(_ certificate: ParityCertificate) {
        images = certificate.images
        top1Agreement = certificate.top1Agreement
        maxAbsDifference = certificate.maxAbsDifference
        maxRelativeDifference = certificate.maxRelativeDifference
        kernels = certificate.kernels
    }

    // Written out, since `top1_agreement` is not what the encoder makes of `top1Agreement`.
    private enum CodingKeys: String, CodingKey {
        case images
        case top1Agreement = "top1_agreement"
        case maxAbsDifference = "max_abs_difference"
        case maxRelativeDifference = "max_relative_difference"
        case kernels
    }

    /// A table with one row per kernel set and number of threads.
    static func rows(_ parity: Parity) -> [[String]] {
        let header = [
            "kernels", "threads", "images", "top-1 agreement", "largest difference", "relative",
            "other bits",
        ]
        let rows = parity.entries.map { entry in
            [
                entry.kernels, String(entry.threads), String(parity.images),
                Terminal.percent(Double(entry.agreeing) / Double(max(1, parity.images))),
                String(format: "%.2e", entry.maxAbsDifference),
                String(format: "%.2e", entry.maxRelativeDifference),
                String(entry.differingFromFirst),
            ]
        }
        return [header] + rows
    }
}
