import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

@testable import BONNInterop

/// A network of a source with random weights, written in PyTorch from its published structure (`published.py`): its
/// checkpoints, images, and the logits that PyTorch computes of them in float64.
struct PublishedNetwork {
    /// The source, with narrow layers and small images.
    let source: ImportSource
    /// Of the weights and images.
    let seed: Int
    /// Checkpoints of the same weights: both formats, with and without the names of `DataParallel`.
    static let files = ["plain.pt", "parallel.pt", "plain.old", "parallel.old"]
    /// How many images and classes.
    static let (imageCount, classCount) = (3, 10)

    static let python = PythonInterpreter.find(importing: ["torch", "numpy"])
    static let missing: Comment = "no Python with PyTorch and numpy: run make setup"

    /// A network of widths around the 64 channels of a word.
    init(_ name: String, seed: Int) throws {
        try self.init(try #require(ImportSources.named(name)), seed: seed)
    }

    /// The same of a source that is none of the list; `published.py` has a network of its name.
    init(_ source: ImportSource, seed: Int) throws {
        var source = source
        (source.widths, source.side) =
            switch source.network {
            case "resnet20": ([16, 16, 32, 72], 32)
            case "reactnet-a": ([6, 12, 24, 48, 96, 192], 32)
            case "xnornet-nin": ([40, 32, 24, 72, 48], 32)
            default: ([16, 16, 24, 40, 72], 64)
            }
        self.source = source
        self.seed = seed
    }

    /// Makes the files in a folder that is gone afterwards.
    ///
    /// - Parameter script: more Python, behind that of `published.py`.
    func withFiles(then script: String = "", _ body: (URL) throws -> Void) throws {
        let python = try #require(Self.python)
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "published.py")
        let networks = try String(contentsOf: page, encoding: .utf8)
        let numbers =
            "[\"\(source.name)\", \(source.widths), \(source.side), \(Self.classCount), \(seed)]"
        try withTemporaryFolder { folder in
            let result = try python.run(
                ["-W", "ignore", "-c", networks + script, numbers], in: folder)
            try #require(result.status == 0, "\(source.name), seed \(seed): \(result.output)")
            try body(folder)
        }
    }

    /// Imports a file.
    func imported(_ name: String, in folder: URL) throws -> ImportedModel {
        let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
        return try ImportedModel(
            try Checkpoint(bytes, place: name), place: name, source: source)
    }

    /// Little-endian numbers of a file.
    func numbers<Number>(_ name: String, of type: Number.Type, in folder: URL) throws -> [Number] {
        let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: type)
            }
        }
    }

    /// Runs a model on the images, and expects PyTorch's logits within 1e-4 of the largest, and its class.
    func expectLogits(of model: ImportedModel, in folder: URL) throws {
        let images = try numbers("images", of: Float.self, in: folder)
        let expected = try numbers("logits", of: Double.self, in: folder)
        let (count, classes) = (Self.imageCount, Self.classCount)
        let size = images.count / count
        var session = try InferenceSession(
            Model(try ModelFile(bytes: model.file.serialized())))
        for index in 0..<count {
            let found = try session.run(Array(images[index * size..<(index + 1) * size]))
            let logits = Array(expected[index * classes..<(index + 1) * classes])
            let largest = try #require(logits.map(abs).max())
            let difference = zip(found, logits).map { abs(Double($0) - $1) }.max() ?? .infinity
            #expect(found.count == classes)
            #expect(
                difference <= 1e-4 * largest,
                "\(source.name), seed \(seed), image \(index): \(found), expected \(logits)")
            #expect(
                found.indices.max { found[$0] < found[$1] }
                    == logits.indices.max { logits[$0] < logits[$1] })
        }
    }
}
