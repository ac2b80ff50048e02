import ArgumentParser
import BONNMethods

/// Where and in what numbers a run computes, and `--set` for all keys of a recipe that have no option of their own.
struct SettingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("cpu, cuda, cuda:N or mps.", valueName: "device"))
    var device: String?

    @Option(help: ArgumentHelp("Threads of LibTorch; 0: one per core.", valueName: "n"))
    var threads: String?

    @Option(
        help: ArgumentHelp(
            "\(Precision.allCases.map(\.rawValue).joined(separator: " or ")): what gradients are multiplied in.",
            valueName: "precision"))
    var gradientPrecision: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Any key of a recipe; see 'bonn recipe' for all of them. May be repeated.",
            valueName: "section.key=value"))
    var assignments: [String] = []

    /// Named options that were given, those of here among them, and behind them what `--set` sets.
    func overrides(
        _ named: [(path: String, value: String?, option: String)]
    ) throws -> [(path: String, value: String, source: String)] {
        let own = [
            ("run.device", device, "--device"), ("run.threads", threads, "--threads"),
            ("optimizer.gradient_precision", gradientPrecision, "--gradient-precision"),
        ]
        let given = (named + own).compactMap { path, value, option in
            value.map { (path: path, value: $0, source: "\(option) \($0)") }
        }
        let set = try assignments.map { text in
            guard let equals = text.firstIndex(of: "=") else {
                throw ValidationError("--set \(text): expected section.key=value")
            }
            return (
                path: String(text[..<equals]), value: String(text[text.index(after: equals)...]),
                source: "--set \(text)"
            )
        }
        return given + set
    }
}
