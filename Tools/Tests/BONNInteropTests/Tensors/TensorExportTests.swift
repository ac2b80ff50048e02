import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

@testable import BONNInterop

private let python = PythonInterpreter.find(importing: ["numpy", "safetensors.numpy"])
private let noPython: Comment =
    "no Python with numpy and safetensors: name one in BONN_PYTHON, or run make setup"

/// Models as tensors for other programs.
@Suite struct TensorExportTests {
    /// The Python of Documentation/exporting.md.
    private static func documented() throws -> String {
        let page = PythonInterpreter.repository.appending(path: "Documentation/exporting.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let parts = text.components(separatedBy: "```python\n")
        try #require(parts.count == 2)
        return try #require(parts[1].components(separatedBy: "```\n").first)
    }

    private func run(_ script: String, in folder: URL, _ comment: Comment) throws -> String {
        let result = try #require(python).run(["-c", script], in: folder)
        try #require(result.status == 0, "\(comment): \(result.output)")
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(.enabled(if: python != nil, noPython))
    func `the documented reader computes the bits and sums of the runtime`() throws {
        let entry = try #require(Networks.named("resnet20"))
        let plan = try entry.plan(
            input: Shape(3, 32, 32), classes: 10, widths: [16, 24, 72, 64], style: BiRealBlock())
        let model = try PlanLowering(plan, weights: SeededWeights(plan: plan)).file
        let names = model.metadata.graph.nodes.map(\.name)
        var session = try InferenceSession(try Model(model, exposing: names))
        var generator = SeededGenerator(seed: 9)
        let image = generator.reals(model.metadata.graph.input.shape.count)
        let types = try model.validate()
        let values = try session.values(of: names, input: image).map { name, values in
            let shape = types[name]!.shape
            return Safetensors.Tensor(
                name: name, elementType: .f32,
                shape: [shape.channels, shape.height, shape.width],
                bytes: Array(ModelTensor(f32: values, shape: [values.count]).bytes))
        }
        try withTemporaryFolder { folder in
            try Data(try TensorExport(model).safetensors())
                .write(to: folder.appending(path: "flowers.safetensors"))
            try Data(try Safetensors.write(tensors: values))
                .write(to: folder.appending(path: "values"))
            let check = """

                from safetensors.numpy import load_file
                values, count = load_file("values"), 0
                for node in graph["nodes"]:
                    name, compute = node["name"], {"threshold": bits, "binary_convolution": sums}
                    if node["operation"] in compute:
                        found = compute[node["operation"]](values[node["inputs"][0]], node)
                        assert np.array_equal(np.float32(found), values[name]), name
                        count += 1
                print(count)
                """
            let count = try run(Self.documented() + check, in: folder, "seed 9")
            #expect(count == "36")
        }
    }

    /// What the archive and the file hold, against the model file as numpy and safetensors read it.
    private static let comparison = """
        import json, numpy as np
        from safetensors import safe_open
        def read(name):
            with safe_open(name, "np") as file:
                return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()
        own, texts = read("model.bonn")
        tensors, metadata = read("model.safetensors")
        archive = np.load("model.npz")
        keys = [k for k in ("graph", "preprocessing", "class_names", "provenance") if k in texts]
        assert metadata == {k: texts[k] for k in keys}
        assert sorted(archive.files) == sorted(list(tensors) + [k + ".json" for k in keys])
        for key in keys: assert archive[key + ".json"] == texts[key].encode(), key
        for name, value in tensors.items():
            other = archive[name]
            assert other.dtype == value.dtype and other.shape == value.shape, name
            assert other.tobytes() == value.tobytes(), name
        for name, value in own.items():
            if value.dtype != np.uint64:
                assert tensors[name].dtype == value.dtype and tensors[name].tobytes() == value.tobytes()
                continue
            signs, packed = tensors.pop(name), tensors.pop(name + ".packed")
            assert packed.tobytes() == value.tobytes() and packed.dtype == np.uint8, name
            found = np.unpackbits(packed, axis=-1, bitorder="little")
            channels = signs.shape[1]
            assert not found[..., channels:].any(), name
            found = np.moveaxis(1 - 2 * found[..., :channels].astype(np.int8), -1, 1)
            assert signs.dtype == np.int8 and np.array_equal(found, signs), name
        assert len(tensors) == sum(v.dtype != np.uint64 for v in own.values())
        print(len(own))
        """

    @Test(.enabled(if: python != nil, noPython))
    func `numpy and safetensors read every number of every model`() throws {
        let models = [Sample.everything()] + (1...6).map { RandomModels.model(seed: $0) }
        for (index, model) in models.enumerated() {
            try withTemporaryFolder { folder in
                let export = try TensorExport(model)
                try Data(try model.serialized()).write(to: folder.appending(path: "model.bonn"))
                try Data(try export.safetensors())
                    .write(to: folder.appending(path: "model.safetensors"))
                try Data(try export.npz()).write(to: folder.appending(path: "model.npz"))
                let count = try run(Self.comparison, in: folder, "model \(index)")
                #expect(count == "\(model.tensors.count)", "model \(index)")
            }
        }
    }

    @Test func `a name that the bits need is refused`() throws {
        var model = Sample.everything()
        let weight = try #require(
            model.tensors.first { $0.value.elementType == .u64 }?.key)
        model.tensors["\(weight).packed"] = ModelTensor(f32: [1], shape: [1])
        for index in model.metadata.graph.nodes.indices {
            if case .prelu = model.metadata.graph.nodes[index].operation {
                model.metadata.graph.nodes[index].operation =
                    .prelu(PReLU(slope: "\(weight).packed"))
            }
        }
        model.tensors["bent.slope"] = nil
        let error = #expect(throws: InteropError.self) { try TensorExport(model) }
        #expect(error?.code == .unsupported, "\(error?.message ?? "")")
        #expect(error?.message.contains("\(weight).packed") == true)
    }

    @Test func `checksums are those of the check value`() {
        #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }
}
