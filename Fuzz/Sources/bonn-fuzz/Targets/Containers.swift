import BONNModelFormat
import BONNTestSupport

extension Target {
    /// safetensors files. One that is read is written again to a file with the same contents, and where it
    /// states a digest, no file with another bit does so too.
    static let safetensors = Target(
        name: "safetensors",
        check: { bytes in
            let first = try contents(bytes)
            let written = try promise("writing what was read") {
                try Safetensors.write(
                    metadata: first.metadata, tensors: first.tensors, digest: first.hasDigest)
            }
            let second = try promise("reading what was written") { try contents(written) }
            try promise(
                first.metadata.map(\.key) == second.metadata.map(\.key)
                    && first.metadata.map { Array($0.value.utf8) }
                        == second.metadata.map { Array($0.value.utf8) },
                "other metadata after writing")
            try promise(first.tensors == second.tensors, "other tensors after writing")
            try promise(first.hasDigest == second.hasDigest, "the digest came or went in writing")
            if first.hasDigest {
                let flipped = flippingOneBit(of: bytes)
                try promise(
                    (try? contents(flipped))?.hasDigest != true, "a flipped bit goes unnoticed")
            }
            return true
        },
        seeds: {
            let all = Safetensors.ElementType.allCases.map { type in
                Safetensors.Tensor(
                    name: Name("layer.\(type.rawValue)"), elementType: type, shape: [2, 4],
                    bytes: (0..<UInt8(type.bits)).map { $0 })
            }
            let scalar = Safetensors.Tensor(
                name: "é", elementType: .f32, shape: [], bytes: [0, 0, 128, 63])
            let empty = Safetensors.Tensor(
                name: "e\u{301}", elementType: .u8, shape: [0, 3], bytes: [])
            return [
                try? Safetensors.write(metadata: [("format", "pt")], tensors: all),
                try? Safetensors.write(tensors: [scalar, empty], digest: false),
                try? Safetensors.write(metadata: [("a", "1"), ("b", "{}")], tensors: [scalar]),
            ].compactMap(\.self)
        },
        mutate: ContainerMutation.safetensors)

    private static func contents(
        _ bytes: [UInt8]
    ) throws -> (
        metadata: [(key: Name, value: String)], tensors: [Safetensors.Tensor], hasDigest: Bool
    ) {
        let contents = try Safetensors.read(bytes)
        return (
            contents.metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) },
            contents.tensors.sorted { $0.key < $1.key }.map { name, entry in
                Safetensors.Tensor(
                    name: name, elementType: entry.elementType, shape: entry.shape,
                    bytes: Array(bytes[entry.range]))
            }, contents.digest != nil
        )
    }

    /// JSON texts. One that is accepted, written and read again is the same value, and is written in the
    /// same way again.
    static let json = Target(
        name: "json",
        check: { bytes in
            let value = try JSONValue(
                parsing: bytes[...], place: "text", maximumDepth: 16, maximumValues: 10_000)
            let text = value.text
            let again = try promise("reading what was written") {
                try JSONValue(parsing: text, place: "what was written")
            }
            try promise(again == value, "what was written is another value")
            try promise(again.text.utf8.elementsEqual(text.utf8), "written in another way")
            return true
        },
        seeds: {
            let texts = [
                #"{"a":[1,-2.5e-3,true,false,null],"é":"\u00e9\n\"\\\/","":{}}"#,
                #" [ 0 , -0 , 1E+10 , 123456789012345678901234567890 , "\ud83d\ude00" ] "#,
                #"[[[[[[[[]]]]]]]]"#, "\"text\"", "3.14",
                JSONValue.object([JSONMember("graph", .ints([1, 2, 3]))]).text,
            ]
            let digits = Array("0123456789abcdef")
            let controls = (0..<32).map { "\\u00\(digits[$0 / 16])\(digits[$0 % 16])" }.joined()
            return (texts + ["\"\(controls)\""]).map { Array($0.utf8) }
        },
        mutate: { bytes, capacity, generator in
            guard !generator.oneIn(2),
                let value = try? JSONValue(parsing: bytes[...], place: "text", maximumDepth: 16)
            else { return changedByLibFuzzer(bytes, capacity: capacity) }
            return Array(JSONMutation(value).change(value, &generator).text.utf8)
        })

    /// The bytes with one bit changed, a different one for different bytes; every other time near the
    /// start, where the header and its digest are.
    static func flippingOneBit(of bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        let number = bytes.reduce(UInt(bytes.count)) { ($0 ^ UInt($1)) &* 0x100_0000_01B3 }
        let range = number & 1 == 0 ? bytes.count : min(bytes.count, 512)
        let bit = Int(number >> 8 % UInt(8 * range))
        bytes[bit / 8] ^= 1 << (bit % 8)
        return bytes
    }
}
