import BONNData
import BONNModelFormat
import BONNRuntime

/// The durations of repeated runs, in milliseconds.
struct Durations {
    private let sorted: [Double]

    /// At least one duration, in any order.
    init(milliseconds: [Double]) { sorted = milliseconds.sorted() }

    /// The middle one, or the mean of the two in the middle.
    var median: Double {
        (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// The shortest.
    var minimum: Double { sorted[0] }

    /// The shortest one that at least 95 % do not exceed.
    var p95: Double { sorted[(sorted.count * 95 + 99) / 100 - 1] }

    /// The median, minimum and 95th percentile for a program.
    var json: [JSONMember] {
        [
            JSONMember("median_ms", .real(median)), JSONMember("min_ms", .real(minimum)),
            JSONMember("p95_ms", .real(p95)),
        ]
    }
}

/// A layer and how long it took, run by run.
struct MeasuredLayer {
    let name: String
    let operation: String
    let binaryMACs: Int
    let realMACs: Int
    /// One duration per run, in the order of the runs.
    let milliseconds: [Double]

    /// The layer for a program.
    var json: JSONValue {
        .object(
            [JSONMember("name", .string(name)), JSONMember("operation", .string(operation))]
                + Durations(milliseconds: milliseconds).json
                + [JSONMember("binary_macs", .int(binaryMACs)), JSONMember("macs", .int(realMACs))])
    }

    /// The layer as a row of a table; rates are those of the median run.
    var row: [String] {
        let median = Durations(milliseconds: milliseconds).median
        let macs = binaryMACs + realMACs
        let rate = macs > 0 && median > 0 ? Output.fixed(Double(macs) / median / 1e6, 2) : ""
        return [
            name, operation, Output.fixed(median, 4), binaryMACs > 0 ? "\(binaryMACs)" : "",
            realMACs > 0 ? "\(realMACs)" : "", rate,
        ]
    }

    /// The titles of `row`.
    static let titles = ["layer", "operation", "ms", "binary MACs", "real MACs", "GMAC/s"]
}

/// A model, its session and an input, ready to be timed.
struct Measurement: ~Copyable {
    private var session: InferenceSession
    private let input: [Float]
    private let runs: Int

    /// Runs before those that count: they fill caches and let the processor speed up.
    private static let warmUps = 3

    /// Draws an input for as many images as the session takes.
    init(_ session: consuming InferenceSession, runs: Int) {
        let count = session.batch * session.model.inputShape.count
        let isByte = session.model.inputElement == .byte
        var generator = SeededGenerator(seed: 2)
        input = (0..<count).map { _ in
            isByte ? Float(generator.integer(below: 256)) : Float(generator.uniform(-1, 1))
        }
        self.session = session
        self.runs = runs
    }

    /// The durations of whole runs.
    mutating func total() throws -> Durations {
        let clock = ContinuousClock()
        for _ in 0..<Self.warmUps { _ = try session.run(input) }
        var milliseconds: [Double] = []
        for _ in 0..<runs {
            let start = clock.now
            _ = try session.run(input)
            milliseconds.append((clock.now - start) / .milliseconds(1))
        }
        return Durations(milliseconds: milliseconds)
    }

    /// The durations of every layer, in the order of execution.
    mutating func layers() throws -> [MeasuredLayer] {
        _ = try session.profile(input, runs: Self.warmUps)
        var profiles: [[LayerTiming]] = []
        for _ in 0..<runs { profiles.append(try session.profile(input, runs: 1)) }
        return profiles[0].enumerated().map { index, layer in
            MeasuredLayer(
                name: layer.name, operation: layer.operation, binaryMACs: layer.binaryMACs,
                realMACs: layer.realMACs,
                milliseconds: profiles.map { Double($0[index].nanoseconds) / 1e6 })
        }
    }
}
