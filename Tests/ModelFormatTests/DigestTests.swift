import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct `Digests of files` {
    private func refusal(of bytes: [UInt8]) -> ModelFormatError? {
        do throws(ModelFormatError) {
            _ = try ModelFile(bytes: bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func `every single bit that flips is noticed`() throws {
        let bytes = try Sample.smallest().serialized()
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                #expect(refusal(of: flipped) != nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func `a bit that flips in the data is called damage, whatever it means`() throws {
        let bytes = try Sample.everything().serialized()
        let start = try #require(
            try Safetensors.read(bytes).tensors.values.map(\.range.lowerBound).min())
        var generator = SeededGenerator(seed: 75)
        for _ in 0..<2_000 {
            var flipped = bytes
            let index = Int.random(in: start..<bytes.count, using: &generator)
            flipped[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect(refusal(of: flipped)?.code == .digestMismatch, "byte \(index)")
        }
    }

    @Test func `a file says whether it states its digest`() throws {
        let model = Sample.smallest()
        let sealed = try ModelFile.read(model.serialized())
        #expect(sealed.seal.formatVersion == "2" && sealed.seal.digest != nil)
        let open = try ModelFile.read(model.serialized(digest: false))
        #expect(open.seal.digest == nil)
        #expect(open.model == sealed.model)
    }

    @Test func `a text of zeros beside the digest does no harm`() throws {
        var model = Sample.smallest()
        model.metadata.provenance = [
            "zeros": String(repeating: "0", count: 100),
            "bonn_sha256": String(repeating: "0", count: 64),
        ]
        #expect(try ModelFile(bytes: model.serialized()) == model)
    }

    @Test func `a certificate is bound to the model that earns it`() throws {
        var model = Sample.everything()
        let certificate = try #require(model.metadata.parity)
        let bytes = try model.serialized()
        model.metadata.parity = nil
        var unbound = certificate
        unbound.network = nil
        #expect(try model.serialized(earning: unbound) == bytes)
        #expect(try ModelFile(bytes: bytes).metadata.parity == certificate)
    }

    @Test func `a certificate does not survive a change of what was certified`() throws {
        func refusal(_ change: (inout ModelFile) -> Void) -> ModelFormatError.Code? {
            var model = Sample.everything()
            change(&model)
            do throws(ModelFormatError) {
                _ = try ModelFile(bytes: model.serialized())
                return nil
            } catch {
                return error.code
            }
        }
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.metadata.provenance["license"] = "none" } == nil)
        #expect(refusal { $0.metadata.classNames.swapAt(0, 1) } == .parity)
        #expect(refusal { $0.metadata.preprocessing?.mean[0] += 0.01 } == .parity)
        #expect(refusal { $0.metadata.preprocessing?.resize = .stretch } == .parity)
        #expect(refusal { $0.metadata.preprocessing?.orientation = .exif } == .parity)
        #expect(
            refusal { model in
                let weight = model.tensors["scaled.weight"]!
                model.tensors["scaled.weight"] = ModelTensor(
                    u64: weight.words().map { $0 ^ 1 }, shape: weight.shape)
            } == .parity)
        #expect(refusal { $0.metadata.graph.nodes[11].operation = .relu } == .parity)
        #expect(refusal { $0.metadata.parity?.network = nil } == .parity)
    }

    @Test func `a certificate counts only in a file with a digest, or of version 1`() throws {
        var model = Sample.everything()
        let error = #expect(throws: ModelFormatError.self) { try model.serialized(digest: false) }
        #expect(error?.code == .parity)

        var forge = try Forge(model)
        let withoutDigest = try Safetensors.write(
            metadata: forge.metadata.map { ($0.key, $0.value) }, tensors: forge.tensors,
            digest: false)
        #expect(refusal(of: withoutDigest)?.code == .parity)

        forge.metadata["format_version"] = "1"
        model.metadata.parity?.network = nil
        forge.metadata["parity"] =
            #"{"images":1000,"top1_agreement":0.999,"#
            + #""max_abs_difference":1.25e-6,"max_relative_difference":3e-7,"#
            + #""kernels":["scalar","avx2"]}"#
        let old = try Safetensors.write(
            metadata: forge.metadata.map { ($0.key, $0.value) }, tensors: forge.tensors,
            digest: false)
        let read = try ModelFile.read(old)
        #expect(read.model == model)
        #expect(read.seal.formatVersion == "1" && read.seal.digest == nil)
    }
}
