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
            The images go through the model's own preprocessing. The time per image is that of \
            the network alone.

            Examples:
              bonn-run evaluate network.bonn --data cifar-10-batches-bin --threads 2
              bonn-run evaluate network.bonn --data photos --skip-broken --json
            """)

    @Argument(help: "A model file.")
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

    @OptionGroup var options: SessionOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard images >= 0 else {
            throw ValidationError("--images: expected at least 0, found \(images)")
        }
    }

    func run() throws {
        let classifier = try ImageClassifier(path: model, kernels: options.kernelSet())
        let session = try options.session(classifier.model, batch: batch)
        let dataset = try DatasetSplits.openTest(data).subset(of: images, seed: 1)
        try checkClasses(of: dataset, classifier.model)
        var accuracy = Accuracy(session)
        for index in 0..<dataset.count {
            do {
                let image = try dataset.image(at: index)
                let input = try classifier.input(image, name: dataset.identifier(at: index))
                try accuracy.add(input, label: dataset.label(at: index))
            } catch let error as DataError where skipBroken && error.code == .brokenImage {
                Terminal.complain("Left out: \(error.message)")
                accuracy.skipped += 1
            }
        }
        try accuracy.finish()
        guard accuracy.images > 0 else {
            throw Failure("\(dataset.name): none of its \(dataset.count) images can be decoded")
        }
        try report(accuracy.result)
    }

    /// The labels of the data must mean the model's classes.
    private func checkClasses(of dataset: any ImageDataset, _ model: Model) throws {
        guard dataset.classNames.count == model.classCount else {
            throw Failure(
                "\(dataset.name) has \(dataset.classNames.count) classes, the model "
                    + "\(self.model) has \(model.classCount)")
        }
        let pairs = zip(model.metadata.classNames, dataset.classNames)
        if let (index, (own, other)) = pairs.enumerated().first(where: { $1.0.text != $1.1 }) {
            Terminal.complain(
                "warning: class \(index) is \"\(own)\" in \(self.model) and \"\(other)\" in "
                    + dataset.name)
        }
    }

    private func report(_ result: Accuracy.Result) throws(OutputLost) {
        let kernels = result.kernels
        if json {
            try Terminal.json(
                .members([
                    "images": .int(result.images), "top1": .real(result.top1),
                    "top5": .real(result.top5), "skipped_images": .int(result.skipped),
                    "kernels": .string(kernels), "threads": .int(options.threads),
                    "batch": .int(batch), "ms_per_image": .real(result.millisecondsPerImage),
                ]))
            return
        }
        var rows = [
            ["images", "\(result.images)"], ["top-1", Terminal.percent(result.top1)],
            ["top-5", Terminal.percent(result.top5)],
            ["time", "\(Terminal.fixed(result.millisecondsPerImage, 3)) ms per image"],
            [
                "kernels",
                "\(kernels), \(Terminal.count(options.threads, "thread")), batch \(batch)",
            ],
        ]
        if result.skipped > 0 { rows.append(["left out", "\(result.skipped)"]) }
        try Terminal.table(rows, left: [0, 1])
    }
}
