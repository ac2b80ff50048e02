import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

private let python = PythonInterpreter.find(importing: ["numpy", "safetensors.numpy"])
private let noPython: Comment =
    "no Python with numpy and safetensors: name one in BONN_PYTHON, or run make setup"
private let folder = PythonInterpreter.repository.appending(path: "Tests/ModelFormatTests")

@Suite struct `Files from and for Python` {
    private static func bytes(_ url: URL) throws -> [UInt8] { Array(try Data(contentsOf: url)) }

    private static func run(_ arguments: [String], in folder: URL) throws {
        let result = try #require(python).run(arguments, in: folder)
        try #require(result.status == 0, "\(result.output)")
    }

    @Test func `the model of version 1 that Python wrote can be read forever`() throws {
        let model = try ModelFile(bytes: Self.bytes(folder.appending(path: "Golden/small.bonn")))
        let types = try model.validate()
        #expect(types["image"] == ValueType(shape: Shape(3, 8, 8), element: .byte))
        #expect(types["stem"] == ValueType(shape: Shape(70, 8, 8), element: .real))
        #expect(types["binarise"] == ValueType(shape: Shape(70, 8, 8), element: .signedBits))
        #expect(types["sums"] == ValueType(shape: Shape(66, 8, 8), element: .integer))
        #expect(types["pooled"] == ValueType(shape: Shape(66, 4, 4), element: .signedBits))
        #expect(types["flat"] == ValueType(shape: Shape(1056, 1, 1), element: .signedBits))
        #expect(types["hidden"] == ValueType(shape: Shape(20, 1, 1), element: .real))
        #expect(types["logits"] == ValueType(shape: Shape(4, 1, 1), element: .real))
        #expect(model.metadata.classNames == ["circle", "square", "triangle", "étoile"])
        #expect(model.metadata.preprocessing?.resize == .stretch)
        // The file does not say.
        #expect(model.metadata.preprocessing?.orientation == .stored)
        #expect(model.metadata.provenance == ["tool": "write_model.py"])
        #expect(model.metadata.parity == nil)
        #expect(model.tensors["sums.weight"]?.shape == [66, 3, 3, 2])
        #expect(try ModelFile(bytes: model.serialized()) == model)
    }

    @Test func `the integers that Python expects follow from the packed weights`() throws {
        let model = try ModelFile(bytes: Self.bytes(folder.appending(path: "Golden/small.bonn")))
        let file = try Self.bytes(folder.appending(path: "Golden/small.expected.safetensors"))
        let expected = try Safetensors.read(file)
        let input = try #require(expected.tensors["input"])
        let sums = try #require(expected.tensors["sums"])
        #expect(input.elementType == .u8 && input.shape == [3, 3, 8, 8])
        #expect(sums.elementType == .i32 && sums.shape == [3, 66, 8, 8])
        let image = file[input.range].prefix(3 * 64).map(Float.init)
        let reference = StemReference(model: model, image: image)
        let found = ModelTensor(
            elementType: .i32, shape: sums.shape, bytes: Array(file[sums.range])
        )
        .int32s().prefix(66 * 64)
        for (index, sum) in found.enumerated() {
            let (k, p, q) = (index / 64, index / 8 % 8, index % 8)
            #expect(reference.sum(k, p, q) == Int(sum), "output \(k) at \(p), \(q)")
        }
    }

    @Test func `the model of gates and 1-bit weights that Python wrote can be read forever`() throws
    {
        let bytes = try Self.bytes(folder.appending(path: "Golden/gated.bonn"))
        let (model, types, seal) = try ModelFile.read(bytes)
        #expect(seal.formatVersion == "2" && seal.digest != nil)
        #expect(types["stem"] == ValueType(shape: Shape(70, 6, 6), element: .real))
        #expect(types["channel_gate"] == ValueType(shape: Shape(70, 1, 1), element: .real))
        #expect(types["by_channel"] == ValueType(shape: Shape(70, 6, 6), element: .real))
        #expect(types["pixel_gate"] == ValueType(shape: Shape(1, 6, 6), element: .real))
        #expect(types["gated"] == ValueType(shape: Shape(70, 6, 6), element: .real))
        #expect(types["logits"] == ValueType(shape: Shape(4, 1, 1), element: .real))
        #expect(model.tensors["stem.weight"]?.shape == [70, 3, 3, 1])
        #expect(model.tensors["channels.weight"]?.shape == [70, 2])
        #expect(try ModelFile(bytes: model.serialized()) == model)
    }

    @Test(
        .enabled(if: python != nil, noPython),
        arguments: [("write_model.py", "small.bonn"), ("write_gated.py", "gated.bonn")])
    func `a file that Python writes from the format page alone is valid`(
        script: String, name: String
    ) throws {
        try withTemporaryFolder { temporary in
            let script = folder.appending(path: "Python/\(script)").path
            // -B: one imports the other, and compiled files have no business among the sources.
            try Self.run(["-B", script, temporary.path], in: temporary)
            let (written, _, seal) = try ModelFile.read(
                Self.bytes(temporary.appending(path: name)))
            #expect(seal.formatVersion == "2" && seal.digest != nil)
            let golden = try ModelFile(bytes: Self.bytes(folder.appending(path: "Golden/\(name)")))
            let same = written == golden
            #expect(same, "the script no longer writes Golden/\(name)")
        }
    }

    @Test(.enabled(if: python != nil, noPython))
    func `the example of the format page writes the smallest model`() throws {
        let page = String(
            decoding: try Data(
                contentsOf: PythonInterpreter.repository.appending(
                    path: "Documentation/model-format.md")), as: UTF8.self)
        let example = try #require(
            page.components(separatedBy: "## 11. Example").last?
                .components(separatedBy: "```python\n").dropFirst().first?
                .components(separatedBy: "```").first)
        let seal = try #require(
            page.components(separatedBy: "```python\n").first { $0.hasPrefix("def seal(") }?
                .components(separatedBy: "```").first)
        try withTemporaryFolder { temporary in
            try Self.run(["-c", seal + example], in: temporary)
            let (model, _, state) = try ModelFile.read(
                Self.bytes(temporary.appending(path: "tiny.bonn")))
            #expect(model == Sample.smallest())
            #expect(state.digest != nil)
        }
    }

    @Test(.enabled(if: python != nil, noPython))
    func `the safetensors package opens what this writes`() throws {
        let model = Sample.everything()
        let reader = """
            import json
            from safetensors import safe_open
            from safetensors.numpy import save_file
            with safe_open("swift.bonn", "numpy") as file:
                metadata = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}
            assert metadata["format"] == "bonn"
            names = [node["name"] for node in json.loads(metadata["graph"])["nodes"]]
            assert names[0] == "stem" and names[-1] == "logits", names
            assert json.loads(metadata["class_names"])[4] == "žluťoučký kůň 🐎"
            assert tensors["scaled.weight"].shape == (6, 3, 3, 2)
            assert tensors["scaled.weight"].dtype == "uint64"
            assert tensors["levels.threshold"].tolist() == list(range(-35, 35))
            # What this writes is another file, whose bytes nobody has certified.
            del metadata["bonn_sha256"], metadata["parity"]
            save_file(tensors, "python.bonn", metadata)
            """
        try withTemporaryFolder { temporary in
            try Data(model.serialized()).write(to: temporary.appending(path: "swift.bonn"))
            try Self.run(["-c", reader], in: temporary)
            let back = try ModelFile(bytes: Self.bytes(temporary.appending(path: "python.bonn")))
            let same = back == Sample.uncertified()
            #expect(same)
        }
    }
}

/// The first three nodes of the golden model in plain loops: 8-bit convolution, threshold, and the
/// sums of the binary convolution.
private struct StemReference {
    private let bits: [Int]
    private let weights: [Float]

    init(model: ModelFile, image: [Float]) {
        func tensor(_ name: Name) -> ModelTensor {
            model.tensors[name] ?? ModelTensor(i8: [], shape: [0])
        }
        let weight = tensor("stem.weight").int8s()
        let scale = tensor("stem.scale").floats()
        let bias = tensor("stem.bias").floats()
        let threshold = tensor("binarise.threshold").floats()
        let direction = tensor("binarise.direction").int8s()
        var bits: [Int] = []
        for k in 0..<70 {
            for p in 0..<8 {
                for q in 0..<8 {
                    var sum = bias[k]
                    // In the padding x is 0, which changes no sum here: none is a zero.
                    for (c, y, x) in Self.taps(channels: 3, p, q) {
                        let w =
                            scale[k] * Float(weight[((k * 3 + c) * 3 + y - p + 1) * 3 + x - q + 1])
                        sum.addProduct(image[(c * 8 + y) * 8 + x], w)
                    }
                    let high =
                        switch direction[k] {
                        case 1: sum >= threshold[k]
                        case -1: sum <= threshold[k]
                        default: threshold[k] >= 0
                        }
                    bits.append(high ? 1 : -1)
                }
            }
        }
        self.bits = bits
        weights = BitLayout.unpackKernels(
            tensor("sums.weight").words(), outputs: 66, channels: 70, height: 3, width: 3)
    }

    /// The sum of output k at row p and column q.
    func sum(_ k: Int, _ p: Int, _ q: Int) -> Int {
        var sum = 0
        for (c, y, x) in Self.taps(channels: 70, p, q) {
            let w = weights[((k * 70 + c) * 3 + y - p + 1) * 3 + x - q + 1]
            sum += w < 0 ? -bits[(c * 8 + y) * 8 + x] : bits[(c * 8 + y) * 8 + x]
        }
        return sum
    }

    /// The elements of an 8x8 input under a 3x3 window around (p, q), in the order of a real sum.
    private static func taps(channels: Int, _ p: Int, _ q: Int) -> [(Int, Int, Int)] {
        var taps: [(Int, Int, Int)] = []
        for y in max(0, p - 1)...min(7, p + 1) {
            for x in max(0, q - 1)...min(7, q + 1) {
                for c in 0..<channels { taps.append((c, y, x)) }
            }
        }
        return taps
    }
}
