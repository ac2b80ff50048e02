import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Foundation
import Testing

@testable import BONNInterop

/// Sources as recipes.
@Suite struct SourceRecipeTests {
    /// The first recipe of Documentation/importing.md.
    private static func documented() throws -> String {
        let page = URL(filePath: #filePath)
            .appending(path: "../../../../../Documentation/importing.md").standardized
        let text = try String(contentsOf: page, encoding: .utf8)
        let parts = text.components(separatedBy: "```yaml\n")
        try #require(parts.count == 2)
        return try #require(parts[1].components(separatedBy: "```\n").first)
    }

    @Test(arguments: ImportSources.all.map(\.name))
    func `every source is written as a recipe and read back`(_ name: String) throws {
        let source = try #require(ImportSources.named(name))
        var read = ImportSource.described(as: "other")
        try read.read(recipe: source.recipe, source: "\(name).yaml")
        #expect(read.recipe == source.recipe)
        #expect(read.modules == source.modules && read.kernels == source.kernels)
        #expect(read.images == source.images && read.head == source.head)
        #expect(try read.plan(classes: 7) == source.plan(classes: 7))
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `the documented recipe imports what it says`() throws {
        var source = ImportSource.described(as: "irnet-w1a32.yaml")
        try source.read(recipe: Self.documented(), source: "irnet-w1a32.yaml")
        #expect(source.widths == [16, 16, 32, 64] && source.side == 32)
        let network = try PublishedNetwork(source, seed: 11)
        try network.withFiles { folder in
            let model = try network.imported("parallel.pt", in: folder)
            // 1-bit weights, and no 1-bit activations.
            #expect(model.bitLayerCount == 0)
            #expect(model.file.tensors.values.count { $0.elementType == .u64 } == 18)
            try network.expectLogits(of: model, in: folder)
        }
    }

    @Test func `recipes that say nothing right are one line`() throws {
        for (recipe, expected) in [
            ("network:\n  block: [sign, convolve]", "x.yaml:2: network.block is [sign, convolve]"),
            ("network:\n  name: resnet19", "did you mean resnet18"),
            (
                "checkpoint:\n  modules:\n    - stem.norm: bn1",
                "x.yaml:3: a list may hold only plain values"
            ),
            ("checkpoint:\n  modules: [head = fc<n>]", "expected a list of rules such as"),
            ("checkpoint:\n  modules: [head<n/0> = fc]", "expected a list of rules such as"),
            ("kernels:\n  scale: median", "expected one of stored, mean"),
            ("images:\n  std: [1, 1]", "expected three numbers"),
            ("modules:\n  a: b", "unknown section"),
        ] {
            var source = ImportSource.described(as: "x")
            let error = #expect(throws: ConfigurationError.self, "\(recipe)") {
                try source.read(recipe: recipe, source: "x.yaml")
            }
            #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("\n") == false)
        }
        for (recipe, expected) in [
            ("network:\n  block: [sign, norm, add]", "expected 1 or 2 of convolution"),
            (
                "network:\n  block: [convolution, pad]",
                "expected layers that a block has, found pad"
            ),
            ("network:\n  stem: [add]", "expected layers that the stem has, found add"),
            ("network:\n  head: [sign]", "found sign"),
            ("network:\n  shortcut: [sign, add]", "expected layers that a shortcut has, found add"),
            ("network:\n  widths: [1, 2]", "expected 5 channel numbers"),
            ("network:\n  shortcut: [pad]\n  widths: [4, 4, 3, 4, 4]", "even number of channels"),
            ("images:\n  std: []", "expected 3 deviations"),
            (
                "network:\n  name: reactnet-a\n  widths: [8, 16, 32, 64, 128, 250]",
                "expected each twice"
            ),
            ("network:\n  name: vgg-small\n  block: [convolution, add]", "found add"),
        ] {
            var source = ImportSource.described(as: "x")
            try source.read(recipe: recipe, source: "x.yaml")
            do {
                _ = try source.plan(classes: 10)
                Issue.record("\(recipe) makes a plan")
            } catch {
                #expect(error.message.contains(expected), "\(error.message)")
            }
        }
    }

    @Test func `numbers in rules are computed from left to right`() throws {
        let names = ModuleNames(
            "stages.<stage>.<unit>.conv = layer<stage+1>.<unit/2>.conv<unit%2+1>", "a.<n> = b<n-2>",
            "a.1 = first")
        #expect(names.module(of: "stages.2.5.conv") == "layer3.2.conv2")
        #expect(names.module(of: "stages.0.0.conv") == "layer1.0.conv1")
        #expect(names.module(of: "stages.2.5.convolution") == nil)
        #expect(names.module(of: "stages.x.5.conv") == nil)
        #expect(names.module(of: "a.9") == "b7")
        // Below 0 there are no modules: the next rule counts.
        #expect(names.module(of: "a.1") == "first")
        #expect(names.module(of: "a.99999999999999999999") == nil)
        for text in [
            "a", "a = ", " = b", "a = b = c", "<n = b", "<N> = b", "a = b<n>", "<n><n> = b",
            "a<n+1> = b<n>", "a<n> = b<n*2>", "a<n> = b<n%0>", "a> = b", "a<n> = b<n+>",
        ] {
            #expect(ModuleNames.Rule(text) == nil, "\(text)")
        }
    }

    @Test func `layers without a rule, and two of one tensor, are listed`() throws {
        var source = ImportSource.described(as: "x.yaml")
        try source.read(
            recipe: "network:\n  name: linear\n  widths: []\n  side: 2\ncheckpoint:\n"
                + "  modules: [a = b]", source: "x.yaml")
        let tensors = ["fc.weight": [3, 12], "fc.bias": [3]]
        let file = try Self.safetensors(tensors)
        let checkpoint = try Checkpoint(file, place: "net")
        let error = #expect(throws: InteropError.self) {
            try ImportedModel(checkpoint, place: "net", source: source)
        }
        #expect(
            error?.message.contains(
                "no module    head       expected a rule for it in checkpoint.modules") == true,
            "\(error?.message ?? "")")
        source.modules = ModuleNames("head = fc")
        source.images = SourceImages(mean: [], std: [], resize: .stretch)
        let model = try ImportedModel(checkpoint, place: "net", source: source)
        #expect(model.tensorCount == 2 && model.file.metadata.preprocessing == nil)
        source.network = "mlp"
        source.block.block = [.sign, .convolution, .norm]
        source.widths = [12, 12, 12]
        source.modules = ModuleNames("units.<n>.linear = fc", "head = fc", "stem.linear = fc")
        let twice = #expect(throws: InteropError.self) {
            try ImportedModel(checkpoint, place: "net", source: source)
        }
        #expect(twice?.message.contains("used twice") == true, "\(twice?.message ?? "")")
    }

    /// Tensors of zeros.
    private static func safetensors(_ shapes: [String: [Int]]) throws -> [UInt8] {
        var (header, start) = ([String](), 0)
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            let end = start + 4 * shape.reduce(1, *)
            header.append(
                "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
            )
            start = end
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        return CheckpointBytes.number(text.count, 8) + text + [UInt8](repeating: 0, count: start)
    }
}
