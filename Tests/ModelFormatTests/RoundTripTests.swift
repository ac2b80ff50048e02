import BONNModelFormat
import Testing

@Suite struct `Round trip` {
    @Test func `a model read back from its bytes is the model that was written`() throws {
        for model in [Sample.everything(), Sample.smallest()] {
            let readBack = try ModelFile(bytes: model.serialized())
            let same = readBack == model
            #expect(same, "the model whose logits are \(model.metadata.graph.output)")
        }
    }

    @Test func `the orientation is always written, and read as it was written`() throws {
        for orientation in Preprocessing.Orientation.allCases {
            var model = Sample.everything()
            model.metadata.preprocessing?.orientation = orientation
            // Which vouches for another preprocessing.
            model.metadata.parity = nil
            let bytes = try model.serialized()
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains(#"\"orientation\":\"\#(orientation.rawValue)\""#))
            #expect(try ModelFile(bytes: bytes) == model)
        }
    }

    @Test func `the same model gives the same bytes`() throws {
        #expect(try Sample.everything().serialized() == Sample.everything().serialized())
    }

    @Test func `writing what was read gives the bytes that were read`() throws {
        let bytes = try Sample.everything().serialized()
        #expect(try ModelFile(bytes: bytes).serialized() == bytes)
    }

    @Test func `the data starts at a multiple of eight bytes and the widest elements come first`()
        throws
    {
        let bytes = try Sample.everything().serialized()
        let entries = try Safetensors.read(bytes).tensors.values.sorted {
            $0.range.lowerBound < $1.range.lowerBound
        }
        #expect(entries[0].range.lowerBound % 8 == 0)
        let alignments = entries.map(\.elementType.alignment)
        #expect(alignments == alignments.sorted(by: >))
        #expect(entries.allSatisfy { $0.range.lowerBound % $0.elementType.alignment == 0 })
    }

    @Test func `the inferred types of the sample are those worked out by hand`() throws {
        let types = try Sample.everything().validate()
        #expect(types["image"] == ValueType(shape: Shape(3, 8, 8), element: .real))
        #expect(types["stem"] == ValueType(shape: Shape(6, 8, 8), element: .real))
        #expect(types["bits"] == ValueType(shape: Shape(6, 8, 8), element: .signedBits))
        #expect(types["sums"] == ValueType(shape: Shape(70, 8, 8), element: .integer))
        #expect(types["levels"] == ValueType(shape: Shape(70, 8, 8), element: .unsignedBits))
        #expect(types["pooled_bits"] == ValueType(shape: Shape(70, 4, 4), element: .unsignedBits))
        #expect(types["scaled"] == ValueType(shape: Shape(6, 4, 4), element: .real))
        #expect(types["shortcut"] == ValueType(shape: Shape(6, 4, 4), element: .real))
        #expect(types["joined"] == ValueType(shape: Shape(18, 4, 4), element: .real))
        #expect(types["largest"] == ValueType(shape: Shape(18, 3, 3), element: .real))
        #expect(types["flat"] == ValueType(shape: Shape(162, 1, 1), element: .real))
        #expect(types["means"] == ValueType(shape: Shape(18, 1, 1), element: .real))
        #expect(types["quantized"] == ValueType(shape: Shape(18, 1, 1), element: .signedByte))
        #expect(types["byte_head"] == ValueType(shape: Shape(5, 1, 1), element: .real))
        #expect(types["sign_head"] == ValueType(shape: Shape(5, 1, 1), element: .real))
        #expect(types["details"] == ValueType(shape: Shape(5, 1, 1), element: .real))
        #expect(types["logits"] == ValueType(shape: Shape(5, 1, 1), element: .real))
        #expect(types["gated"] == ValueType(shape: Shape(5, 1, 1), element: .real))
        #expect(types["map"] == ValueType(shape: Shape(1, 3, 3), element: .real))
        #expect(types["by_pixel"] == ValueType(shape: Shape(18, 3, 3), element: .real))
        #expect(types["by_channel"] == ValueType(shape: Shape(18, 3, 3), element: .real))
        #expect(types.count == 32)
    }
}
