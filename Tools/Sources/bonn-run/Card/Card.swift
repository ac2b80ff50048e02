import ArgumentParser
import BONNData
import BONNImageIO
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run card`.
struct Card: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Write the card of a model: what it is, what it was measured to do, where it comes from.",
        discussion: """
            The model is measured on all test images of the data. The card is Markdown: accuracy, \
            calibration, what the images of each class are taken for, size and work, parity with the \
            trained network, provenance, and the recipe. Of a run's metrics.csv it tells the curve and \
            the time.

            Example:
              bonn-run card flowers.bonn --data flowers --metrics runs/flowers/metrics.csv \
            --fact "trained on=2 cores" --output flowers.md
            """)

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @Option(help: ArgumentHelp("CIFAR, IDX or image folder, or synthetic[:N].", valueName: "path"))
    var data: String

    @Option(
        help: ArgumentHelp("The metrics.csv of the run that trained it.", valueName: "file"),
        completion: .file())
    var metrics: String?

    @Option(
        help: ArgumentHelp(
            "A row that nothing else tells, such as \"processor=Zen 5\"; repeat it for others.",
            valueName: "key=value"))
    var fact: [String] = []

    @Option(
        name: [.short, .long], help: ArgumentHelp("The card.", valueName: "file"),
        completion: .file())
    var output: String

    @OptionGroup var options: SessionOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var decoding: DecodingOptions

    func validate() throws { _ = try facts() }

    /// The name of a data set or a file without the folders that only this machine has.
    private static func lastPart(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private func facts() throws -> [(key: String, value: String)] {
        try fact.map {
            let parts = $0.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ValidationError(
                    "--fact: expected KEY=VALUE, found '\(printable($0, limit: 60))'")
            }
            return (parts[0], parts[1])
        }
    }

    func run() throws {
        let file = try WholeFile(
            path: output, madeFrom: [model] + [metrics].compactMap(\.self))
        let curve = try metrics.map(TrainingCurve.init)
        let source = try Model.Source(path: model)
        let classifier = try ImageClassifier(
            source, kernels: options.kernelSet(), limits: limits.limits(batch: 8))
        let session = try options.session(classifier.model, batch: 8)
        let evaluation = try Evaluation(
            classifier, path: model, data: data, decoding: decoding)
        var confusion = Confusion(classes: classifier.model.classCount)
        let result = try evaluation.measure(session) {
            confusion.add(label: $0.label, predicted: $0.predicted)
        }
        let card = try ModelCard(
            fileName: printable(Self.lastPart(of: model)),
            summary: ModelSummary(source, model: classifier.model),
            dataset: Self.lastPart(of: evaluation.dataset.name), result: result,
            confusion: confusion,
            className: classifier.name(ofClass:), curve: curve, facts: facts())
        try file.write(Array(card.text.utf8))
        try file.commit()
    }
}
