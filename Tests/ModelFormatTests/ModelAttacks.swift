import BONNModelFormat
import Testing

extension Attack {
    private static func small(
        _ name: String, _ code: ModelFormatError.Code,
        _ change: @escaping @Sendable (inout Forge) throws -> Void
    ) -> Attack {
        Attack(name, code, in: Sample.smallest, change)
    }

    private static func large(
        _ name: String, _ code: ModelFormatError.Code,
        _ change: @escaping @Sendable (inout Forge) throws -> Void
    ) -> Attack {
        Attack(name, code, in: Sample.everything, change)
    }

    /// Files whose metadata are wrong.
    static let onMetadata: [Attack] = [
        small("a version of tomorrow", .unsupportedVersion) { $0.metadata["format_version"] = "3" },
        small("no version", .unsupportedVersion) { $0.metadata["format_version"] = nil },
        small("no graph", .missingKey) { $0.metadata["graph"] = nil },
        small("no conventions", .missingKey) { $0.metadata["conventions"] = nil },
        small("an unknown key of the metadata", .unknownKey) { $0.metadata["licence"] = "MIT" },
        small("bits that mean +1", .conventionMismatch) {
            $0.replace(#""bit_one":"minus_one""#, #""bit_one":"plus_one""#, in: "conventions")
        },
        small("a sign of zero of -1", .conventionMismatch) {
            $0.replace(
                #""sign_of_zero":"plus_one""#, #""sign_of_zero":"minus_one""#, in: "conventions")
        },
        small("a convention left out", .missingKey) {
            $0.replace(#""tail_bits":"zero","#, "", in: "conventions")
        },
        small("a convention nobody knows", .unknownKey) {
            $0.replace(#"{"bit_one""#, #"{"phase_of_moon":"full","bit_one""#, in: "conventions")
        },
        small("a graph that is not JSON", .jsonSyntax) { $0.metadata["graph"] = "{nodes}" },
        small("a graph nested 200 deep", .jsonTooDeep) {
            $0.metadata["graph"] =
                String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        },
        small("a graph that is a list", .wrongType) { $0.metadata["graph"] = "[]" },
        small("a graph with a key of its own", .unknownKey) {
            $0.replace(#"{"input""#, #"{"comment":"hi","input""#)
        },
        large("a class too few", .classNames) {
            $0.replace(#""cat","#, "", in: "class_names")
        },
        large("a class that is a number", .wrongType) {
            $0.replace(#""cat""#, "7", in: "class_names")
        },
        large("a provenance that is a number", .wrongType) {
            $0.replace(#""0.66""#, "0.66", in: "provenance")
        },
        large("preprocessing to another size", .preprocessing) {
            $0.replace(#""width":8"#, #""width":9"#, in: "preprocessing")
        },
        large("preprocessing to one channel", .preprocessing) {
            $0.replace(#""rgb""#, #""gray""#, in: "preprocessing")
        },
        large("preprocessing with two means", .preprocessing) {
            $0.replace("[0.4914,", "[", in: "preprocessing")
        },
        large("a std of zero", .preprocessing) { $0.replace("0.247", "0", in: "preprocessing") },
        large("a mean beyond float32", .wrongType) {
            $0.replace("0.4914", "1e39", in: "preprocessing")
        },
        large("a resize smaller than the crop", .preprocessing) {
            $0.replace(#""pixels":10"#, #""pixels":7"#, in: "preprocessing")
        },
        large("an unknown resize", .unknownName) {
            $0.replace("shorter_side", "longer_side", in: "preprocessing")
        },
        large("an unknown orientation", .unknownName) {
            $0.replace(#""stored""#, #""upright""#, in: "preprocessing")
        },
        large("a channel order that is not ours", .unknownName) {
            $0.replace(#""rgb""#, #""bgr""#, in: "preprocessing")
        },
        small("normalised bytes", .preprocessing) {
            $0.replace(#""shape":[2,1,1]"#, #""shape":[1,1,2]"#)
            $0.metadata["preprocessing"] =
                #"{"width":2,"height":1,"resize":{"rule":"none"},"channels":"gray","#
                + #""mean":[0.5],"std":[1]}"#
            $0.replace(
                #""operation":"threshold","inputs":["image"]"#,
                #""operation":"threshold","inputs":["flat"]"#)
            $0.replace(
                #""nodes":["#,
                #""nodes":[{"name":"flat","operation":"flatten","inputs":["image"]},"#)
        },
        large("an agreement of 110 %", .parity) { $0.replace("0.999", "1.1", in: "parity") },
        large("a certificate of no image", .parity) { $0.replace("1000", "0", in: "parity") },
        large("a negative difference", .parity) { $0.replace("1.25e-06", "-1", in: "parity") },
        large("a certificate without kernels", .parity) {
            $0.replace(#"["scalar","avx2"]"#, "[]", in: "parity")
        },
    ]

    /// Files whose graph or tensors are wrong.
    static let onGraph: [Attack] = [
        small("an unknown operation", .unknownOperation) {
            $0.replace("binary_linear", "quantum_linear")
        },
        small("an unknown key of a node", .unknownKey) {
            $0.replace(#""input_features":2"#, #""input_features":2,"mode":"fast""#)
        },
        small("a node without name", .missingKey) { $0.replace(#""name":"bits","#, "") },
        small("a node with an empty name", .invalidName) {
            $0.replace(#""name":"bits""#, #""name":"""#)
            $0.replace(#""inputs":["bits"]"#, #""inputs":[""]"#)
        },
        small("a control character in a name", .invalidName) {
            $0.replace(#""name":"bits""#, #""name":"bi\u001b[2Jts""#)
            $0.replace(#""inputs":["bits"]"#, #""inputs":["bi\u001b[2Jts"]"#)
        },
        small("a name of 600 bytes", .invalidName) {
            let long = String(repeating: "b", count: 600)
            $0.replace(#""name":"bits""#, #""name":"\#(long)""#)
            $0.replace(#""inputs":["bits"]"#, #""inputs":["\#(long)"]"#)
        },
        small("a node named like the input", .duplicateName) {
            $0.replace(#""name":"bits""#, #""name":"image""#)
        },
        small("two nodes of one name", .duplicateName) {
            $0.replace(#""name":"logits""#, #""name":"bits""#)
        },
        small("a value read before it is defined", .undefinedValue) {
            $0.replace(#""inputs":["image"]"#, #""inputs":["logits"]"#)
        },
        small("a node that reads itself", .undefinedValue) {
            $0.replace(#""inputs":["image"]"#, #""inputs":["bits"]"#)
        },
        small("an output that does not exist", .undefinedValue) {
            $0.replace(#""output":"logits""#, #""output":"nothing""#)
        },
        small("an output of bits", .graphOutput) {
            $0.replace(#""output":"logits""#, #""output":"bits""#)
        },
        large("an output that is a picture", .graphOutput) {
            $0.replace(#""output":"logits""#, #""output":"largest""#)
        },
        small("a layer of two inputs", .inputCount) {
            $0.replace(#""inputs":["bits"]"#, #""inputs":["bits","bits"]"#)
        },
        small("a layer of no input", .inputCount) {
            $0.replace(#""inputs":["bits"]"#, #""inputs":[]"#)
        },
        large("an addition of three", .inputCount) {
            $0.replace(#"["scaled","shortcut"]"#, #"["scaled","shortcut","shortcut"]"#)
        },
        large("a concatenation of one", .inputCount) {
            $0.replace(#"["bent","rectified","clamped"]"#, #"["bent"]"#)
        },
        small("a binary layer on bytes", .inputElement) {
            $0.replace(#""inputs":["bits"]"#, #""inputs":["image"]"#)
        },
        large("a convolution of bits in floats", .inputElement) {
            $0.replace(
                #""operation":"relu","inputs":["sum"]"#, #""operation":"relu","inputs":["bits"]"#)
        },
        small("an input of bits", .unknownName) { $0.replace(#""byte""#, #""signed_bits""#) },
        large("an addition of two shapes", .inputShape) {
            $0.replace(#"["scaled","shortcut"]"#, #"["scaled","norm"]"#)
        },
        large("a concatenation of two sizes", .inputShape) {
            $0.replace(#"["bent","rectified","clamped"]"#, #"["bent","rectified","norm"]"#)
        },
        large("a fully connected layer on a picture", .inputShape) {
            $0.replace(
                #""inputs":["means"],"weight":"linear.weight""#,
                #""inputs":["joined"],"weight":"linear.weight""#)
        },
        large("a product of two shapes", .inputShape) {
            $0.replace(#"["largest","map"]"#, #"["largest","joined"]"#)
        },
        large("a product of a gate and what it opens", .inputShape) {
            $0.replace(#"["largest","map"]"#, #"["map","largest"]"#)
        },
        large("a product with a channel too few", .inputShape) {
            $0.replace(#"["by_pixel","means"]"#, #"["by_pixel","gate"]"#)
        },
        large("a product with pixels of another size", .inputShape) {
            $0.replace(
                #""by_channel","operation":"multiply","inputs":["by_pixel","means"]"#,
                #""by_channel","operation":"multiply","inputs":["joined","map"]"#)
        },
        large("a product with bits", .inputElement) {
            $0.replace(#"["largest","map"]"#, #"["largest","flat_bits"]"#)
        },
        large("a product of one", .inputCount) {
            $0.replace(#"["largest","map"]"#, #"["largest"]"#)
        },
        large("a sigmoid of bits", .inputElement) {
            $0.replace(
                #""operation":"sigmoid","inputs":["sign_head"]"#,
                #""operation":"sigmoid","inputs":["flat_bits"]"#)
        },
        small("more input features than there are", .inputShape) {
            $0.replace(#""input_features":2"#, #""input_features":3"#)
        },
        large("fewer input channels than there are", .inputShape) {
            $0.replace(#""input_channels":70"#, #""input_channels":69"#)
        },
        small("an input of 2^60 channels", .limitExceeded) {
            $0.replace("[2,1,1]", "[1152921504606846976,1,1]")
        },
        small("an input whose size overflows", .limitExceeded) {
            $0.replace("[2,1,1]", "[9223372036854775807,2,2]")
        },
        small("an input of negative size", .limitExceeded) { $0.replace("[2,1,1]", "[2,-1,-1]") },
        small("an input of no channel", .limitExceeded) { $0.replace("[2,1,1]", "[0,1,1]") },
        small("values of 320 million elements together", .limitExceeded) { forge in
            forge.replace("[2,1,1]", "[2,4000,8000]")
            let copies = (0..<5).map {
                #"{"name":"c\#($0)","operation":"threshold","inputs":["image"],"#
                    + #""threshold":"t","direction":"d","levels":"signed_bits"},"#
            }
            forge.replace(#""nodes":["#, #""nodes":["# + copies.joined())
        },
        small("a pooling that takes an hour", .limitExceeded) {
            $0.replace("[2,1,1]", "[2,4000,8000]")
            $0.replace(
                #"{"name":"logits""#,
                #"{"name":"slow","operation":"max_pool","inputs":["bits"],"kernel":[1024,1024],"#
                    + #""stride":[1,1]},{"name":"logits""#)
        },
        small("a binary sum of 17 million terms", .limitExceeded) {
            $0.replace("[2,1,1]", "[17,1024,1024]")
            try $0.set("t", ModelTensor(f32: [Float](repeating: 0, count: 17), shape: [17]))
            try $0.set("d", Sample.directions(17))
            $0.replace(
                #""operation":"binary_linear","inputs":["bits"],"input_features":2"#,
                #""operation":"binary_convolution","inputs":["bits"],"input_channels":17,"#
                    + #""kernel":[1024,1024],"padding_value":"zero""#)
        },
        large("signed bytes that are added", .inputElement) {
            $0.replace(
                #""inputs":["sum_of_heads","byte_head"]"#, #""inputs":["quantized","byte_head"]"#)
        },
        large("signed bytes and weights without a scale", .scaleRule) {
            $0.replace(#","weight_scale":"byte_head.scale""#, "")
        },
        large("a quantisation with a rate a channel", .tensorShape) {
            try $0.set(
                "quantized.rate", ModelTensor(f32: [Float](repeating: 1, count: 18), shape: [18]))
        },
        large("a kernel of a thousand million", .invalidWindow) {
            $0.replace(#""kernel":[3,2]"#, #""kernel":[1000000000,2]"#)
        },
        large("a stride of zero", .invalidWindow) {
            $0.replace(
                #""inputs":["joined"],"kernel":[2,2],"stride":[1,1]"#,
                #""inputs":["joined"],"kernel":[2,2],"stride":[0,1]"#)
        },
        large("a negative padding", .invalidWindow) {
            $0.replace(#""padding":[2,0,1,0]"#, #""padding":[-2,0,1,0]"#)
        },
        large("three paddings", .wrongType) {
            $0.replace(#""padding":[2,0,1,0]"#, #""padding":[2,0,1]"#)
        },
        large("a pooling window of padding alone", .invalidWindow) {
            $0.replace(
                #""inputs":["joined"],"kernel":[2,2],"stride":[1,1],"padding":[0,0,0,0]"#,
                #""inputs":["joined"],"kernel":[2,2],"stride":[1,1],"padding":[2,0,0,0]"#)
        },
        large("a window larger than the picture", .windowTooLarge) {
            $0.replace(#""dilation":[2,2]"#, #""dilation":[9,2]"#)
        },
        large("groups that do not divide the channels", .invalidGroups) {
            $0.replace(#""groups":2"#, #""groups":4"#)
        },
        large("no group", .invalidGroups) { $0.replace(#""groups":2"#, #""groups":0"#) },
        large("an unknown padding", .unknownName) { $0.replace("plus_one", "reflect") },
        large("padding of -1 around levels 0 and 1", .paddingValue) {
            $0.replace("plus_one", "minus_one")
        },
        small("a threshold to real numbers", .unknownName) {
            $0.replace(#""levels":"signed_bits""#, #""levels":"real""#)
        },
        large("a bias without scale", .scaleRule) {
            $0.replace(#","scale":"votes.scale""#, "")
        },
        large("8-bit weights without scale", .scaleRule) {
            $0.replace(#","weight_scale":"stem.scale""#, "")
        },
        large("signs without a scale", .scaleRule) {
            $0.replace(#","weight_scale":"sign_head.scale""#, "")
        },
        large("signs with two scales for five outputs", .tensorShape) {
            try $0.set("details.scale", ModelTensor(f32: [1, 2], shape: [2]))
        },
        large("an infinite scale of signs", .nonFinite) {
            try $0.set("sign_head.scale", ModelTensor(f32: [.infinity], shape: [1]))
        },
        large("one scale for 8-bit weights of five outputs", .tensorShape) {
            try $0.set("byte_head.scale", ModelTensor(f32: [1], shape: [1]))
        },
        large("real weights with a scale", .tensorType) {
            $0.replace(
                #""weight":"linear.weight""#,
                #""weight":"linear.weight","weight_scale":"sign_head.scale""#)
        },
        large("signs for signed bytes", .tensorType) {
            $0.replace(
                #""inputs":["means"],"weight":"sign_head.weight""#,
                #""inputs":["quantized"],"weight":"sign_head.weight""#)
        },
        large("signs in the layout of real weights", .tensorShape) {
            try $0.set(
                "details.weight",
                ModelTensor(u64: [UInt64](repeating: 0, count: 45), shape: [5, 1, 3, 3]))
        },
        large("a tail bit of signs that multiply real numbers", .tailBits) {
            var words = [UInt64](repeating: 0, count: 45)
            words[44] = 1 << 18
            try $0.set("details.weight", ModelTensor(u64: words, shape: [5, 3, 3, 1]))
        },
        small("a tensor that is not there", .missingTensor) {
            $0.replace(#""weight":"w""#, #""weight":"v""#)
        },
        small("a tensor that nobody uses", .unreferencedTensor) {
            $0.tensors.append(
                Safetensors.Tensor(name: "z", elementType: .u64, shape: [0], bytes: []))
        },
        small("thresholds in 16 bits", .tensorType) {
            $0.tensors[1] = Safetensors.Tensor(
                name: "t", elementType: .f16, shape: [2], bytes: [0, 0, 0, 0])
        },
        small("integer thresholds for pixels", .tensorType) {
            try $0.set("t", ModelTensor(i32: [1, 2], shape: [2]))
        },
        small("a threshold too few", .tensorShape) {
            try $0.set("t", ModelTensor(f32: [1], shape: [1]))
        },
        small("weights of the wrong rank", .tensorShape) {
            try $0.set("w", ModelTensor(u64: [1, 2, 0], shape: [3]))
        },
        small("a weight without outputs", .tensorShape) {
            try $0.set("w", ModelTensor(u64: [], shape: [0, 1]))
        },
        small("a scalar as weight", .tensorShape) {
            try $0.set("w", ModelTensor(u64: [1], shape: []))
        },
        large("a kernel of another size", .tensorShape) {
            $0.replace(#""kernel":[3,2]"#, #""kernel":[2,3]"#)
        },
        small("a NaN threshold", .nonFinite) {
            try $0.set("t", ModelTensor(f32: [1, -.nan], shape: [2]))
        },
        large("an infinite scale", .nonFinite) {
            try $0.set("scaled.scale", ModelTensor(f32: [-.infinity], shape: [1]))
        },
        large("a NaN in a weight", .nonFinite) {
            var weights = [Float](repeating: 0, count: 90)
            weights[89] = .nan
            try $0.set("linear.weight", ModelTensor(f32: weights, shape: [5, 18]))
        },
        small("a direction of 2", .thresholdDirection) {
            try $0.set("d", ModelTensor(i8: [1, 2], shape: [2]))
        },
        small("a direction of -128", .thresholdDirection) {
            try $0.set("d", ModelTensor(i8: [-128, 1], shape: [2]))
        },
        small("a tail bit of a fully connected layer", .tailBits) {
            try $0.set("w", ModelTensor(u64: [0, 0, 0b100], shape: [3, 1]))
        },
        large("a tail bit of a convolution", .tailBits) {
            var words = [UInt64](repeating: 0, count: 108)
            words[107] = 1 << 6
            try $0.set("scaled.weight", ModelTensor(u64: words, shape: [6, 3, 3, 2]))
        },
        small("data at odd bytes", .dataMisaligned) { $0.headerPadding = 1 },
        small("words at a multiple of four bytes", .dataMisaligned) { $0.headerPadding = 4 },
    ]
}
