import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

#if os(Linux)
    private let isLinux = true
#else
    private let isLinux = false
#endif

/// A machine that refuses memory. What grows with the file, the weights or the values is allocated so that
/// it can be refused; of the small objects of the language itself that cannot be said.
@Suite(.enabled(if: isLinux, "needs Linux, where LD_PRELOAD can stand in front of the C library"))
struct AllocationTests {
    /// Bytes from which on an allocation counts as large.
    private static let large = 32_768

    /// Every kind of constant, and more weights than anything else.
    private static func network() -> ModelFile {
        var builder = ModelBuilder(seed: 21, input: Shape(32, 8, 8))
        let stem = builder.convolution(
            "input", outputs: 64, window: Window(3, padding: 1), weights: .bytes)
        let wide = builder.convolution(
            builder.quantize(stem), outputs: 64, window: Window(3, padding: 1), weights: .bytes)
        let depthwise = builder.convolution(
            wide, outputs: 64, window: Window(11, padding: 5), groups: 64)
        let bits = builder.threshold(depthwise)
        let sums = builder.binaryConvolution(
            bits, outputs: 512, window: Window(3, padding: 1), padding: .plusOne)
        let more = builder.prelu(builder.batchNorm(sums))
        let flat = builder.flatten(builder.threshold(more))
        let hidden = builder.binaryLinear(flat, outputs: 64, scale: .channel)
        let logits = builder.linear(hidden, outputs: 1_000)
        return builder.model(output: logits)
    }

    @Test
    func `whichever large allocation fails, loading and the first run say so and lose nothing`()
        throws
    {
        try withTemporaryFolder { folder in
            let library = folder.appending(path: "allocations.so")
            let source = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Faults/allocations.c")
            try Self.run(
                "/usr/bin/env", ["cc", "-shared", "-fPIC", "-O1", "-o", library.path, source.path])
            let model = folder.appending(path: "network.bonn")
            try Data(Self.network().serialized()).write(to: model)
            var number = 0
            while true {
                number += 1
                let lines = try Self.run(
                    Self.probe().path, [model.path, "\(32 * 8 * 8)"],
                    [
                        "LD_PRELOAD": library.path, "BONN_ALLOCATION": "\(number)",
                        "BONN_LARGE": "\(Self.large)",
                    ]
                ).split(separator: "\n").map(String.init)
                try #require(lines.count == 2, "allocation \(number): \(lines)")
                let counts = lines[1].split(separator: " ").compactMap { Int($0) }
                #expect(counts[1] == 0, "allocation \(number) failed: \(counts[1]) are still held")
                if counts[0] < number {
                    #expect(lines[0] == "ok")
                    break
                }
                #expect(lines[0] == "out_of_memory", "allocation \(number)")
            }
            // The file, the packed weights, tables and the arena at least.
            #expect(number > 8, "only \(number - 1) large allocations")
            print("\(number - 1) allocations of \(Self.large) bytes or more failed in turn")
        }
    }

    /// The program beside the tests.
    private static func probe() throws -> URL {
        let bundles = CommandLine.arguments.filter { $0.contains(".xctest") }
        var folder = URL(filePath: try #require(bundles.first ?? Bundle.main.executablePath))
        for _ in 0..<5 {
            folder.deleteLastPathComponent()
            let probe = folder.appending(path: "AllocationProbe")
            if FileManager.default.isExecutableFile(atPath: probe.path) { return probe }
        }
        return try #require(nil, "AllocationProbe is not beside the tests")
    }

    /// The output of a program that must end well.
    @discardableResult
    private static func run(
        _ program: String, _ arguments: [String], _ more: [String: String] = [:]
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(more) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(
            decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(
            process.terminationReason == .exit && process.terminationStatus == 0,
            "\(program) \(arguments.joined(separator: " ")) \(more): \(output)")
        return output
    }
}
