import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct `JSON` {
    @Test func `valid texts are read as what they say`() throws {
        let cases: [(String, JSONValue)] = [
            ("null", .null), (" true\n", .bool(true)), ("false", .bool(false)), ("[]", .array([])),
            ("{}", .object([])), ("0", .int(0)), ("-12", .int(-12)), (#""""#, .string("")),
            (#"["a", 1 ,[{}]]"#, .array([.string("a"), .int(1), .array([.object([])])])),
            (#"{"b":1,"a":2}"#, .object([JSONMember("b", .int(1)), JSONMember("a", .int(2))])),
            (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")),
            (#""\u00e9\u4F60\ud83d\udc34""#, .string("é你🐴")), (#""é你🐴""#, .string("é你🐴")),
            (#""\u0000""#, .string("\0")), (#""\u007f""#, .string("\u{7f}")),
            (#""\ufffd""#, .string("\u{fffd}")), ("\"\u{fffd}\"", .string("\u{fffd}")),
            (#"{"":{"":[]}}"#, .object([JSONMember("", .object([JSONMember("", .array([]))]))])),
        ]
        for (text, value) in cases {
            #expect(try JSONValue(parsing: text, place: "test") == value, "\(text)")
        }
    }

    private static let malformed = [
        "", " ", "nul", "tru", "True", "NaN", "Infinity", "-Infinity", "+1", ".5", "5.", "-", "1e",
        "1e+", "0x10", "00", "-01", "1_000", "[", "]", "[1,]", "[,1]", "[1 2]", "[1", "{", "{]",
        #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,}"#, #"{a:1}"#, #"{'a':1}"#, #"{1:1}"#, "1 2",
        #"""#, #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\ud800\u0041""#,
        #""\udc00""#, #""\ud800\ud800""#, "\"\u{1}\"", "\"a\tb\"", "\u{FEFF}{}", "// hi\n1",
        "[1]/*x*/", "\u{a0}1", #"{"a":1 "b":2}"#, "\0", "1\0",
    ]

    @Test func `malformed text is refused`() throws {
        for text in Self.malformed {
            let error = try #require(throws: ModelFormatError.self, "\(text.debugDescription)") {
                try JSONValue(parsing: text, place: "test")
            }
            #expect(error.code == .jsonSyntax, "\(text.debugDescription): \(error)")
            #expect(error.message.hasPrefix("test, byte "), "\(error)")
        }
    }

    @Test(
        arguments: [
            [0xFF], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
            [0x22, 0xC0, 0x80, 0x22], [0x22, 0x80, 0x22], [0x22, 0xE2, 0x82],
        ] as [[UInt8]]) func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) throws
    {
        let error = try #require(throws: ModelFormatError.self) {
            try JSONValue(parsing: bytes[...], place: "test")
        }
        #expect(error.code == .invalidUTF8)
    }

    @Test func `keys must be unique, also when they are spelled differently`() throws {
        for text in [#"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#, #"[{"x":{"b":1,"b":2}}]"#] {
            let error = try #require(throws: ModelFormatError.self) {
                try JSONValue(parsing: text, place: "test")
            }
            #expect(error.code == .jsonDuplicateKey, "\(text)")
        }
        _ = try JSONValue(parsing: #"[{"a":1},{"a":1}]"#, place: "test")
    }

    @Test func `depth and number of values are limited exactly`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue(parsing: nested(64), place: "test")
        let deep = try #require(throws: ModelFormatError.self) {
            try JSONValue(parsing: nested(65), place: "test")
        }
        #expect(deep.code == .jsonTooDeep)
        _ = try JSONValue(parsing: "[1,2,3]", place: "test", maximumValues: 4)
        let large = try #require(throws: ModelFormatError.self) {
            try JSONValue(parsing: "[1,2,3,4]", place: "test", maximumValues: 4)
        }
        #expect(large.code == .jsonTooLarge)
    }

    @Test func `a number is rounded once, from its spelling`() throws {
        func number(_ text: String) throws -> JSONNumber {
            guard case .number(let number) = try JSONValue(parsing: text, place: "test") else {
                throw ModelFormatError(.wrongType, text, expected: "", found: "", fix: "")
            }
            return number
        }
        // By way of Double this would tie and become 16777216.
        #expect(try number("16777217.000000001").float == 16_777_218)
        #expect(try number("16777217").float == 16_777_216)
        #expect(try number("1e39").float == nil)
        #expect(try number("1e39").double == 1e39)
        #expect(try number("1e400").double == nil)
        #expect(try number("1e-400").double == 0)
        #expect(try number("-0").int == 0)
        #expect(try number("1.0").int == nil)
        #expect(try number("1e2").int == nil)
        #expect(try number("9223372036854775807").int == .max)
        #expect(try number("9223372036854775808").int == nil)
        #expect(try number("-0.0").float?.sign == .minus)
        #expect(try number("1E+2").double == 100)
    }

    @Test func `every finite number survives being written and read`() throws {
        var generator = SeededGenerator(seed: 20)
        let edges: [UInt32] = [
            0, 0x8000_0000, 1, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF, 0x3F80_0001,
        ]
        for bits in edges + (0..<2000).map({ _ in UInt32(truncatingIfNeeded: generator.next()) }) {
            let value = Float(bitPattern: bits)
            guard value.isFinite else {
                #expect(JSONNumber(value) == nil)
                continue
            }
            let text = try JSONValue.number(#require(JSONNumber(value))).text
            guard case .number(let back) = try JSONValue(parsing: text, place: "test") else {
                Issue.record("\(text) is not a number")
                continue
            }
            #expect(back.float?.bitPattern == bits, "\(text)")
        }
        for _ in 0..<2000 {
            let value = Double(bitPattern: generator.next())
            guard let number = JSONNumber(value) else {
                #expect(!value.isFinite)
                continue
            }
            #expect(number.double?.bitPattern == value.bitPattern, "\(number.literal)")
        }
    }

    @Test func `text written is the shortest, and read back it is the same value`() throws {
        let value = JSONValue.object([
            JSONMember(
                "b", .array([.null, .bool(true), .int(-3), .string("a\"\\\n\u{1}\u{7f}é🐴")])),
            JSONMember("a", .object([])),
        ])
        #expect(
            value.text == #"{"b":[null,true,-3,"a\"\\\n\u0001"# + "\u{7f}é🐴" + #""],"a":{}}"#)
        #expect(try JSONValue(parsing: value.text, place: "test") == value)
    }
}
