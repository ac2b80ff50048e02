import BONNModelFormat
import Testing

/// A malformed file and the one way in which it is wrong.
struct Attack: Sendable, CustomTestStringConvertible {
    let name: String
    let code: ModelFormatError.Code
    let bytes: @Sendable () throws -> [UInt8]

    var testDescription: String { name }

    /// Bytes made from nothing.
    init(
        _ name: String, _ code: ModelFormatError.Code, _ bytes: @escaping @Sendable () -> [UInt8]
    ) {
        self.name = name
        self.code = code
        self.bytes = bytes
    }

    /// A valid model with one thing made wrong.
    init(
        _ name: String, _ code: ModelFormatError.Code,
        in model: @escaping @Sendable () -> ModelFile,
        _ change: @escaping @Sendable (inout Forge) throws -> Void
    ) {
        self.name = name
        self.code = code
        bytes = {
            var forge = try Forge(model())
            try change(&forge)
            return try forge.bytes()
        }
    }

    static func container(
        _ name: String, _ code: ModelFormatError.Code, _ header: String, data: Int = 0,
        length: UInt64? = nil
    ) -> Attack {
        Attack(name, code) {
            Forge.container(
                header: header, data: [UInt8](repeating: 0, count: data), length: length)
        }
    }

    /// Files that are wrong as safetensors or as JSON.
    static let onContainer: [Attack] = [
        Attack("an empty file", .fileTooShort) { [] },
        container(
            "a digest that is none", .digestMismatch, #"{"__metadata__":{"bonn_sha256":"abc"}}"#),
        container(
            "a digest of another file", .digestMismatch,
            "{\"__metadata__\":{\"bonn_sha256\":\"\(String(repeating: "5", count: 64))\"}}"),
        container(
            "a digest that stands in the header twice", .digestMismatch,
            "{\"__metadata__\":{\"bonn_sha256\":\"\(String(repeating: "5", count: 64))\","
                + "\"b\":\"\(String(repeating: "5", count: 64))\"}}"),
        Attack("nine bytes", .fileTooShort) { [2, 0, 0, 0, 0, 0, 0, 0, 0x7B] },
        container("a header length of 2^63", .headerTooLong, "{}", length: 1 << 63),
        container("a header length of 2^64 - 1", .headerTooLong, "{}", length: .max),
        container("a header of 17 MiB", .headerTooLong, "{}", length: 17 << 20),
        container("a header longer than the file", .headerTruncated, "{}", length: 3),
        container("a header of no bytes", .headerTruncated, "{}", length: 0),
        container("a header of one byte", .headerTruncated, "{}", length: 1),
        container("a header that starts with a space", .headerStart, " {}"),
        container("a header that is an array", .headerStart, "[]"),
        Attack("a PNG file", .headerTooLong) {
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 73, 72, 68, 82]
        },
        Attack("a pickle file", .headerTooLong) {
            [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        },
        Attack("a header that is not UTF-8", .invalidUTF8) {
            Forge.container(header: "", length: 4) + [0x7B, 0xFF, 0xFE, 0x7D]
        },
        Attack("an overlong UTF-8 sequence", .invalidUTF8) {
            Forge.container(header: "", length: 4) + [0x7B, 0xC0, 0xAF, 0x7D]
        },
        container("a header cut in the middle", .jsonSyntax, #"{"a":{"dtype""#),
        container("a comma too many", .jsonSyntax, #"{"a":1,}"#),
        container("text after the header's object", .jsonSyntax, "{} {}"),
        container("a number with a leading zero", .jsonSyntax, #"{"a":01}"#),
        container("an unpaired surrogate", .jsonSyntax, #"{"\ud800":1}"#),
        container("a raw line break in a string", .jsonSyntax, "{\"a\nb\":1}"),
        container(
            "a header nested 100 deep", .jsonTooDeep,
            #"{"a":"# + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
                + "}"),
        Attack("a header of a million values", .jsonTooLarge) {
            Forge.container(
                header: #"{"a":["# + String(repeating: "0,", count: 1_000_000) + "0]}")
        },
        container(
            "one tensor twice", .jsonDuplicateKey,
            #"{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"#
                + #""a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}"#),
        container("a tensor that is a number", .wrongType, #"{"a":1}"#),
        container("metadata that is a string", .wrongType, #"{"__metadata__":"x"}"#),
        container("metadata with a number", .wrongType, #"{"__metadata__":{"x":1}}"#),
        container("a tensor without shape", .missingKey, #"{"a":{"dtype":"I8"}}"#),
        container(
            "a tensor with a key of its own", .unknownKey,
            #"{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0],"codec":"zip"}}"#),
        container(
            "a tensor without name", .invalidName,
            #"{"":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}"#),
        container(
            "an unknown dtype", .unknownElementType,
            #"{"a":{"dtype":"I128","shape":[0],"data_offsets":[0,0]}}"#),
        container(
            "a negative dimension", .tensorSize,
            #"{"a":{"dtype":"I8","shape":[-1,-1],"data_offsets":[0,1]}}"#, data: 1),
        container(
            "a shape whose product overflows", .tensorSize,
            #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#),
        container(
            "a shape that overflows only in bytes", .tensorSize,
            #"{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}"#),
        container(
            "a dimension beyond 64 bits", .wrongType,
            #"{"a":{"dtype":"I8","shape":[99999999999999999999],"data_offsets":[0,0]}}"#),
        container(
            "a dimension with a fraction", .wrongType,
            #"{"a":{"dtype":"I8","shape":[1.0],"data_offsets":[0,1]}}"#, data: 1),
        container(
            "4-bit elements that fill half a byte", .tensorSize,
            #"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, data: 2),
        container(
            "more bytes than the shape needs", .tensorSize,
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, data: 8),
        container(
            "offsets in reverse", .dataOffsets,
            #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[1,0]}}"#, data: 1),
        container(
            "a negative offset", .dataOffsets,
            #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[-1,0]}}"#, data: 1),
        container(
            "an offset at the end of the address space", .dataOffsets,
            #"{"a":{"dtype":"I8","shape":[1],"#
                + #""data_offsets":[9223372036854775806,9223372036854775807]}}"#),
        container(
            "two tensors over the same bytes", .dataOverlap,
            #"{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"#
                + #""b":{"dtype":"I8","shape":[4],"data_offsets":[2,6]}}"#, data: 6),
        container(
            "many tensors that are the same bytes", .dataOverlap,
            "{"
                + (0..<100).map {
                    #""t\#($0)":{"dtype":"I8","shape":[64],"data_offsets":[0,64]}"#
                }.joined(separator: ",") + "}", data: 64),
        container(
            "a hole between two tensors", .dataHole,
            #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"#
                + #""b":{"dtype":"I8","shape":[1],"data_offsets":[2,3]}}"#, data: 3),
        container(
            "a hole before the first tensor", .dataHole,
            #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[1,2]}}"#, data: 2),
        container(
            "a tensor of a terabyte in a file of 100 bytes", .dataTruncated,
            #"{"a":{"dtype":"I8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#),
        container(
            "bytes after the last tensor", .dataTrailing,
            #"{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}"#, data: 2),
        container("no metadata", .notAModel, "{}"),
        container("another format", .notAModel, #"{"__metadata__":{"format":"pt"}}"#),
    ]
}
