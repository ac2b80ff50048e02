import BONNData
import BONNModelFormat
import BONNRuntime
import BONNTerminal

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

/// A model, its session and an input, ready to be timed.
struct Measurement: ~Copyable {
    private var session: InferenceSession
    private let input: [Float]
    private let runs: Int
    private var clocks: [Double] = []

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

    /// The median of the frequencies between the runs so far, in cycles per nanosecond.
    var gigahertz: Double? {
        clocks.isEmpty ? nil : Durations(milliseconds: clocks).median
    }

    /// Bytes that the session needs besides the model.
    var arenaBytes: Int { session.memoryBytes }

    /// Runs that do not count.
    mutating func warmUp() throws {
        for _ in 0..<Self.warmUps { _ = try session.run(input) }
    }

    /// The durations of whole runs and, if asked for, of every layer in the order of execution.
    ///
    /// Whole and layered runs take turns, so that both meet the same machine; the clock is
    /// measured between any two of them.
    mutating func measure(
        total wantsTotal: Bool = true, layers wantsLayers: Bool
    ) throws -> (total: [Double], layers: [MeasuredLayer]) {
        let clock = ContinuousClock()
        var total: [Double] = []
        var profiles: [[LayerTiming]] = []
        for _ in 0..<runs {
            if wantsTotal {
                let start = clock.now
                _ = try session.run(input)
                total.append((clock.now - start) / .milliseconds(1))
                recordClock()
            }
            if wantsLayers {
                profiles.append(try session.profile(input, runs: 1))
                recordClock()
            }
        }
        let layers = (profiles.first ?? []).enumerated().map { index, layer in
            MeasuredLayer(
                name: layer.name.text, operation: layer.operation, binaryMACs: layer.binaryMACs,
                realMACs: layer.realMACs,
                milliseconds: profiles.map { Double($0[index].nanoseconds) / 1e6 })
        }
        return (total, layers)
    }

    private mutating func recordClock() {
        if let gigahertz = ProcessorClock.gigahertz() { clocks.append(gigahertz) }
    }
}
