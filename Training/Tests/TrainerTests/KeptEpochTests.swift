import BONNData
import BONNMethods
import BONNModelFormat
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Checkpoints that stay (`run.keep_epochs`), and `bonn weights`, which shows them.
@Suite(.serialized) struct KeptEpochTests {
    private let folder = TemporaryFolder()

    @Test func `the checkpoints of named epochs stay, and the run is the same`() throws {
        let configuration = smallConfiguration { $0.run.keepEpochs = [0, 2, 7] }
        try train(smallConfiguration(), in: folder.path + "/without")
        let kept = folder.path + "/kept"
        try train(configuration, in: kept, stopAfter: 4)
        try train(configuration, in: kept, resuming: true)
        let difference = try RunResult(kept).difference(from: RunResult(folder.path + "/without"))
        #expect(difference == nil)
        let files = try FileManager.default.contentsOfDirectory(atPath: kept)
            .filter { $0.hasPrefix("epoch-") }.sorted()
        #expect(files == ["epoch-0.safetensors", "epoch-2.safetensors"])
        for epoch in [0, 2] {
            let path = kept + "/epoch-\(epoch).safetensors"
            let checkpoint = try Checkpoint(path: path)
            #expect(checkpoint.state.epoch == epoch && checkpoint.state.metrics.count == epoch)
        }
        // Two epochs of the same run, stopped there.
        try train(smallConfiguration(), in: folder.path + "/stopped", stopAfter: 6)
        let stopped = try Checkpoint(path: folder.path + "/stopped/last.safetensors")
        let second = try Checkpoint(path: kept + "/epoch-2.safetensors")
        let weights = second.tensors.filter { $0.key.text.hasSuffix("convolution.weight") }
        #expect(weights.count > 15)
        for (name, tensor) in weights { #expect(stopped.tensors[name]?.bytes == tensor.bytes) }
    }

    @Test func `weights are told of, drawn and refused`() throws {
        let run = folder.path + "/run"
        let trained = try Tool.run(
            "train", "--data", "synthetic:48", "--model", "wrn22", "--widths", "2-2-4-4",
            "--epochs", "1", "--threads", "1", "--set", "run.keep_epochs=0", "--output", run)
        try #require(trained.status == 0, "\(trained.errors)")
        let paths = [run + "/epoch-0.safetensors", run + "/last.safetensors"]
        let pictures = [folder.path + "/h.svg", folder.path + "/m.svg"]
        let shown = try Tool(
            ["weights"] + paths + [
                "--layers", "2,18", "--json", "--histograms", pictures[0], "--magnitudes",
                pictures[1],
            ]
        ).wait()
        try #require(shown.status == 0, "\(shown.errors)")
        let rows = try #require(
            JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [[String: Any]])
        #expect(rows.compactMap { $0["epoch"] as? Int } == [0, 0, 1, 1])
        for (row, path) in zip(rows, [paths[0], paths[0], paths[1], paths[1]]) {
            let layer = try #require(row["layer"] as? String)
            let tensor = try #require(try Checkpoint(path: path).tensors[Name("\(layer).weight")])
            let values = tensor.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            let mean = values.reduce(0) { $0 + Double($1.magnitude) } / Double(values.count)
            let found = try #require(row["mean_absolute"] as? Double)
            #expect(abs(found - mean) < 1e-9, "\(layer)")
        }
        for picture in pictures {
            #expect(try String(contentsOfFile: picture, encoding: .utf8).contains("</svg>"))
        }
        for (layers, complaint) in [("19", "18 quantized layers"), ("0", "from 1 on")] {
            let refused = try Tool.run("weights", paths[1], "--layers", layers)
            #expect(refused.status == 64 && refused.errors.contains(complaint), "\(refused)")
        }
    }
}
