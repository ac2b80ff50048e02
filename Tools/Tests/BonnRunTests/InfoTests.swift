import BONNModelFormat
import BONNRuntime
import Testing

@Suite struct InfoTests {
    @Test func `parameters, multiply-accumulates, bytes and metadata are counted`() throws {
        let scratch = try Scratch()
        let file = SmallModel.file()
        let path = try scratch.write(file)
        let info = try Tool.json("info", path)
        #expect(info["input"]["shape"] == .ints([3, 8, 8]))
        #expect(info["input"]["element"].string == "real")
        #expect(info["classes"].number?.int == 10)
        #expect(info["class_names"].elements.map(\.string) == SmallModel.classNames.map(\.text))
        #expect(info["binary_parameters"].number?.int == 20 * 16 * 9)
        #expect(info["real_parameters"].number?.int == 16 * 27 + 16 + 1 + 10 * 20 + 10)
        #expect(info["binary_macs"].number?.int == 20 * 16 * 9 * 4 * 4)
        #expect(info["real_macs"].number?.int == 16 * 27 * 64 + 10 * 20)
        #expect(info["model_bytes"].number?.int == (try file.serialized().count))
        #expect(info["provenance"]["method"].string == "bonn")
        #expect(info["preprocessing"]["resize"].string == "stretch")
        #expect(info["parity"] == .null)
        #expect(info["format_version"].string == "2")
        #expect(
            info["sha256"].string
                == (try ModelFile.read(file.serialized()).seal.digest?.description))
        let open = try scratch.write(file.serialized(digest: false), "open.bonn")
        #expect(try Tool.json("info", open)["sha256"] == .null)
        #expect(
            try Tool("info", open).output.contains("nothing tells whether the file is as it was"))
        #expect(info["kernels"].string == KernelSet.best.name)
        let names = info["layers"].elements.map { $0["name"].string }
        #expect(names == ["stem", "binary", "mean", "head"])
    }

    @Test func `signs that multiply real numbers count as 1-bit parameters, shared ones once`()
        throws
    {
        var file = SmallModel.file()
        let signs = ModelTensor(
            u64: (0..<10).map { UInt64($0) << 10 }, shape: [10, 1])
        file.tensors["head.w"] = signs
        file.tensors["head.s"] = ModelTensor(f32: [0.5], shape: [1])
        let head = Linear(weight: "head.w", weightScale: "head.s", bias: "head.b")
        let last = file.metadata.graph.nodes.count - 1
        file.metadata.graph.nodes[last].operation = .linear(head)
        file.metadata.graph.nodes.append(Node("twin", .linear(head), inputs: ["mean"]))
        file.metadata.graph.nodes.append(Node("both", .add, inputs: ["head", "twin"]))
        file.metadata.graph.output = "both"
        let scratch = try Scratch()
        let info = try Tool.json("info", try scratch.write(file))
        #expect(info["binary_parameters"].number?.int == 20 * 16 * 9 + 10 * 20)
        #expect(info["real_parameters"].number?.int == 16 * 27 + 16 + 1 + 1 + 10)
        #expect(info["real_macs"].number?.int == 16 * 27 * 64 + 2 * 10 * 20)
    }

    @Test func `a recipe comes out as it went in`() throws {
        var file = SmallModel.file()
        let recipe = "data:\n  batch_size: 64  # images\n\nrun:\n  seed: 1\n"
        file.metadata.provenance["recipe"] = recipe
        let scratch = try Scratch()
        let path = try scratch.write(file)
        #expect(try Tool("info", path, "--provenance", "recipe").output == recipe)
        let whole = try Tool("info", path).output
        #expect(whole.contains("recipe") && whole.contains("4 lines: --provenance recipe"))
        #expect(!whole.contains("batch_size"))
        let unknown = try Tool("info", path, "--provenance", "reciept")
        #expect(unknown.status == 1 && unknown.errors.count == 1)
        #expect(unknown.errors.first?.contains("recipe") == true)
        #expect(try Tool("info", path, "--provenance", "recipe", "--json").status == 64)
    }

    @Test func `a person sees the same and the layers on demand`() throws {
        let scratch = try Scratch()
        let path = try scratch.write(SmallModel.file())
        let short = try Tool("info", path).output
        #expect(short.contains("parameters  2880 of 1 bit, 659 real\n"), "\(short)")
        #expect(!short.contains("binary_convolution"))
        let long = try Tool("info", path, "--layers").output
        #expect(long.hasPrefix(short))
        let rows = long.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.contains(["binary", "binary_convolution", "46080", "0"]), "\(long)")
    }
}
