import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct `Malformed files` {
    private static let corpus = Attack.onContainer + Attack.onMetadata + Attack.onGraph

    @Test(arguments: corpus) func `a malformed file is refused for what is wrong with it`(
        attack: Attack
    ) throws {
        let bytes = try attack.bytes()
        let error = try #require(throws: ModelFormatError.self) { try ModelFile(bytes: bytes) }
        #expect(error.code == attack.code, "\(error)")
        #expect(error.message.contains(": expected "), "\(error)")
        #expect(error.message.contains(", found "), "\(error)")
        #expect(error.message.utf8.count < 500, "\(error)")
        #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(error)")
    }

    @Test func `there is a malformed file for every code that a file can raise`() {
        // These need a value in memory that no file can spell, or a machine without memory.
        let inMemory: Set<ModelFormatError.Code> = [.thresholdLevels, .outOfMemory]
        let raised = Set(Self.corpus.map(\.code)).union(inMemory)
        #expect(Set(ModelFormatError.Code.allCases).subtracting(raised).isEmpty)
    }

    @Test func `a model that no file can spell is refused before it is written`() throws {
        func code(_ change: (inout ModelFile) -> Void) -> ModelFormatError.Code? {
            var model = Sample.smallest()
            change(&model)
            do {
                _ = try model.serialized()
                return nil
            } catch {
                return error.code
            }
        }
        func code(ofNode operation: BONNModelFormat.Operation) -> ModelFormatError.Code? {
            code {
                $0.metadata.graph.nodes.insert(
                    Node("added", operation, inputs: ["bits"]), at: 1)
            }
        }
        #expect(code { _ in } == nil)
        #expect(
            code {
                $0.metadata.graph.nodes[0].operation = .threshold(
                    Threshold(threshold: "t", direction: "d", levels: .byte))
            } == .thresholdLevels)
        #expect(code { $0.metadata.graph.input.element = .integer } == .inputElement)
        #expect(
            code(ofNode: .maxPool(Pool(window: Window(1), countsPadding: false)))
                == .invalidWindow)
        #expect(code(ofNode: .maxPool(Pool(window: Window(1, dilation: 2)))) == .invalidWindow)
        #expect(code(ofNode: .maxPool(Pool(window: Window(1)))) == nil)
        #expect(
            code { $0.tensors["__metadata__"] = ModelTensor(i8: [0], shape: [1]) }
                == .unreferencedTensor)
        #expect(code { $0.tensors["t"]?.bytes.removeLast() } == .tensorSize)
        #expect(
            code {
                $0.metadata.parity = ParityCertificate(
                    images: 1, top1Agreement: 1, maxAbsDifference: .nan, maxRelativeDifference: 0,
                    kernels: ["scalar"])
            } == .parity)
        #expect(
            code {
                $0.metadata.graph.nodes = (0...FormatLimits.nodes).map {
                    Node("n\($0)", .flatten, inputs: ["image"])
                }
            } == .limitExceeded)
    }

    @Test func `a file cut at any byte is refused`() throws {
        let bytes = try Sample.smallest().serialized()
        for count in 0..<bytes.count {
            #expect(throws: ModelFormatError.self, "cut to \(count) of \(bytes.count) bytes") {
                try ModelFile(bytes: Array(bytes[..<count]))
            }
        }
    }

    @Test func `a large file cut in its header or in any tensor is refused`() throws {
        let bytes = try Sample.everything().serialized()
        let ranges = try Safetensors.read(bytes).tensors.values.map(\.range)
        let edges = ranges.flatMap { [$0.lowerBound, $0.lowerBound + 1, $0.upperBound - 1] }
        for count in edges + Array(stride(from: 0, to: ranges[0].lowerBound, by: 61)) {
            #expect(throws: ModelFormatError.self, "cut to \(count) of \(bytes.count) bytes") {
                try ModelFile(bytes: Array(bytes[..<count]))
            }
        }
    }

    @Test func `a header with one flipped bit is refused or read as a valid model`() throws {
        let bytes = try Sample.smallest().serialized(digest: false)
        let dataStart = try #require(
            try Safetensors.read(bytes).tensors.values.map(\.range.lowerBound).min())
        var survivors = 0
        for index in 0..<dataStart {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                guard let model = try readUnlessRefused(flipped) else { continue }
                survivors += 1
                let again = try ModelFile(bytes: model.serialized()) == model
                #expect(again, "byte \(index), bit \(bit)")
            }
        }
        // Names and the spaces at the end may change; everything else must be noticed.
        #expect(survivors < dataStart)
    }

    @Test func `random damage never does worse than an error`() throws {
        let bytes = try Sample.uncertified().serialized(digest: false)
        for seed in UInt64(0)..<150 {
            var generator = SeededGenerator(seed: seed)
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<damaged.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: damaged[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: damaged.remove(at: index)
                case 2: damaged.insert(UInt8.random(in: 0...127, using: &generator), at: index)
                default:
                    let end = min(damaged.count, index + 20)
                    damaged.insert(contentsOf: damaged[index..<end], at: index)
                }
            }
            guard let model = try readUnlessRefused(damaged) else { continue }
            let again = try ModelFile(bytes: model.serialized()) == model
            #expect(again, "seed \(seed)")
        }
    }

    /// The model, or nil when the reader refuses it with its own error.
    private func readUnlessRefused(_ bytes: [UInt8]) throws -> ModelFile? {
        do throws(ModelFormatError) {
            return try ModelFile(bytes: bytes)
        } catch {
            #expect(!error.message.isEmpty)
            return nil
        }
    }
}
