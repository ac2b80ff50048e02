import ArgumentParser
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTerminal
import Foundation

/// `bonn-run bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of a model, of a published network or of single layers.",
        discussion: """
            Weights of --network and --layer and all inputs are random, drawn from a fixed seed. \
            Times are of a whole batch, after three runs that do not count; multiply-accumulates \
            are those of the batch too, their rate per cycle that of one core. The clock is \
            measured between the runs. The peak of the memory is known for model files only; \
            --save makes one of a --network or a --block. In the JSON, layers is empty without --layers or \
            --layer. The environment variable BONN_COMMIT, if set, is reported as the commit.

            Examples:
              bonn-run bench network.bonn --threads 2 --layers
              bonn-run bench --network resnet18 --runs 50 --json
              bonn-run bench --layer 64x56x56 --layer 256x14x14@1 --kernels scalar
              bonn-run bench --block 64x56x56 --save blocks.bonn
            """)

    @Argument(help: "A model file.", completion: .file())
    var model: String?

    @Option(
        help: ArgumentHelp(
            "A network with random weights: "
                + BenchmarkNetwork.all.map(\.name).joined(separator: ", ") + ".",
            valueName: "name"))
    var network: String?

    @Option(
        help: ArgumentHelp(
            "A 3x3 binary convolution of stride 1 from bits to integer sums, CxHxW or CxHxWxK, or "
                + "NxN with @N behind it; may be repeated.", valueName: "shape"))
    var layer: [String] = []

    @Option(
        help: ArgumentHelp(
            "A network of \(Self.blocks) binary layers as they stand in networks: each with a sign in front, and a "
                + "scale, a shortcut and a PReLU behind; CxHxW, with @N for NxN.",
            valueName: "shape"))
    var block: String?

    @Option(
        help: ArgumentHelp(
            "Side of the images of --network; its published one unless given.", valueName: "size"))
    var input: Int?

    @Option(
        help: ArgumentHelp(
            "Write the --network or the --block as a model file too.", valueName: "path"))
    var save: String?

    @Option(help: ArgumentHelp("Images per run.", valueName: "n"))
    var batch = 1

    @Option(help: ArgumentHelp("Runs that count.", valueName: "n"))
    var runs = 30

    @Flag(help: "Measure every layer too, in as many runs.")
    var layers = false

    /// How many layers a network of blocks has.
    private static let blocks = 16

    @OptionGroup var options: SessionOptions
    @OptionGroup var limits: LimitOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        let subjects = [model != nil, network != nil, block != nil, !layer.isEmpty]
        guard subjects.count(where: { $0 }) == 1 else {
            throw ValidationError("expected one of: a model file, --network, --block, --layer")
        }
        guard input == nil || network != nil else {
            throw ValidationError("--input: only for --network; a model has its own input size")
        }
        guard save == nil || network != nil || block != nil else {
            throw ValidationError("--save: only for --network and --block")
        }
        guard runs >= 1 else {
            throw ValidationError("--runs: expected at least 1, found \(runs)")
        }
    }

    func run() throws {
        let report = try layer.isEmpty ? measureNetwork() : measureLayers()
        if json {
            try Terminal.json(report.json)
        } else {
            try report.show()
        }
    }

    private func measureNetwork() throws -> BenchReport {
        let subject = try subject()
        var measurement = Measurement(
            try options.session(subject.model, batch: batch), runs: runs)
        try measurement.warmUp()
        let peak = ProcessMemory.resident()?.peak
        let (total, layers) = try measurement.measure(layers: layers)
        return try report(
            BenchReport.Network(
                name: subject.name, loadMilliseconds: subject.loadMilliseconds,
                fileBytes: subject.fileBytes, arenaBytes: measurement.arenaBytes,
                peakBytes: subject.residentBefore == nil ? nil : peak,
                grownBytes: subject.residentBefore.flatMap { before in peak.map { $0 - before } }),
            total, layers, gigahertz: measurement.gigahertz)
    }

    /// The model file, or the network with random weights.
    private func subject() throws -> BenchSubject {
        if let model {
            return try BenchSubject(
                path: model, kernels: options.kernelSet(), limits: limits.limits(batch: batch))
        }
        let (name, file) = try block.map(Self.blocks) ?? publishedNetwork()
        if let save {
            do {
                try Data(file.serialized()).write(to: URL(fileURLWithPath: save))
            } catch let error as CocoaError {
                throw Failure("\(save): cannot be written: \(error.localizedDescription)")
            }
        }
        return try BenchSubject(name: name, file, kernels: options.kernelSet())
    }

    private static func blocks(_ text: String) throws -> (name: String, file: ModelFile) {
        guard let file = LayerShape(text)?.blocks(blocks) else {
            throw ValidationError(
                "--block: expected CxHxW such as 64x56x56, with @N behind it for an NxN kernel (N odd), "
                    + "found '\(text)'")
        }
        return ("\(blocks) blocks of \(text)", file)
    }

    private func publishedNetwork() throws -> (name: String, file: ModelFile) {
        let name = network ?? ""
        guard let network = BenchmarkNetwork(named: name) else {
            throw ValidationError(
                Choices.message(
                    "--network", found: name,
                    valid: BenchmarkNetwork.all.map(\.name)))
        }
        let side = input ?? network.defaultSide
        let sides = network.entry.smallestSide...BenchmarkNetwork.largestSide
        guard sides.contains(side) else {
            throw ValidationError(
                "--input: \(name) takes from \(sides.lowerBound) to \(sides.upperBound), found \(side)"
            )
        }
        return (name, try network.file(side: side))
    }

    private func measureLayers() throws -> BenchReport {
        let shapes = try layer.map { text in
            guard let shape = LayerShape(text) else {
                throw ValidationError(
                    "--layer: expected CxHxW or CxHxWxK such as 64x56x56 or 128x28x28x256, with "
                        + "@N behind it for an NxN kernel (N odd), found '\(text)'")
            }
            return shape
        }
        var measured: [MeasuredLayer] = []
        var clocks: [Double] = []
        for shape in shapes {
            var measurement = Measurement(
                try options.session(
                    try Model(shape.file(), kernels: options.kernelSet(), limits: .unlimited),
                    batch: batch),
                runs: runs)
            try measurement.warmUp()
            measured += try measurement.measure(total: false, layers: true).layers
                .filter(\.isArithmetic)
            if let gigahertz = measurement.gigahertz { clocks.append(gigahertz) }
        }
        // Run i of all layers together: what a network of nothing but them would take.
        let sums = (0..<runs).map { run in measured.reduce(0) { $0 + $1.milliseconds[run] } }
        return try report(
            nil, sums, measured,
            gigahertz: clocks.isEmpty ? nil : clocks.reduce(0, +) / Double(clocks.count))
    }

    private func report(
        _ network: BenchReport.Network?, _ total: [Double], _ layers: [MeasuredLayer],
        gigahertz: Double?
    ) throws -> BenchReport {
        let speed = CoreSpeed(
            gigahertz: gigahertz, threads: options.threads,
            kernels: try options.kernelSet().name)
        return BenchReport(
            network: network, batch: batch, runs: runs, speed: speed,
            total: Durations(milliseconds: total), layers: layers)
    }
}
