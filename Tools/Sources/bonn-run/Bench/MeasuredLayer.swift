import BONNModelFormat
import BONNTerminal

/// A layer and how long it took, run by run.
struct MeasuredLayer {
    let name: String
    let operation: String
    let binaryMACs: Int
    let realMACs: Int
    /// One duration per run, in the order of the runs.
    let milliseconds: [Double]

    /// The median duration.
    var median: Double { Durations(milliseconds: milliseconds).median }

    /// Whether it multiplies and accumulates; the others are the glue between those that do.
    var isArithmetic: Bool { binaryMACs + realMACs > 0 }

    /// 10^9 multiply-accumulates per second in the median run; nil for glue.
    var rate: Double? {
        isArithmetic && median > 0 ? Double(binaryMACs + realMACs) / median / 1e6 : nil
    }

    /// The layer for a program.
    func json(_ speed: CoreSpeed) -> JSONValue {
        .object(
            [JSONMember("name", .string(name)), JSONMember("operation", .string(operation))]
                + Durations(milliseconds: milliseconds).json
                + [
                    JSONMember("binary_macs", .int(binaryMACs)), JSONMember("macs", .int(realMACs)),
                    JSONMember("gmac_per_s", .optional(rate)),
                    JSONMember("binary_macs_per_cycle", .optional(speed.perCycle(self))),
                    JSONMember("ceiling_share", .optional(speed.ceilingShare(self))),
                ])
    }

    /// The layer as a row of a table; rates are those of the median run.
    ///
    /// - Parameter total: milliseconds of all layers together.
    func row(_ speed: CoreSpeed, of total: Double) -> [String] {
        [
            name, operation, Terminal.fixed(median, 4),
            total > 0 ? Terminal.fixed(100 * median / total, 1) : "",
            rate.map { Terminal.fixed($0, 2) } ?? "",
            speed.perCycle(self).map { Terminal.fixed($0, 1) } ?? "",
            speed.ceilingShare(self).map { Terminal.fixed(100 * $0, 1) } ?? "",
            binaryMACs > 0 ? "\(binaryMACs)" : "", realMACs > 0 ? "\(realMACs)" : "",
        ]
    }

    /// The titles of `row`.
    static let titles = [
        "layer", "operation", "ms", "% of time", "GMAC/s", "binary MAC/cycle", "% of ceiling",
        "binary MACs", "real MACs",
    ]
}

/// What turns durations into multiply-accumulates per cycle of one core.
struct CoreSpeed {
    /// Cycles per nanosecond while the layers ran; nil where the clock cannot be measured.
    let gigahertz: Double?
    /// Cores that shared the work.
    let threads: Int
    /// The name of the kernel set.
    let kernels: String

    /// Binary multiply-accumulates per cycle and core; nil for other layers.
    func perCycle(_ layer: MeasuredLayer) -> Double? {
        guard let gigahertz, layer.binaryMACs > 0, layer.median > 0 else { return nil }
        let cycles = layer.median * 1e6 * gigahertz * Double(threads)
        return Double(layer.binaryMACs) / cycles
    }

    /// The same as a share of what the kernel set can do at most.
    func ceilingShare(_ layer: MeasuredLayer) -> Double? {
        guard let rate = perCycle(layer),
            let ceiling = KernelCeiling.binaryMACsPerCycle(kernels)
        else { return nil }
        return rate / ceiling
    }
}
