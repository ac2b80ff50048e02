import BONNMethods
import Foundation
import Testing

@testable import BONNConfiguration
@testable import BONNTrainer

/// No message names a key that does not exist.
@Suite struct KeyNamesTests {
    /// Those of all methods.
    private static let keys = Methods.names.flatMap { name in
        var configuration = TrainingConfiguration()
        configuration.model.method.name = name
        return configuration.keys
    }
    private static let paths = Set(keys.map(\.path))
    private static let sections = Set(keys.map { $0.path.prefix { $0 != "." } })

    @Test func `every part of a configuration has a key, by which messages name it`() {
        let configuration = TrainingConfiguration()
        // Stages are lists of keys themselves.
        for section in Mirror(reflecting: configuration).children where section.label != "stages" {
            let name = section.label ?? ""
            let parts = Self.parts(of: section.value)
            let keys = configuration.keys.count { $0.path.hasPrefix(name + ".") }
            #expect(parts > 0 && keys == parts, "\(name): \(parts) parts, \(keys) keys")
        }
        let stored = configuration.keys.filter { $0.storage != nil }
        #expect(stored.count == configuration.keys.count - BONN.keys.count)
        for key in stored {
            #expect(key.storage.map(configuration.path(of:)) == key.path)
        }
    }

    /// How many values a section stores, those of its parts that have keys of their own taken apart.
    private static func parts(of section: Any) -> Int {
        Mirror(reflecting: section).children.reduce(0) { count, child in
            switch child.value {
            case let settings as [any ObjectiveSettings] where !settings.isEmpty:
                count + settings.reduce(0) { $0 + parts(of: $1) }
            case let settings as ClassificationSettings: count + parts(of: settings)
            // A section of its own.
            case is MethodConfiguration: count
            default: count + 1
            }
        }
    }

    @Test func `every key in a text of the sources is one that exists`() throws {
        // A text that is nothing but a former path states it beside its key.
        let formers = Set(Self.keys.compactMap(\.formerPath))
        let pattern = try Regex("\\b(" + Self.sections.joined(separator: "|") + ")\\.[A-Za-z0-9_]+")
        var found = 0
        for (file, text) in try Self.texts() where !formers.contains(text) {
            for match in text.matches(of: pattern) {
                let name = String(text[match.range])
                found += 1
                #expect(Self.paths.contains(name), "\(file): \(name) is no key")
            }
        }
        #expect(found >= 20, "found \(found) names of keys")
    }

    @Test func `a key that does not exist would be found`() {
        let source = #"""
            throw Error("resize (data.imageSize)" + "\(data.path), \(f("model.nothing"))")
            // "run.comment"
            let x = """
                run.inLines \(run.code)
                """
            """#
        let all = Self.literals(in: source).joined(separator: "|")
        #expect(all.contains("data.imageSize") && all.contains("model.nothing"))
        #expect(!all.contains("data.path") && !all.contains("run.comment"))
        #expect(!all.contains("run.code"))
    }

    /// The texts in quotation marks of the sources that know of recipes.
    private static func texts() throws -> [(file: String, text: String)] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources").standardized
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
            .filter { $0.hasSuffix(".swift") }
        return try names.flatMap { name in
            let source = try String(contentsOfFile: root.path + "/" + name, encoding: .utf8)
            return literals(in: source).map { (name, $0) }
        }
    }

    /// What of a Swift source stands in quotation marks, without interpolated code but with the texts in
    /// it.
    private static func literals(in source: String) -> [String] {
        var scanner = LiteralScanner(Array(source))
        scanner.scanCode(until: nil)
        return scanner.literals
    }
}

/// Finds string literals; knows comments, raw strings, several lines and interpolation.
private struct LiteralScanner {
    private let source: [Character]
    private var index = 0
    private(set) var literals: [String] = []

    init(_ source: [Character]) { self.source = source }

    mutating func scanCode(until end: Character?) {
        var depth = 0
        while index < source.count {
            if has("//") {
                while index < source.count, source[index] != "\n" { index += 1 }
            } else if source[index] == "\"" || source[index] == "#" {
                scanLiteral()
            } else {
                if let end, source[index] == end, depth == 0 { return }
                if source[index] == "(" { depth += 1 }
                if source[index] == ")" { depth -= 1 }
                index += 1
            }
        }
    }

    private mutating func scanLiteral() {
        let start = index
        while index < source.count, source[index] == "#" { index += 1 }
        let hashes = String(repeating: "#", count: index - start)
        guard index < source.count, source[index] == "\"" else {
            index = max(index, start + 1)
            return
        }
        let quotes = has("\"\"\"") ? "\"\"\"" : "\""
        index += quotes.count
        var text = ""
        while index < source.count, !has(quotes + hashes) {
            if has("\\" + hashes + "(") {
                index += 2 + hashes.count
                scanCode(until: ")")
                index += 1
            } else if hashes.isEmpty, source[index] == "\\" {
                index += 2
            } else {
                text.append(source[index])
                index += 1
            }
        }
        index += quotes.count + hashes.count
        literals.append(text)
    }

    private func has(_ text: String) -> Bool {
        source[index] == text.first && source[index...].starts(with: text)
    }
}
