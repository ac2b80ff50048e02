import Foundation
import Testing
import Torch

/// Small runs give the numbers that were recorded for them, so that whatever is rebuilt computes what it
/// computed before: every loss, the state of every binary layer and the logits of the exported network.
///
/// `Recorded` holds a recipe and its numbers for each run. To record them anew, after a change that is
/// meant to change them:
///
///     BONN_RECORD=1 swift test --package-path Training --disable-xctest --filter RecordedRunsTests
@Suite struct RecordedRunsTests {
    private static let recipes = ["wrn22-sgd", "wrn22-adam", "resnet18", "wrn22-real"]

    /// Holds ATen, oneDNN and MKL to the instructions that every x86-64 machine has. Without any one of
    /// the first three, sums are added in the order that suits the machine, a sign flips, and from
    /// there on a 1-bit network goes its own way. With them, a processor with AVX-512 and emulated
    /// ones of another maker with AVX2 and with SSE4.2 alone were seen to compute the same bits.
    private static let pinned = [
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1",
    ]

    private static let isRecording = ProcessInfo.processInfo.environment["BONN_RECORD"] == "1"

    /// Why the numbers cannot be those recorded, bit for bit; nil where they must be.
    private static let hindrance: String? = {
        #if os(Linux) && arch(x86_64)
            // A record that cannot be read is for the test to complain about.
            guard !isRecording, let recorded = try? RunRecord.recorded(recipes[0]) else {
                return nil
            }
            return recorded.libtorch == torchVersion
                ? nil : "recorded with LibTorch \(recorded.libtorch), this is \(torchVersion)"
        #else
            return "recorded on x86-64 under Linux"
        #endif
    }()

    @Test(.enabled(if: hindrance == nil, "\(hindrance ?? "")"), arguments: recipes)
    func `a run gives the recorded numbers, bit for bit`(recipe: String) throws {
        let found = try RunRecord(
            running: recipe, libtorch: torchVersion, environment: Self.pinned, deploying: true)
        guard !Self.isRecording else { return try found.write(recipe) }
        let recorded = try RunRecord.recorded(recipe)
        #expect(found.differences(from: recorded.metrics, in: found.metrics) == [])
        #expect(found.differences(from: recorded.layers, in: found.layers) == [])
        #expect(found.initial == recorded.initial)
        #expect(found.trained == recorded.trained)
    }

    /// How far the arithmetic of another machine may lead a run away, as a share of the largest number of
    /// a column. Flips of signs do: 0.06 was seen in the losses. Counts of right answers and the
    /// feature loss, whose variances start near 0, may be anything.
    private static let allowances = [
        "epoch": 0, "learning_rate": 1e-12, "cross_entropy": 0.2, "kernel_loss": 0.02,
        "test_loss": 0.3, "validation_loss": 0.3,
        "mean_abs": 0.05, "mu": 0.05, "sigma": 0.05, "w": 0.05, "near_zero": 0.3,
    ]

    @Test(.disabled(if: isRecording, "recording"), arguments: recipes)
    func `a run as this machine is fastest gives about the recorded numbers`(
        recipe: String
    ) throws {
        let found = try RunRecord(
            running: recipe, libtorch: torchVersion, environment: [:], deploying: false)
        let recorded = try RunRecord.recorded(recipe)
        for (columns, expected) in [
            (found.metrics, recorded.metrics), (found.layers, recorded.layers),
        ] {
            #expect(
                found.differences(from: expected, in: columns, allowances: Self.allowances) == [])
        }
    }
}

extension RunRecord {
    /// The columns that are not as recorded, each with its first row that is not.
    ///
    /// - Parameter allowances: how far numbers of a column may be off, as a share of the column's largest;
    ///   columns without one are then not compared. Without allowances each text must be the same.
    func differences(
        from recorded: [String: String], in columns: [String: String],
        allowances: [String: Double]? = nil
    ) -> [String] {
        recorded.keys.sorted().compactMap { name in
            guard allowances == nil || allowances?[name] != nil else { return nil }
            guard let column = columns[name] else { return "\(name) is missing" }
            let (found, expected) = (Self.fields(column), Self.fields(recorded[name] ?? ""))
            guard found.count == expected.count else {
                return "\(name) has \(found.count) rows, expected \(expected.count)"
            }
            let largest = expected.compactMap { Double($0) }.map(\.magnitude).max() ?? 0
            let row = zip(found, expected).enumerated().first { _, pair in
                guard let allowance = allowances?[name] else { return pair.0 != pair.1 }
                guard let value = Double(pair.0), let other = Double(pair.1) else {
                    return pair.0 != pair.1
                }
                return !((value - other).magnitude <= allowance * largest)
            }
            return row.map { "\(name), row \($0 + 1): \($1.0), recorded \($1.1)" }
        }
    }

    private static func fields(_ column: String) -> [Substring] { column.split(separator: " ") }
}
