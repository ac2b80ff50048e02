import BONNTerminal

extension Comparison {
    /// The table for people, with the settings that differ and what is to be said of runs.
    public var markdown: String {
        var lines = ["# Comparison", "", heading, ""]
        lines += MarkdownTable.lines(
            mainHeader, rows.map(mainCells), right: Set(4..<mainHeader.count))
        lines += ["", "![top-1 over time](\(Self.chartFile))", ""]
        lines += explanations
        lines += settingsSection
        let remarks = rows.flatMap { row in
            (row.remarks + row.notes).map {
                "- \(MarkdownTable.escaped(row.name)): \(MarkdownTable.escaped($0))"
            }
        }
        if !remarks.isEmpty { lines += ["", "## Remarks", ""] + remarks }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The name of the chart beside the table.
    static let chartFile = "compare.svg"

    private var heading: String {
        var parts: [String] = []
        if let budget { parts.append(budget.text) }
        parts.append("seeds " + seeds.map(String.init).joined(separator: ", "))
        if let data = single(rows.compactMap(\.data)) { parts.append(data) }
        if let network = single(rows.filter { !$0.isBaseline }.map(\.network)) {
            parts.append(network)
        }
        let speed = single(rows.flatMap { $0.runs.compactMap(\.threads) })
            .map { "trained with \($0) \($0 == 1 ? "thread" : "threads")" }
        parts += [speed, processor].compactMap(\.self)
        return MarkdownTable.escaped(parts.joined(separator: "; ")) + "."
    }

    /// The only value that there is; nil where there are others, or none.
    private func single<Value: Hashable>(_ values: [Value]) -> Value? {
        Set(values).count == 1 ? values.first : nil
    }

    private var mainHeader: [String] {
        [
            "recipe", "method", "W/A", "network", "epochs", "top-1 %", "last 3 %", "best %",
            "epoch", "paper %", "parameters", "Mbit", "BOPs", "FLOPs", "OPs", "img/s", "min",
            "ms", "bytes",
        ]
    }

    private func mainCells(_ row: ComparisonRow) -> [String] {
        func number(_ value: Int?) -> String { value.map(Self.engineering) ?? "" }
        let bestEpochs = row.finished.compactMap(\.bestEpoch).map(String.init)
        let top1 =
            row.final.map(Self.spread)
            ?? (row.failure != nil || row.runs.contains { $0.status == .failed }
                ? "failed" : "unfinished")
        let isPartial = row.final != nil && !row.isFinished
        let runtime =
            row.deployment.map { $0.milliseconds.map { decimals($0, 3) } ?? "training only" } ?? ""
        return [
            row.name + (row.isBaseline ? " (baseline)" : ""), row.method, row.bits, row.network,
            row.epochs.map { "\($0)" } ?? "",
            top1 + (isPartial ? " (\(row.finished.count) of \(row.runs.count) seeds)" : ""),
            row.lastThree.map(Self.spread) ?? "", row.best.map(Self.spread) ?? "",
            bestEpochs.joined(separator: " "), row.reported?.text ?? "",
            number(row.cost?.parameters), row.cost.map { decimals($0.megabits, 3) } ?? "",
            number(row.cost?.binaryMacs), number(row.cost?.realMacs),
            number(row.cost.map { Int($0.operations.rounded()) }),
            row.imagesPerSecond.map { decimals($0, 0) } ?? "",
            row.minutes.map { decimals($0.mean, 1) } ?? "", runtime,
            row.deployment?.bytes.map { "\($0)" } ?? "",
        ]
    }

    private var explanations: [String] {
        var lines = [
            "Top-1 is of the last epoch, of the mean of the last three, and of the best one, "
                + "mean ± deviation over the seeds (n - 1). "
                + (rows.contains { $0.runs.contains(where: \.isOnValidation) }
                    ? "It is measured on the validation images where there are some."
                    : "The best epoch is chosen on the images that it is measured on."),
            "",
            "Mbit = 32 x real + 1 x binary parameters; BOPs and FLOPs are multiply-accumulates of one "
                + "image over bits and over real numbers; OPs = BOPs/64 + FLOPs. img/s are training "
                + "images, min the minutes of a run with its measurements; ms is the median of one image "
                + "in the runtime, with one thread.",
        ]
        if rows.contains(where: { $0.reported != nil }) {
            lines += [
                "",
                "Numbers of papers: of the row's own network and images; in brackets of others. "
                    + "S is read in the authors' paper or code, C in a table of others, M from memory.",
            ]
        }
        return lines
    }

    private var settingsSection: [String] {
        let keys = differingKeys
        guard !keys.isEmpty else { return [] }
        func name(_ key: String, _ value: String) -> String { "`\(key)` \(value)" }
        let common = keys.compactMap { key in commonValue(of: key).map { name(key, $0) } }
        let cells = rows.filter { !$0.isBaseline && !$0.settings.isEmpty }.map { row in
            let own = keys.compactMap { key -> String? in
                guard let setting = row.setting(key), setting.value != commonValue(of: key) else {
                    return nil
                }
                return name(key, setting.value)
            }
            return [row.name, own.isEmpty ? "as most" : own.joined(separator: "; ")]
        }
        return [
            "", "## Settings that differ", "", "Most have: " + common.joined(separator: "; ") + ".",
            "",
        ]
            + MarkdownTable.lines(["recipe", "otherwise"], cells, right: [])
    }

    // MARK: Cells

    /// mean ± deviation, in percent.
    static func spread(_ spread: Spread) -> String {
        percent(spread.mean) + (spread.deviation.map { " ± " + percent($0) } ?? "")
    }

    /// Three or four digits and a power of thousand: `271 k`, `1.68 G`.
    static func engineering(_ count: Int) -> String {
        let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")]
        for (unit, letter) in units where count >= unit {
            let value = Double(count) / Double(unit)
            return decimals(value, value < 10 ? 2 : value < 100 ? 1 : 0) + " \(letter)"
        }
        return "\(count)"
    }
}

extension ComparisonRow.Reported {
    /// `87.34 S`, and of another network or other images `(58.10 S, resnet18, ImageNet)`.
    var text: String {
        let number = "\(percent(top1)) \(source)"
        let remark = note.isEmpty ? "" : ", \(note)"
        return isSame ? number + remark : "(\(number), \(network), \(images)\(remark))"
    }
}
