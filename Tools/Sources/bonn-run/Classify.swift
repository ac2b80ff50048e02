import ArgumentParser
import BONNImage
import BONNImageIO
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run classify`.
struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify image files.",
        discussion: """
            Reads JPEG, PNG, GIF and WebP files (of several frames the first), turned as the model \
            says that it was trained. A folder stands for all images in it and below it, sorted by \
            name; hidden files and linked folders are passed over. - stands for one image on \
            standard input.

            Scores are probabilities (softmax). With --json there is one object a line for each \
            image, written when it is known. An image that cannot be read is reported on standard \
            error; the others are classified, and the exit code is 1.

            Examples:
              bonn-run classify network.bonn cat.jpg dog.png
              bonn-run classify network.bonn photos --top 1 --json
              curl -s https://example.org/cat.webp | bonn-run classify network.bonn -
            """)

    @Argument(help: "A model file.", completion: .file())
    var model: String

    @Argument(
        help: ArgumentHelp("Image files, folders of them, or -.", valueName: "image"),
        completion: .file())
    var images: [String]

    @Option(help: ArgumentHelp("How many classes to list.", valueName: "k"))
    var top = 5

    @Flag(help: "List the logits too.")
    var logits = false

    @OptionGroup var options: SessionOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var decoding: DecodingOptions

    @Flag(help: "Print one JSON object a line for each image.")
    var json = false

    func validate() throws {
        guard top >= 1 else { throw ValidationError("--top: expected at least 1, found \(top)") }
        guard images.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("-: standard input can be read once")
        }
    }

    func run() throws {
        let classifier = try ImageClassifier(
            path: model, kernels: options.kernelSet(), limits: limits.limits())
        var session = try options.session(classifier.model)
        if !json {
            try Terminal.line(
                "kernels \(session.kernels), \(Terminal.count(options.threads, "thread"))")
        }
        var isComplete = true
        for argument in images {
            var files = ImageFiles(argument)
            while let file = files.next() {
                do {
                    let path = try file.get()
                    let pixels = try classifier.pixels(image(path, classifier), name: path)
                    try show(path, try session.run(pixels: pixels), classifier)
                } catch let error as ImageIOError {
                    Terminal.complain(error.description)
                    isComplete = false
                } catch let error as Failure {
                    Terminal.complain(error.message)
                    isComplete = false
                }
            }
            if files.leftOut > 0 {
                Terminal.note(
                    "\(argument): \(Terminal.count(files.leftOut, "entry", "entries")) without the "
                        + "ending of an image left out")
            }
        }
        if !isComplete { throw ExitCode.failure }
    }

    private func image(
        _ path: String, _ classifier: ImageClassifier
    ) throws(ImageIOError) -> PixelBuffer {
        let budget = decoding.budget
        guard path == "-" else {
            return try readImage(
                path: path, orientation: classifier.orientation, budget: budget)
        }
        return try decodeImage(
            try readStandardInput(atMost: budget.bytes), name: "standard input",
            orientation: classifier.orientation, budget: budget)
    }

    private func show(
        _ path: String, _ logits: [Float], _ classifier: ImageClassifier
    ) throws(OutputLost) {
        if json {
            try Terminal.json(report(path, logits, classifier))
        } else {
            let scores = softmax(logits)
            try Terminal.line(path)
            try Terminal.table(
                topK(logits, top).map { prediction in
                    [
                        "  " + classifier.name(ofClass: prediction.classIndex),
                        Terminal.percent(Double(scores[prediction.classIndex])),
                    ] + (self.logits ? [Terminal.fixed(Double(prediction.score), 4)] : [])
                })
        }
    }

    private func report(
        _ path: String, _ logits: [Float], _ classifier: ImageClassifier
    ) -> JSONValue {
        let scores = softmax(logits)
        let predictions = topK(logits, top).map { prediction in
            JSONValue.members([
                "class": .int(prediction.classIndex),
                "name": .string(classifier.name(ofClass: prediction.classIndex)),
                "score": .real(scores[prediction.classIndex]),
            ])
        }
        var members = [
            JSONMember("image", .string(path)), JSONMember("predictions", .array(predictions)),
            JSONMember("kernels", .string(classifier.model.kernels.name)),
        ]
        if self.logits {
            members.append(JSONMember("logits", .array(logits.map { JSONValue.real($0) })))
        }
        return .object(members)
    }
}
