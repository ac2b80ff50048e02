import BONNModelFormat
import BONNTerminal

/// The result of `bonn-run bench`, for a person or for a program.
struct BenchReport {
    /// The network or the model file; nil for single layers.
    struct Network {
        let name: String
        let loadMilliseconds: Double
        let fileBytes: Int
        let arenaBytes: Int
        /// Resident memory at the peak, and what of it came with the model and its session.
        let peakBytes: Int?
        let grownBytes: Int?
    }

    let machine = Machine()
    let network: Network?
    let batch: Int
    let runs: Int
    let speed: CoreSpeed
    let total: Durations
    let layers: [MeasuredLayer]

    /// Milliseconds of all layers together.
    private var layered: Double { layers.reduce(0) { $0 + $1.median } }

    /// Milliseconds of the layers that neither multiply nor accumulate; nil without layers.
    private var glue: Double? {
        guard network != nil, layered > 0 else { return nil }
        return layers.reduce(0) { $0 + ($1.isArithmetic ? 0 : $1.median) }
    }

    /// What a run takes beyond its layers: bringing the input into place, reading the logits,
    /// calling one layer after the other. Nil without layers.
    private var remainder: Double? { glue.map { _ in max(0, total.median - layered) } }

    /// For a program: the keys that scripts rely on.
    var json: JSONValue {
        var members = [
            JSONMember("kernels", .string(speed.kernels)),
            JSONMember("threads", .int(speed.threads)), JSONMember("batch", .int(batch)),
            JSONMember("runs", .int(runs)),
        ]
        members += total.json + machine.json
        members.append(JSONMember("clock_ghz", .optional(speed.gigahertz)))
        if let network {
            members += [
                JSONMember("network", .string(network.name)),
                JSONMember("load_ms", .real(network.loadMilliseconds)),
                JSONMember("model_bytes", .int(network.fileBytes)),
                JSONMember("arena_bytes", .int(network.arenaBytes)),
                JSONMember("peak_memory_bytes", network.peakBytes.map(JSONValue.int) ?? .null),
                JSONMember("grown_memory_bytes", network.grownBytes.map(JSONValue.int) ?? .null),
                JSONMember("glue_ms", .optional(glue)),
                JSONMember("glue_share", .optional(glue.map { $0 / layered })),
                JSONMember("remainder_ms", .optional(remainder)),
            ]
        }
        members.append(JSONMember("layers", .array(layers.map { $0.json(speed) })))
        return .object(members)
    }

    /// For a person.
    func show() throws(OutputLost) {
        try Terminal.table(rows, left: [0, 1])
        guard !layers.isEmpty else { return }
        try Terminal.line("")
        try Terminal.table(
            [MeasuredLayer.titles] + layers.map { $0.row(speed, of: layered) }, left: [0, 1])
    }

    private var rows: [[String]] {
        let clock = speed.gigahertz.map { ", \(Terminal.fixed($0, 2)) GHz while measuring" } ?? ""
        let commit = machine.commit.map { ", commit \($0)" } ?? ""
        var rows = [
            ["processor", machine.processor + clock],
            [
                "setting",
                "kernels \(speed.kernels), \(Terminal.count(speed.threads, "thread")), "
                    + "batch \(batch), \(Terminal.count(runs, "run")), \(machine.date)\(commit)",
            ],
        ]
        if let network {
            rows += [
                ["network", network.name],
                [
                    "load",
                    "\(Terminal.fixed(network.loadMilliseconds, 1)) ms for "
                        + Terminal.megabytes(network.fileBytes),
                ], ["memory", memory(network)],
            ]
        }
        rows.append([
            "time",
            "median \(Terminal.fixed(total.median, 3)) ms, min \(Terminal.fixed(total.minimum, 3)) ms, "
                + "p95 \(Terminal.fixed(total.p95, 3)) ms per run",
        ])
        if let glue, let remainder {
            rows.append([
                "glue",
                "\(Terminal.fixed(glue, 3)) ms, \(Terminal.percent(glue / layered)), in layers "
                    + "without multiply-accumulates; \(Terminal.fixed(remainder, 3)) ms between "
                    + "layers",
            ])
        }
        return rows
    }

    private func memory(_ network: Network) -> String {
        let arena = "\(Terminal.megabytes(network.arenaBytes)) arena"
        guard let peak = network.peakBytes, let grown = network.grownBytes else { return arena }
        return arena + ", \(Terminal.megabytes(grown)) with the model at the peak, "
            + "\(Terminal.megabytes(peak)) the whole process"
    }
}
