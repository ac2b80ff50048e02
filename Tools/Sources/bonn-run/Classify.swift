import ArgumentParser
import BONNImageIO
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// `bonn-run classify`.
struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify JPEG and PNG files.",
        discussion: """
            Scores are probabilities (softmax). An image that cannot be read is reported on \
            standard error; the others are classified, and the exit code is 1.

            Examples:
              bonn-run classify network.bonn cat.jpg dog.png
              bonn-run classify network.bonn *.jpg --top 1 --json
            """)

    @Argument(help: "A model file.")
    var model: String

    @Argument(help: ArgumentHelp("JPEG or PNG files.", valueName: "image"))
    var images: [String]

    @Option(help: ArgumentHelp("How many classes to list.", valueName: "k"))
    var top = 5

    @Flag(help: "List the logits too.")
    var logits = false

    @OptionGroup var options: SessionOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard top >= 1 else { throw ValidationError("--top: expected at least 1, found \(top)") }
    }

    func run() throws {
        let classifier = try ImageClassifier(path: model, kernels: options.kernelSet())
        var session = try options.session(classifier.model)
        if !json {
            try Terminal.line(
                "kernels \(session.kernels), \(Terminal.count(options.threads, "thread"))")
        }
        var results: [JSONValue] = []
        var isComplete = true
        for path in images {
            do {
                let input = try classifier.input(readImage(path: path), name: path)
                let logits = try session.run(input)
                if json {
                    results.append(report(path, logits, classifier))
                } else {
                    try show(path, logits, classifier)
                }
            } catch let error as ImageIOError {
                Terminal.complain(error.description)
                isComplete = false
            } catch let error as Failure {
                Terminal.complain(error.message)
                isComplete = false
            }
        }
        if json { try Terminal.json(JSONValue.array(results)) }
        if !isComplete { throw ExitCode.failure }
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

    private func show(
        _ path: String, _ logits: [Float], _ classifier: ImageClassifier
    ) throws(OutputLost) {
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
