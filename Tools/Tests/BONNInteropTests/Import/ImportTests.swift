import BONNInterop
import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

/// Networks of others, imported and run, against PyTorch.
@Suite struct ImportTests {
    @Test(
        .enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing),
        arguments: [("bonn-resnet18", 1), ("bireal-resnet18", 2), ("bireal-resnet34", 3)])
    func `an imported network computes what PyTorch computes`(name: String, seed: Int) throws {
        let network = try PublishedNetwork(name, seed: seed)
        try network.withFiles { folder in
            let models = try PublishedNetwork.files.map { try network.imported($0, in: folder) }
            let bytes = try models.map { try $0.file.serialized() }
            #expect(bytes.allSatisfy { $0 == bytes[0] }, "\(name), seed \(seed)")
            let isDeeper = name.hasSuffix("34")
            #expect(models[0].bitLayerCount == (isDeeper ? 32 : 16))

            let images = try network.numbers("images", of: Float.self, in: folder)
            let expected = try network.numbers("logits", of: Double.self, in: folder)
            let (count, classes) = (PublishedNetwork.imageCount, PublishedNetwork.classCount)
            let size = images.count / count
            var session = try InferenceSession(Model(try ModelFile(bytes: bytes[0])))
            for index in 0..<count {
                let found = try session.run(Array(images[index * size..<(index + 1) * size]))
                let logits = expected[index * classes..<(index + 1) * classes]
                let largest = try #require(logits.map(abs).max())
                let difference = zip(found, logits).map { abs(Double($0) - $1) }.max() ?? .infinity
                #expect(found.count == classes)
                #expect(
                    difference <= 1e-4 * largest,
                    "\(name), seed \(seed), image \(index): \(found), expected \(Array(logits))")
                #expect(
                    found.indices.max { found[$0] < found[$1] }
                        == (0..<classes).max {
                            logits[logits.startIndex + $0] < logits[logits.startIndex + $1]
                        })
            }
        }
    }

    @Test func `sources have names, networks of their size and images of 224 pixels`() throws {
        #expect(
            ImportSources.all.map(\.name) == [
                "bonn-resnet18", "bireal-resnet18", "bireal-resnet34",
            ])
        for source in ImportSources.all {
            #expect(source.widths == [64, 64, 128, 256, 512] && source.side == 224)
            #expect(ImportSources.named(source.name)?.title == source.title)
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
