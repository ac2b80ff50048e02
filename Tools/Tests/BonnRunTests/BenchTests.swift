import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

@Suite struct BenchTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The keys that scripts rely on.
    private let keys: [Name] = [
        "kernels", "threads", "batch", "runs", "median_ms", "min_ms", "p95_ms", "processor",
        "date", "commit", "clock_ghz", "layers",
    ]
    private let networkKeys: [Name] = [
        "network", "load_ms", "model_bytes", "arena_bytes", "peak_memory_bytes",
        "grown_memory_bytes", "glue_ms", "glue_share", "remainder_ms",
    ]
    private let layerKeys: [Name] = [
        "name", "operation", "median_ms", "min_ms", "p95_ms", "binary_macs", "macs",
        "gmac_per_s", "binary_macs_per_cycle", "ceiling_share",
    ]

    private func sum(_ result: JSONValue, _ key: Name) -> Int {
        result["layers"].elements.reduce(0) { $0 + ($1[key].number?.int ?? 0) }
    }

    private func expectOrder(_ result: JSONValue) throws {
        let minimum = try #require(result["min_ms"].number?.double)
        let median = try #require(result["median_ms"].number?.double)
        let p95 = try #require(result["p95_ms"].number?.double)
        #expect(0 < minimum && minimum <= median && median <= p95, "\(result.text)")
    }

    @Test func `a block is 16 layers with what stands around them`() throws {
        let saved = scratch.path("blocks.bonn")
        let result = try Tool.json(
            "bench", "--block", "24x5x6@1", "--runs", "2", "--layers", "--save", saved,
            "--kernels", "scalar")
        #expect(result["network"].string == "16 blocks of 24x5x6@1")
        #expect(sum(result, "binary_macs") == 16 * 24 * 24 * 5 * 6)
        let graph = try Model(path: saved).metadata.graph
        #expect(graph.nodes.count == 4 * 16 + 1)
        #expect(graph.input.shape == Shape(24, 5, 6))
    }

    @Test(arguments: ["64x8", "8x4x4x16", "8x4x4@2"])
    func `a block that no shortcut passes by is refused`(shape: String) throws {
        let run = try Tool("bench", "--block", shape)
        #expect(run.status != 0)
        #expect(
            run.errors.contains { $0.contains("--block: expected CxHxW") && $0.contains(shape) })
    }

    @Test func `a model file is measured as a whole and layer by layer`() throws {
        let path = try scratch.write(SmallModel.file())
        let result = try Tool.json(
            "bench", path, "--runs", "4", "--batch", "3", "--threads", "2", "--layers",
            "--kernels", "scalar")
        #expect(Set(result.keys) == Set(keys + networkKeys))
        #expect(result["kernels"].string == "scalar")
        #expect(result["threads"].number?.int == 2)
        #expect(result["batch"].number?.int == 3)
        #expect(result["runs"].number?.int == 4)
        try expectOrder(result)
        let layers = result["layers"].elements
        #expect(layers.map { $0["name"].string } == ["stem", "binary", "mean", "head"])
        for layer in layers {
            #expect(layer.keys == layerKeys)
            try expectOrder(layer)
        }
        #expect(layers[1]["operation"].string == "binary_convolution")
        #expect(layers[1]["binary_macs"].number?.int == 3 * 20 * 16 * 9 * 4 * 4)
        #expect(layers[0]["operation"].string == "convolution+threshold")
        #expect(layers[0]["macs"].number?.int == 3 * 16 * 3 * 9 * 8 * 8)
        let whole = try Tool.json("bench", path, "--runs", "1")
        #expect(Set(whole.keys) == Set(keys + networkKeys) && whole["layers"].elements.isEmpty)
    }

    @Test func `rates follow from times, work and the clock`() throws {
        let path = try scratch.write(SmallModel.file())
        let result = try Tool.json(
            "bench", path, "--runs", "3", "--layers", "--kernels", "scalar", "--threads", "2")
        let clock = try #require(result["clock_ghz"].number?.double)
        #expect((0.1...10).contains(clock))
        var glue = 0.0
        var sum = 0.0
        for layer in result["layers"].elements {
            let median = try #require(layer["median_ms"].number?.double)
            let macs = try #require(layer["macs"].number?.int)
            let binary = try #require(layer["binary_macs"].number?.int)
            sum += median
            if macs + binary == 0 { glue += median }
            let rate = macs + binary > 0 ? Double(macs + binary) / median / 1e6 : nil
            expectNear(layer["gmac_per_s"], rate)
            let perCycle = binary > 0 ? Double(binary) / (median * 1e6 * clock * 2) : nil
            expectNear(layer["binary_macs_per_cycle"], perCycle)
            // Three instructions for 64 multiply-accumulates, four in a cycle.
            expectNear(layer["ceiling_share"], perCycle.map { $0 * 3 / 256 })
        }
        expectNear(result["glue_ms"], glue)
        expectNear(result["glue_share"], glue / sum)
    }

    @Test func `every kernel set has a ceiling that it does not pass`() throws {
        for kernels in KernelSet.available {
            let result = try Tool.json(
                "bench", "--layer", "64x8x8", "--runs", "5", "--kernels", kernels.name)
            let layer = try #require(result["layers"].elements.first)
            let share = try #require(layer["ceiling_share"].number?.double, "\(kernels)")
            #expect(share > 0 && share < 1, "\(kernels): \(share)")
        }
    }

    private func expectNear(
        _ value: JSONValue, _ expected: Double?, location: SourceLocation = #_sourceLocation
    ) {
        guard let expected else {
            #expect(value == .null, sourceLocation: location)
            return
        }
        let found = value.number?.double ?? .nan
        #expect(
            abs(found - expected) <= 1e-9 * expected, "\(found), \(expected)",
            sourceLocation: location)
    }

    @Test func `load time, sizes and memory of a model file are plausible`() throws {
        let path = scratch.path("wrn22.bonn")
        let built = try Tool.json("bench", "--network", "wrn22", "--runs", "1", "--save", path)
        #expect(built["grown_memory_bytes"] == .null, "the process has built the network")
        let read = try Tool.json("bench", path, "--runs", "1")
        #expect(read["network"].string == path)
        for key: Name in ["model_bytes", "arena_bytes"] {
            #expect(read[key].number?.int == built[key].number?.int, "\(key)")
        }
        #expect(
            read["arena_bytes"].number?.int
                == (try Tool.json("info", path)["memory_bytes"]).number?.int)
        #expect(try #require(read["load_ms"].number?.double) > 0)
        #if os(Linux)
            let peak = try #require(read["peak_memory_bytes"].number?.int)
            let grown = try #require(read["grown_memory_bytes"].number?.int)
            #expect(100_000 < grown && grown < peak && peak < 1_000_000_000)
        #endif
    }

    /// Parameters as Larq Zoo 2.3 publishes them, which counts two a channel for a batch norm and
    /// the nine of a blur; scales and thresholds of the binary layers are not in them.
    @Test(
        arguments: [
            ("quicknet-small", 12_655_688), ("quicknet", 13_234_088),
            ("quicknet-large", 23_342_248),
        ])
    func `a QuickNet has the published number of parameters`(name: String, count: Int) throws {
        let path = scratch.path("\(name).bonn")
        _ = try Tool.json(
            "bench", "--network", name, "--input", "32", "--runs", "1", "--save", path)
        let file = try ModelFile(bytes: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        var parameters = 0
        var counted: Set<Name> = []
        for node in file.metadata.graph.nodes {
            switch node.operation {
            case .binaryConvolution(let layer):
                let shape = try #require(file.tensors[layer.weight]?.shape)
                parameters += shape.dropLast().reduce(1, *) * layer.inputChannels
                counted.formUnion([layer.weight, layer.scale ?? ""])
            case .threshold(let layer): counted.formUnion([layer.threshold, layer.direction])
            default: break
            }
        }
        for (name, tensor) in file.tensors where !counted.contains(name) {
            parameters += tensor.shape.reduce(1, *)
        }
        #expect(parameters == count)
    }

    @Test func `ResNet-18 takes less than 4.25 MB, and 2.4 MB with signed bytes`() throws {
        for (name, limit) in [("resnet18", 4_250_000), ("resnet18-int8", 2_400_000)] {
            let result = try Tool.json("bench", "--network", name, "--input", "32", "--runs", "1")
            let bytes = try #require(result["model_bytes"].number?.int)
            #expect(bytes > limit / 2 && bytes < limit, "\(name): \(bytes)")
        }
    }

    /// Multiply-accumulates of the published networks for 224x224 images, which shrink with the
    /// area: 16 convolutions of 115.6 M each, three of them halved in ResNet-18, the first eight
    /// of QuickNetSmall a quarter, QuickNetLarge twice as many; real ones are the stem (7x7), the
    /// 1x1 shortcuts after their pooling, and the classifier.
    @Test(
        arguments: [
            ("resnet18", 1_676_279_808, 118_013_952 + 19_267_584, 512_000),
            ("resnet18-int8", 1_676_279_808, 118_013_952 + 19_267_584, 512_000),
            ("quicknet-small", 1_156_055_040, nil, 512_000),
            ("quicknet", 1_849_688_064, nil, 512_000),
            ("quicknet-large", 3_699_376_128, nil, 512_000),
        ] as [(String, Int, Int?, Int)])
    func `an ImageNet network has the published multiply-accumulates`(
        name: String, binary: Int, real: Int?, head: Int
    ) throws {
        let result = try Tool.json(
            "bench", "--network", name, "--input", "32", "--runs", "1", "--layers")
        #expect(sum(result, "binary_macs") == binary / 49)
        if let real { #expect(sum(result, "macs") == real / 49 + head) }
        let last = result["layers"].elements.last
        #expect(last?["macs"].number?.int == head)
    }

    @Test func `WRN-22 has eighteen binary convolutions of its widths`() throws {
        let result = try Tool.json("bench", "--network", "wrn22", "--runs", "1", "--layers")
        let binary = result["layers"].elements.compactMap { $0["binary_macs"].number?.int }
            .filter { $0 > 0 }
        let unit = 16 * 16 * 9 * 32 * 32
        #expect(binary.count == 18)
        #expect(
            binary == (0..<18).map { $0 == 6 || $0 == 12 ? unit / 2 : unit },
            "first of a stage: half the inputs")
    }

    @Test func `single layers are measured in the order of the options`() throws {
        let result = try Tool.json(
            "bench", "--layer", "65x5x7", "--layer", "16x4x4x40", "--layer", "9x3x3@1", "--layer",
            "9x3x3@5", "--runs", "3", "--batch", "2")
        #expect(result.keys == keys)
        let layers = result["layers"].elements
        #expect(
            layers.map { $0["name"].string } == ["65x5x7", "16x4x4x40", "9x3x3@1", "9x3x3@5"])
        #expect(
            layers.map { $0["binary_macs"].number?.int } == [
                2 * 65 * 65 * 9 * 5 * 7, 2 * 16 * 40 * 9 * 4 * 4, 2 * 9 * 9 * 3 * 3,
                2 * 9 * 9 * 25 * 3 * 3,
            ])
        try expectOrder(result)
        let fastest = layers.compactMap { $0["min_ms"].number?.double }.reduce(0, +)
        #expect(try #require(result["min_ms"].number?.double) >= fastest * 0.999_999)
    }

    @Test func `a person sees the machine, the setting, the times and a table of the layers`()
        throws
    {
        let run = try Tool("bench", "--layer", "64x4x4", "--runs", "2", "--kernels", "scalar")
        let lines = run.output.split(separator: "\n")
        #expect(run.status == 0)
        try #require(lines.count == 5, "\(run.output)")
        #expect(lines[0].hasPrefix("processor  ") && lines[0].hasSuffix(" GHz while measuring"))
        #expect(lines[1].hasPrefix("setting    kernels scalar, 1 thread, batch 1, 2 runs, 20"))
        #expect(lines[2].hasPrefix("time       median ") && lines[2].hasSuffix(" ms per run"))
        #expect(lines[3].contains("  ms  % of time  GMAC/s  binary MAC/cycle  % of ceiling  "))
        #expect(lines[4].hasPrefix("64x4x4  binary_convolution"))
        #expect(lines[4].hasSuffix(" 589824"))
        let network = try Tool("bench", "--network", "wrn22", "--input", "4", "--runs", "1").output
        for word in ["\nnetwork    wrn22\n", "\nload       ", "\nmemory     "] {
            #expect(network.contains(word), "\(network)")
        }
    }
}
