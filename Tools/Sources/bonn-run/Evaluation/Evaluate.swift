import ArgumentParser
import BONNData
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run evaluate`.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the accuracy of a model on the test images of a data set.",
        discussion: """
            The images go through the model's own preprocessing. Classes are compared by their \
            names: the data may hold some of the model's classes, and no others. The time per \
            image is that of the network alone. The calibration error is the mean distance of the \
            probability of the predicted class from how often such predictions are right.

            Examples:
              bonn-run evaluate network.bonn --data photos --predictions predictions.csv
              bonn-run evaluate network.bonn --data cifar-10-batches-bin --threads 2
              bonn-run evaluate network.bonn --data photos --skip-broken --json
              bonn-run evaluate network.bonn --data photos --confusion
            """)

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @Option(
        help: ArgumentHelp("CIFAR, IDX or image folder, or synthetic[:N].", valueName: "path"))
    var data: String

    @Option(
        help: ArgumentHelp(
            "Only so many images, each class with its share; 0: all.", valueName: "n"))
    var images = 0

    @Option(help: ArgumentHelp("Images per run.", valueName: "n"))
    var batch = 8

    @Flag(help: "Leave out and count images that cannot be decoded instead of stopping.")
    var skipBroken = false

    @Option(
        help: ArgumentHelp(
            "Write a CSV file with a row for every image: its name, its class, the predicted class "
                + "and its probability. It is replaced when the last row is known.",
            valueName: "file"), completion: .file())
    var predictions: String?

    @Flag(
        help:
            "Tell for each class how many of its images are right, and what the others are taken for."
    )
    var confusion = false

    @OptionGroup var options: SessionOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var decoding: DecodingOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard images >= 0 else {
            throw ValidationError("--images: expected at least 0, found \(images)")
        }
    }

    func run() throws {
        let classifier = try ImageClassifier(
            path: model, kernels: options.kernelSet(), limits: limits.limits(batch: batch))
        let session = try options.session(classifier.model, batch: batch)
        let evaluation = try Evaluation(
            classifier, path: model, data: data, images: images, skipsBroken: skipBroken,
            decoding: decoding)
        var counts = confusion ? Confusion(classes: classifier.model.classCount) : nil
        let result: Accuracy.Result
        if let predictions {
            let file = try PredictionFile(
                path: predictions, madeFrom: model, dataset: evaluation.dataset,
                classifier: classifier)
            result = try evaluation.measure(session) {
                try file.add($0)
                counts?.add(label: $0.label, predicted: $0.predicted)
            }
            try file.finish()
        } else {
            result = try evaluation.measure(session) {
                counts?.add(label: $0.label, predicted: $0.predicted)
            }
        }
        try report(result, evaluation, counts)
    }

    private func report(
        _ result: Accuracy.Result, _ evaluation: Evaluation, _ confusion: Confusion?
    ) throws(OutputLost) {
        let kernels = result.kernels
        if json {
            try Terminal.json(
                .members([
                    "images": .int(result.images),
                    "evaluated_classes": .int(Set(evaluation.mapping.classes).count),
                    "top1": .real(result.top1),
                    "top5": .real(result.top5),
                    "calibration_error": .real(result.calibration.expectedError),
                    "skipped_images": .int(result.skipped),
                    "kernels": .string(kernels), "threads": .int(options.threads),
                    "batch": .int(batch), "ms_per_image": .real(result.millisecondsPerImage),
                    "confusion": confusion?.json(evaluation.classifier.name(ofClass:)) ?? .null,
                ]))
            return
        }
        var rows = [
            ["images", "\(result.images)"], ["top-1", Terminal.percent(result.top1)],
            ["top-5", Terminal.percent(result.top5)],
            ["calibration error", Terminal.percent(result.calibration.expectedError)],
            ["time", "\(Terminal.fixed(result.millisecondsPerImage, 3)) ms per image"],
            [
                "kernels",
                "\(kernels), \(Terminal.count(options.threads, "thread")), batch \(batch)",
            ],
        ]
        if result.skipped > 0 { rows.append(["left out", "\(result.skipped)"]) }
        try Terminal.table(rows, left: [0, 1])
        guard let confusion else { return }
        try Terminal.line("")
        try Terminal.table(confusion.rows(evaluation.classifier.name(ofClass:)), left: [0, 4])
    }
}
