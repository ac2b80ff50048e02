import BONNModelFormat
import Foundation
import Testing

/// Labels go by name: the same images give the same accuracy in any order of the model's classes.
@Suite struct ClassNameTests {
    private let scratch: Scratch
    private let data: String

    init() throws {
        scratch = try Scratch()
        for (index, name) in SmallModel.classNames.enumerated() {
            for image in 0..<4 {
                _ = try scratch.image(
                    "data/test/\(name)/\(image).png", seed: UInt64(10 * image + index))
            }
        }
        data = scratch.path("data")
    }

    /// The model with its classes in another order: the rows of the head and the names alike.
    private func permuted(_ order: [Int], names: [Name]? = nil) throws -> String {
        var file = SmallModel.file(classNames: names ?? order.map { SmallModel.classNames[$0] })
        let weights = try floats(file.tensors["head.w"])
        let bias = try floats(file.tensors["head.b"])
        file.tensors["head.w"] = ModelTensor(
            f32: order.flatMap { weights[$0 * 20..<($0 + 1) * 20] }, shape: [10, 20])
        file.tensors["head.b"] = ModelTensor(f32: order.map { bias[$0] }, shape: [10])
        return try scratch.write(file, "\(UUID().uuidString).bonn")
    }

    private func floats(_ tensor: ModelTensor?) throws -> [Float] {
        let bytes = Array(try #require(tensor).bytes)
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            Float(
                bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
        }
    }

    @Test func `the order of a model's classes does not change what is measured`() throws {
        let expected = try Tool.json("evaluate", permuted(Array(0..<10)), "--data", data)
        for order in [Array((0..<10).reversed()), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]] {
            let result = try Tool.json("evaluate", permuted(order), "--data", data)
            for key: Name in ["images", "top1", "top5", "evaluated_classes"] {
                #expect(result[key] == expected[key], "\(order), \(key)")
            }
        }
        #expect(expected["evaluated_classes"].number?.int == 10)
    }

    @Test func `some of the classes are evaluated, and what is missing is said`() throws {
        let path = try permuted([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
        for name in ["class-1", "class-7"] {
            try FileManager.default.removeItem(atPath: scratch.path("data/test/\(name)"))
        }
        let run = try Tool("evaluate", path, "--data", data, "--json")
        #expect(run.status == 0)
        #expect(
            run.errors == [
                "Note: \(data)/test has 8 of the 10 classes of \(path), without class-1, class-7"
            ])
        #expect(try run.json()["evaluated_classes"].number?.int == 8)
        #expect(try run.json()["images"].number?.int == 32)
    }

    @Test func `a class that the model does not have is an error, in another Unicode form too`()
        throws
    {
        _ = try scratch.image("data/test/zebra/1.png", seed: 1)
        let path = try permuted(Array(0..<10))
        let run = try Tool("evaluate", path, "--data", data)
        #expect(run.status == 1 && run.output.isEmpty)
        #expect(
            run.errors == [
                "\(data)/test has a class that \(path) does not have: zebra; \(path) has class-0, "
                    + "class-1, class-2, class-3, class-4 and 5 more"
            ])
        try FileManager.default.removeItem(atPath: scratch.path("data/test/zebra"))
        try FileManager.default.moveItem(
            atPath: scratch.path("data/test/class-0"), toPath: scratch.path("data/test/caf\u{E9}"))
        var names = SmallModel.classNames
        names[0] = "cafe\u{301}"
        let other = try permuted(Array(0..<10), names: names)
        let refused = try Tool("evaluate", other, "--data", data)
        #expect(refused.status == 1 && refused.errors.count == 1)
        #expect(refused.errors.first?.contains("Unicode form alone") == true)
        names[0] = "caf\u{E9}"
        #expect(
            try Tool("evaluate", permuted(Array(0..<10), names: names), "--data", data).status == 0)
    }

    @Test func `predictions are a row an image, whole or not there at all`() throws {
        var names = SmallModel.classNames
        names[2] = "a \"b\", c"
        try FileManager.default.moveItem(
            atPath: scratch.path("data/test/class-2"),
            toPath: scratch.path("data/test/a \"b\", c"))
        let path = try permuted(
            [2, 0, 1, 3, 4, 5, 6, 7, 8, 9], names: [names[2]] + names[0..<2] + names[3...])
        let table = scratch.path("predictions.csv")
        let run = try Tool(
            "evaluate", path, "--data", data, "--predictions", table, "--json", "--batch", "3")
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let text = try String(contentsOfFile: table, encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first == "identifier,label,label_name,predicted,predicted_name,score,correct")
        #expect(lines.count == 42 && lines.last == "")
        #expect(
            lines.count { $0.hasSuffix(",true") }
                == Int(
                    (try #require(run.json()["top1"].number?.double) * 40).rounded()))
        let first = try #require(lines.first { $0.hasPrefix("\"") })
        #expect(
            first.hasPrefix("\"\(data)/test/a \"\"b\"\", c/0.png\",0,\"a \"\"b\"\", c\","),
            "\(first)")
        let unwritable = try Tool(
            "evaluate", path, "--data", data, "--predictions", scratch.path("no/p.csv"))
        #expect(unwritable.status == 1 && unwritable.errors.count == 1)
        let full = try Tool("evaluate", path, "--data", data, "--predictions", "/dev/full")
        #expect(full.status == 1 && full.output.isEmpty)
        #expect(
            full.errors == ["/dev/full: cannot be written: No space left on device"])
        let stopped = try Tool(
            "evaluate", path, "--data", scratch.path("nowhere"), "--predictions", table)
        #expect(stopped.status == 1)
        #expect(try String(contentsOfFile: table, encoding: .utf8) == text)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path("."))
        #expect(!left.contains { $0.hasSuffix(".part") })
    }
}
