public import BONNModelFormat
import Foundation

/// What a measurement needs beside its numbers to be believed.
public struct Machine: Sendable {
    /// The processor's own name.
    public let processor = Self.processorName()
    /// The day, in UTC, as in 2026-01-31.
    public let date = Date.now.formatted(.iso8601.year().month().day())
    /// The state of the sources, from the environment variable `BONN_COMMIT`: a program does not
    /// know what it was built from.
    public let commit = ProcessInfo.processInfo.environment["BONN_COMMIT"]

    /// This machine, today.
    public init() {}

    /// For a program.
    public var json: [JSONMember] {
        [
            JSONMember("processor", .string(processor)), JSONMember("date", .string(date)),
            JSONMember("commit", commit.map(JSONValue.string) ?? .null),
        ]
    }

    private static func processorName() -> String {
        #if canImport(Darwin)
            var length = 0
            guard sysctlbyname("machdep.cpu.brand_string", nil, &length, nil, 0) == 0 else {
                return "unknown"
            }
            var bytes = [UInt8](repeating: 0, count: length)
            sysctlbyname("machdep.cpu.brand_string", &bytes, &length, nil, 0)
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        #else
            let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
            var fields: [String: String] = [:]
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
                if parts.count == 2, fields[parts[0]] == nil { fields[parts[0]] = parts[1] }
            }
            // Names such as "AMD EPYC" leave the generation open; family and model do not.
            if let name = fields["model name"] {
                guard let family = fields["cpu family"], let model = fields["model"] else {
                    return name
                }
                return "\(name) (family \(family), model \(model))"
            }
            if let implementer = fields["CPU implementer"], let part = fields["CPU part"] {
                return "Arm implementer \(implementer), part \(part)"
            }
            return "unknown"
        #endif
    }
}
