import ArgumentParser
import BONNModelFormat
import BONNRuntime

/// `bonn-run bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of a model, of a published network or of single layers.",
        discussion: """
            Weights of --network and --layer and all inputs are random, drawn from a fixed seed. \
            Times are of a whole batch, after three runs that do not count; multiply-accumulates \
            are those of the batch too. In the JSON, layers is empty without --layers or --layer.

            Examples:
              bonn-run bench network.bonn --threads 2 --layers
              bonn-run bench --network resnet18 --runs 50 --json
              bonn-run bench --layer 64x56x56 --layer 256x14x14 --kernels scalar
            """)

    @Argument(help: "A model file.")
    var model: String?

    @Option(
        help: ArgumentHelp(
            "A network with random weights: "
                + BenchmarkNetwork.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "name"))
    var network: String?

    @Option(
        help: ArgumentHelp(
            "A 3x3 binary convolution of stride 1, CxHxW or CxHxWxK; may be repeated.",
            valueName: "shape"))
    var layer: [String] = []

    @Option(
        help: ArgumentHelp(
            "Side of the images of --network; its published one unless given.", valueName: "size"))
    var input: Int?

    @Option(help: ArgumentHelp("Images per run.", valueName: "n"))
    var batch = 1

    @Option(help: ArgumentHelp("Runs that count.", valueName: "n"))
    var runs = 30

    @Flag(help: "Measure every layer too, in as many runs.")
    var layers = false

    @OptionGroup var options: SessionOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        let subjects = [model != nil, network != nil, !layer.isEmpty].filter { $0 }.count
        guard subjects == 1 else {
            throw ValidationError("expected one of: a model file, --network, --layer")
        }
        guard input == nil || network != nil else {
            throw ValidationError("--input: only for --network; a model has its own input size")
        }
        guard runs >= 1 else {
            throw ValidationError("--runs: expected at least 1, found \(runs)")
        }
    }

    func run() throws {
        if layer.isEmpty {
            let model = try subject()
            var measurement = Measurement(
                try options.session(model, batch: batch), runs: runs)
            let total = try measurement.total()
            try report(total, layers ? measurement.layers() : [])
        } else {
            let measured = try measureLayers()
            // Run i of all layers together: what a network of nothing but them would take.
            let sums = (0..<runs).map { run in
                measured.reduce(0) { $0 + $1.milliseconds[run] }
            }
            try report(Durations(milliseconds: sums), measured)
        }
    }

    /// The model file, or the network with random weights.
    private func subject() throws -> Model {
        if let model { return try Model(path: model) }
        let name = network ?? ""
        guard let network = BenchmarkNetwork(rawValue: name) else {
            throw ValidationError(
                Choices.message(
                    "--network", found: name,
                    valid: BenchmarkNetwork.allCases.map(\.rawValue)))
        }
        let side = input ?? network.defaultSide
        let sides = network.smallestSide...BenchmarkNetwork.largestSide
        guard sides.contains(side), side.isMultiple(of: network.sideMultiple) else {
            let multiple =
                network.sideMultiple > 1 ? "a multiple of \(network.sideMultiple) " : ""
            throw ValidationError(
                "--input: \(name) takes \(multiple)from \(sides.lowerBound) to "
                    + "\(sides.upperBound), found \(side)")
        }
        return try network.model(side: side)
    }

    private func measureLayers() throws -> [MeasuredLayer] {
        let shapes = try layer.map { text in
            guard let shape = LayerShape(text) else {
                throw ValidationError(
                    "--layer: expected CxHxW or CxHxWxK such as 64x56x56 or 128x28x28x256, "
                        + "found '\(text)'")
            }
            return shape
        }
        return try shapes.flatMap { shape in
            var measurement = Measurement(
                try options.session(try shape.model(), batch: batch), runs: runs)
            return try measurement.layers().filter { $0.binaryMACs > 0 }
        }
    }

    private func report(_ total: Durations, _ layers: [MeasuredLayer]) throws {
        let kernels = try options.kernelSet().name
        if json {
            let setting: [JSONMember] = [
                JSONMember("kernels", .string(kernels)),
                JSONMember("threads", .int(options.threads)), JSONMember("batch", .int(batch)),
                JSONMember("runs", .int(runs)),
            ]
            let measured = [JSONMember("layers", .array(layers.map(\.json)))]
            Output.line(JSONValue.object(setting + total.json + measured).text)
            return
        }
        Output.line(
            "kernels \(kernels), \(Output.count(options.threads, "thread")), "
                + "batch \(batch), \(Output.count(runs, "run"))")
        Output.line(
            "median \(Output.fixed(total.median, 3)) ms, min \(Output.fixed(total.minimum, 3)) ms, "
                + "p95 \(Output.fixed(total.p95, 3)) ms per run")
        guard !layers.isEmpty else { return }
        Output.line("")
        Output.table([MeasuredLayer.titles] + layers.map(\.row), left: [0, 1])
    }
}
