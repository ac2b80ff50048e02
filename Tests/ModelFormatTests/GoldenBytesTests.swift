import BONNModelFormat
import Testing

@Suite struct `Golden bytes` {
    /// The smallest model, spelled out: a change here breaks every file that exists.
    private static let header =
        #"{"__metadata__":{"format":"bonn","format_version":"2","#
        + #""conventions":"{\"bit_one\":\"minus_one\",\"bit_one_unsigned\":\"zero\","#
        + #"\"sign_of_zero\":\"plus_one\",\"word\":\"u64_little_endian\","#
        + #"\"channel_order\":\"least_significant_first\",\"tail_bits\":\"zero\","#
        + #"\"binary_weight_layout\":\"output_height_width_word\","#
        + #"\"real_weight_layout\":\"output_channel_height_width\","#
        + #"\"real_sums\":\"float32_fused_multiply_add_chain\"}","#
        + #""graph":"{\"input\":{\"name\":\"image\",\"shape\":[2,1,1],\"element\":\"byte\"},"#
        + #"\"nodes\":[{\"name\":\"bits\",\"operation\":\"threshold\",\"inputs\":[\"image\"],"#
        + #"\"threshold\":\"t\",\"direction\":\"d\",\"levels\":\"signed_bits\"},"#
        + #"{\"name\":\"logits\",\"operation\":\"binary_linear\",\"inputs\":[\"bits\"],"#
        + #"\"input_features\":2,\"weight\":\"w\"}],\"output\":\"logits\"}","#
        + #""bonn_sha256":"3cb6558e7676182331b83ab48bffe3d58c6cc65e89caf59cc6614486fdf3143d"},"#
        + #""w":{"dtype":"U64","shape":[3,1],"data_offsets":[0,24]},"#
        + #""t":{"dtype":"F32","shape":[2],"data_offsets":[24,32]},"#
        + #""d":{"dtype":"I8","shape":[2],"data_offsets":[32,34]}}"#
    private static let data: [UInt8] = [
        1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // w
        0x00, 0x00, 0xFF, 0x42, 0x00, 0x00, 0x40, 0x40,  // t: 127.5, 3
        1, 0xFF,  // d
    ]

    @Test func `the smallest model is written as these bytes and read from them`() throws {
        let padding = (8 - Self.header.utf8.count % 8) % 8
        let bytes = Forge.container(
            header: Self.header + String(repeating: " ", count: padding), data: Self.data)
        #expect(try Sample.smallest().serialized() == bytes)
        let model = try ModelFile(bytes: bytes)
        #expect(model == Sample.smallest())
    }

    @Test func `keys with a default may be left out`() throws {
        var forge = try Forge(Sample.uncertified())
        forge.replace(
            #""kernel":[3,3],"stride":[1,1],"padding":[2,2,2,2],"dilation":[2,2],"#
                + #""padding_value":"plus_one","groups":1,"#,
            #""padding_value":"plus_one","kernel":[3,3],"padding":[1,1,1,1],"#)
        let model = try ModelFile(bytes: forge.bytes())
        let node = try #require(model.metadata.graph.nodes.first { $0.name == "scaled" })
        guard case .binaryConvolution(let convolution) = node.operation else {
            Issue.record("'scaled' is \(node.operation.name)")
            return
        }
        #expect(convolution.window == Window(3, stride: 1, padding: 1))
        #expect(convolution.groups == 1)
    }
}
