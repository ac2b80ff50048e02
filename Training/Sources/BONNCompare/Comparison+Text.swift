import BONNTrainer
import Foundation

// The table as files: JSON holds all of it, CSV a line a recipe, Markdown what a person compares.

extension Comparison {
    /// The value as JSON, with sorted keys in snake case.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(Document(comparison: self)), as: UTF8.self)
            + "\n"
    }

    /// The value, and beside it what follows from it, for programs that only read.
    private struct Document: Encodable {
        let comparison: Comparison

        private enum Fields: String, CodingKey { case rows, differingKeys }

        func encode(to encoder: any Encoder) throws {
            try comparison.encode(to: encoder)
            var fields = encoder.container(keyedBy: Fields.self)
            try fields.encode(comparison.rows.map(Row.init), forKey: .rows)
            try fields.encode(comparison.differingKeys, forKey: .differingKeys)
        }

        private struct Row: Encodable {
            let row: ComparisonRow

            private enum Fields: String, CodingKey { case summary }

            func encode(to encoder: any Encoder) throws {
                try row.encode(to: encoder)
                var fields = encoder.container(keyedBy: Fields.self)
                try fields.encode(Summary(row), forKey: .summary)
            }
        }

        private struct Summary: Encodable {
            let top1, lastThree, best, minutes: Spread?
            let megabits, operations, imagesPerSecond: Double?
            let remarks: [String]

            init(_ row: ComparisonRow) {
                (top1, lastThree, best) = (row.final, row.lastThree, row.best)
                minutes = row.minutes
                megabits = row.cost?.megabits
                operations = row.cost?.operations
                imagesPerSecond = row.imagesPerSecond
                remarks = row.remarks
            }
        }
    }

    /// Reads JSON that `json` wrote.
    ///
    /// - Throws: What decoding throws; `CompareError` for a version that is not known.
    public init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let data = Data(json.utf8)
        let stated = try decoder.decode(Version.self, from: data).version
        guard stated == Self.version else {
            throw CompareError(
                .format, "a comparison of version \(stated), expected \(Self.version)")
        }
        self = try decoder.decode(Comparison.self, from: data)
    }

    private struct Version: Decodable { let version: Int }

    /// The columns of the CSV in front of those of settings.
    static let columns = [
        "recipe", "baseline", "method", "bits", "network", "data", "epochs", "seeds", "finished",
        "top1_mean", "top1_deviation", "last3_mean", "last3_deviation", "best_mean",
        "best_deviation", "best_epochs", "binary_parameters", "real_parameters", "megabits",
        "binary_macs", "real_macs", "ops", "images_per_second", "threads", "minutes",
        "runtime_ms", "model_bytes", "reported_top1", "reported_network", "reported_images",
        "reported_source", "remarks",
    ]

    /// A line a recipe: what was measured, and every key of every recipe. Shares are from 0 to 1, numbers have as
    /// many digits as bring back the same bits.
    public var csv: String {
        var keys: [String] = []
        for key in rows.flatMap({ $0.settings.map(\.key) }) where !keys.contains(key) {
            keys.append(key)
        }
        let lines =
            [Self.columns + keys]
            + rows.map { row in
                row.fields + keys.map { row.setting($0)?.value ?? "" }
            }
        return lines.map { $0.map(Self.field).joined(separator: ",") }.joined(separator: "\n")
            + "\n"
    }

    /// A field of a CSV file (RFC 4180): in quotes where it holds a comma, a quote or a line break.
    private static func field(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r\r\n".contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}

extension ComparisonRow {
    /// In the order of `Comparison.columns`.
    fileprivate var fields: [String] {
        func text(_ value: (some CustomStringConvertible)?) -> String {
            value.map { "\($0)" } ?? ""
        }
        let spreads = [final, lastThree, best].flatMap { [text($0?.mean), text($0?.deviation)] }
        let threads = Set(runs.compactMap(\.threads)).sorted()
        var fields = [name, "\(isBaseline)", method, bits, network, data ?? "", text(epochs)]
        fields += [
            runs.map { "\($0.seed)" }.joined(separator: " "), "\(finished.count)",
        ]
        fields += spreads
        fields += [
            finished.compactMap(\.bestEpoch).map(String.init).joined(separator: " "),
            text(cost?.binaryParameters), text(cost?.realParameters), text(cost?.megabits),
            text(cost?.binaryMacs), text(cost?.realMacs), text(cost?.operations),
        ]
        fields += [
            text(imagesPerSecond), threads.map(String.init).joined(separator: " "),
            text(minutes?.mean), text(deployment?.milliseconds), text(deployment?.bytes),
        ]
        fields += [
            text(reported?.top1), reported?.network ?? "", reported?.images ?? "",
            reported?.source ?? "", (remarks + notes).joined(separator: "; "),
        ]
        return fields
    }

    /// Why there is no model file.
    var notes: [String] { deployment?.reason.map { [$0] } ?? [] }
}

/// A number with a fixed number of decimals.
func decimals(_ value: Double, _ places: Int) -> String {
    MetricsTable.decimal(value, places: places)
}
