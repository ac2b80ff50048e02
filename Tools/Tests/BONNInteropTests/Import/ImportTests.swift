import BONNModelFormat
import BONNNetworks
import Foundation
import Testing

@testable import BONNInterop

/// Networks of others, imported and run, against PyTorch.
@Suite struct ImportTests {
    @Test(
        .enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing),
        arguments: [
            ("bonn-resnet18", 16), ("bireal-resnet18", 16), ("bireal-resnet34", 32),
            ("reactnet-resnet18", 16), ("reactnet-a", 31), ("xnornet-nin", 7),
            ("irnet-resnet20", 18), ("recu-resnet20", 18), ("torchvision-resnet18", 0),
            ("torchvision-resnet34", 0),
        ])
    func `an imported network computes what PyTorch computes`(
        name: String, bitLayers: Int
    ) throws {
        let seed = name.utf8.reduce(0) { $0 + Int($1) }
        let network = try PublishedNetwork(name, seed: seed)
        try network.withFiles { folder in
            let models = try PublishedNetwork.files.map { try network.imported($0, in: folder) }
            let bytes = try models.map { try $0.file.serialized() }
            #expect(bytes.allSatisfy { $0 == bytes[0] }, "\(name), seed \(seed)")
            #expect(models[0].bitLayerCount == bitLayers)

            try network.expectLogits(of: models[0], in: folder)
        }
    }

    @Test func `sources have names, and networks of the published size`() throws {
        let sizes = [
            18: [64, 64, 128, 256, 512], 34: [64, 64, 128, 256, 512], 20: [16, 16, 32, 64],
        ]
        #expect(Set(ImportSources.all.map(\.name)).count == ImportSources.all.count)
        for source in ImportSources.all {
            #expect(ImportSources.named(source.name)?.title == source.title)
            guard let depth = Int(source.name.suffix(2)) else { continue }
            #expect(source.widths == sizes[depth] && source.side == (depth == 20 ? 32 : 224))
        }
        // torchvision states its numbers; that of ReActNet-A is what PyTorch counts of the authors' structure.
        for (name, expected) in [
            ("reactnet-a", 29_343_592), ("torchvision-resnet18", 11_689_512),
            ("torchvision-resnet34", 21_797_672),
        ] {
            let source = try #require(ImportSources.named(name))
            let plan = try source.plan(classes: 1000)
            let found = plan.layers.flatMap { source.parameters(of: $0, in: plan) }
                .filter { !$0.parameter.hasPrefix("running_") }
                .reduce(0) { $0 + $1.shape.reduce(1, *) }
            #expect(found == expected, "\(name): \(found)")
        }
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `images are prepared as ImageNet's are`() throws {
        let network = try PublishedNetwork("bireal-resnet18", seed: 4)
        try network.withFiles { folder in
            let rule = try #require(
                try network.imported("plain.pt", in: folder).file.metadata.preprocessing)
            // 64 pixels of 224, and 73 of 256.
            #expect(rule.width == 64 && rule.height == 64 && rule.resize == .shorterSide(73))
            #expect(rule.mean == [0.485, 0.456, 0.406] && rule.std == [0.229, 0.224, 0.225])
            #expect(rule.channels == .rgb && rule.orientation == .stored)
        }
    }
}
