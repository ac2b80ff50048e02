import BONNModelFormat
import BONNRuntime
import Testing

@Suite struct BenchTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The keys that scripts rely on.
    private let keys = [
        "kernels", "threads", "batch", "runs", "median_ms", "min_ms", "p95_ms", "layers",
    ]

    private func sum(_ result: JSONValue, _ key: String) -> Int {
        result["layers"].elements.reduce(0) { $0 + ($1[key].number?.int ?? 0) }
    }

    private func expectOrder(_ result: JSONValue) throws {
        let minimum = try #require(result["min_ms"].number?.double)
        let median = try #require(result["median_ms"].number?.double)
        let p95 = try #require(result["p95_ms"].number?.double)
        #expect(0 < minimum && minimum <= median && median <= p95, "\(result.text)")
    }

    @Test func `a model file is measured as a whole and layer by layer`() throws {
        let path = try scratch.write(SmallModel.file())
        let result = try Tool.json(
            "bench", path, "--runs", "4", "--batch", "3", "--threads", "2", "--layers",
            "--kernels", "scalar")
        #expect(result.keys == keys)
        #expect(result["kernels"].string == "scalar")
        #expect(result["threads"].number?.int == 2)
        #expect(result["batch"].number?.int == 3)
        #expect(result["runs"].number?.int == 4)
        try expectOrder(result)
        let layers = result["layers"].elements
        #expect(layers.map { $0["name"].string } == ["stem", "bits", "binary", "mean", "head"])
        for layer in layers {
            #expect(
                layer.keys == [
                    "name", "operation", "median_ms", "min_ms", "p95_ms", "binary_macs", "macs",
                ])
            try expectOrder(layer)
        }
        #expect(layers[2]["operation"].string == "binary_convolution")
        #expect(layers[2]["binary_macs"].number?.int == 3 * 20 * 16 * 9 * 4 * 4)
        #expect(layers[0]["macs"].number?.int == 3 * 16 * 3 * 9 * 8 * 8)
        let whole = try Tool.json("bench", path, "--runs", "1")
        #expect(whole.keys == keys && whole["layers"].elements.isEmpty)
    }

    /// Multiply-accumulates of the published networks for 224x224 images, which shrink with the
    /// area: 16 convolutions of 115.6 M each, three of them halved in ResNet-18; real ones are the
    /// stem (7x7), the 1x1 shortcuts before their pooling, and the classifier.
    @Test(
        arguments: [
            ("resnet18", 1_676_279_808, 118_013_952 + 77_070_336, 512_000),
            ("quicknet", 1_849_688_064, nil, 512_000),
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
            "bench", "--layer", "65x5x7", "--layer", "16x4x4x40", "--runs", "3", "--batch", "2")
        #expect(result.keys == keys)
        let layers = result["layers"].elements
        #expect(layers.map { $0["name"].string } == ["65x5x7", "16x4x4x40"])
        #expect(
            layers.map { $0["binary_macs"].number?.int } == [
                2 * 65 * 65 * 9 * 5 * 7, 2 * 16 * 40 * 9 * 4 * 4,
            ])
        try expectOrder(result)
        let fastest = layers.compactMap { $0["min_ms"].number?.double }.reduce(0, +)
        #expect(try #require(result["min_ms"].number?.double) >= fastest * 0.999_999)
    }

    @Test func `a person sees the setting, three times, and a table of the layers`() throws {
        let run = try Tool("bench", "--layer", "64x4x4", "--runs", "2", "--kernels", "scalar")
        let lines = run.output.split(separator: "\n")
        #expect(run.status == 0)
        try #require(lines.count == 4, "\(run.output)")
        #expect(lines[0] == "kernels scalar, 1 thread, batch 1, 2 runs")
        #expect(lines[1].hasPrefix("median ") && lines[1].hasSuffix(" ms per run"))
        #expect(lines[2].hasSuffix("ms  binary MACs  real MACs  GMAC/s"))
        #expect(lines[3].hasPrefix("64x4x4  binary_convolution"))
        #expect(lines[3].contains(" 589824 "))
    }
}
