extension JSONValue {
    /// Parses one JSON text: RFC 8259 without liberties.
    ///
    /// Refused: ill-formed UTF-8, a byte order mark, unpaired surrogates, unescaped control
    /// characters, duplicate keys, anything after the value, nesting deeper than `maximumDepth`,
    /// more than `maximumValues` values.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - place: what the text is, for messages.
    ///   - maximumDepth: of nested arrays and objects.
    ///   - maximumValues: values in all, so that a short text can not demand much memory.
    public init(
        parsing bytes: ArraySlice<UInt8>, place: String, maximumDepth: Int = 64,
        maximumValues: Int = FormatLimits.jsonValues
    ) throws(ModelFormatError) {
        guard String(decoding: bytes, as: UTF8.self).utf8.elementsEqual(bytes) else {
            throw ModelFormatError(
                .invalidUTF8, place, expected: "UTF-8 text", found: "bytes that are not UTF-8",
                fix: "write the text as UTF-8")
        }
        var parser = JSONParser(
            bytes: bytes, place: place, maximumDepth: maximumDepth, maximumValues: maximumValues)
        self = try parser.document()
    }

    /// Parses the text of a string, as `init(parsing:place:maximumDepth:maximumValues:)` does.
    public init(
        parsing text: String, place: String, maximumDepth: Int = 64,
        maximumValues: Int = FormatLimits.jsonValues
    ) throws(ModelFormatError) {
        try self.init(
            parsing: ArraySlice(Array(text.utf8)), place: place, maximumDepth: maximumDepth,
            maximumValues: maximumValues)
    }
}

/// A recursive-descent parser over UTF-8 that is known to be well formed.
private struct JSONParser {
    private let bytes: ArraySlice<UInt8>
    private let place: String
    private let maximumDepth: Int
    private let maximumValues: Int
    private var position: Int
    private var values = 0

    init(bytes: ArraySlice<UInt8>, place: String, maximumDepth: Int, maximumValues: Int) {
        self.bytes = bytes
        self.place = place
        self.maximumDepth = maximumDepth
        self.maximumValues = maximumValues
        position = bytes.startIndex
    }

    mutating func document() throws(ModelFormatError) -> JSONValue {
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard peek == nil else { throw syntax("the end of the text") }
        return value
    }

    private var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private mutating func value(depth: Int) throws(ModelFormatError) -> JSONValue {
        values += 1
        guard values <= maximumValues else {
            throw ModelFormatError(
                .jsonTooLarge, here, expected: "at most \(maximumValues) values", found: "more",
                fix: "no model needs so many; the file is damaged or hostile")
        }
        skipWhiteSpace()
        switch peek {
        case UInt8(ascii: "{"):
            try checkDepth(depth)
            return try object(depth: depth)
        case UInt8(ascii: "["):
            try checkDepth(depth)
            return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(UInt8(ascii: "0")...UInt8(ascii: "9")), UInt8(ascii: "-"):
            return .number(try number())
        default: throw syntax("a value")
        }
    }

    private func checkDepth(_ depth: Int) throws(ModelFormatError) {
        guard depth < maximumDepth else {
            throw ModelFormatError(
                .jsonTooDeep, here, expected: "at most \(maximumDepth) nested levels",
                found: "more", fix: "the file is damaged or hostile")
        }
    }

    private mutating func object(depth: Int) throws(ModelFormatError) -> JSONValue {
        position += 1
        var members: [JSONMember] = []
        var keys: Set<Name> = []
        skipWhiteSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipWhiteSpace()
            guard peek == UInt8(ascii: "\"") else { throw syntax("a key in quotes") }
            let keyPlace = here
            let key = try key(keyPlace)
            guard keys.insert(key).inserted else {
                throw ModelFormatError(
                    .jsonDuplicateKey, keyPlace, expected: "each key once",
                    found: "'\(abbreviated(key))' again", fix: "remove one of the two")
            }
            skipWhiteSpace()
            guard take(UInt8(ascii: ":")) else { throw syntax("':' after a key") }
            members.append(JSONMember(key, try value(depth: depth + 1)))
            skipWhiteSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw syntax("',' or '}'") }
            return .object(members)
        }
    }

    private mutating func array(depth: Int) throws(ModelFormatError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipWhiteSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipWhiteSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw syntax("',' or ']'") }
            return .array(elements)
        }
    }

    private mutating func word(
        _ word: String, _ value: JSONValue
    ) throws(ModelFormatError) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw syntax("'\(word)'") }
        position += word.utf8.count
        return value
    }

    private mutating func number() throws(ModelFormatError) -> JSONNumber {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return JSONNumber(checkedLiteral: String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(ModelFormatError) {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
        }
        guard position > start else { throw syntax("a digit") }
    }

    /// A key, short enough to be compared with others.
    private mutating func key(_ place: String) throws(ModelFormatError) -> Name {
        try Name(try string(), atMost: FormatLimits.nameBytes, place: place)
    }

    private mutating func string() throws(ModelFormatError) -> String {
        position += 1
        var content: [UInt8] = []
        var start = position
        while true {
            guard let byte = peek else { throw syntax("'\"' at the end of a string") }
            guard byte >= 0x20 else { throw syntax("an escape for a control character") }
            if byte == UInt8(ascii: "\"") {
                content.append(contentsOf: bytes[start..<position])
                position += 1
                return String(decoding: content, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") {
                content.append(contentsOf: bytes[start..<position])
                position += 1
                content.append(contentsOf: try escape())
                start = position
            } else {
                position += 1
            }
        }
    }

    private mutating func escape() throws(ModelFormatError) -> [UInt8] {
        let byte = peek
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte ?? 0]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw syntax("the second half of a surrogate pair")
                }
                let second = try hexadecimal()
                guard (0xDC00..<0xE000).contains(second) else {
                    throw syntax("the second half of a surrogate pair")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (second - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw syntax("the first half of a surrogate pair before the second")
            }
            return Array(String(Character(scalar)).utf8)
        default:
            position -= 1
            throw syntax("one of \" \\ / b f n r t u after a backslash")
        }
    }

    private mutating func hexadecimal() throws(ModelFormatError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            switch peek {
            case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
                code = code << 4 | UInt32(byte - UInt8(ascii: "0"))
            case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte):
                code = code << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case .some(let byte) where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte):
                code = code << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw syntax("four hexadecimal digits after \\u")
            }
            position += 1
        }
        return code
    }

    private mutating func skipWhiteSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private var here: String { "\(place), byte \(position - bytes.startIndex)" }

    private func syntax(_ expected: String) -> ModelFormatError {
        let found: String
        if let byte = peek {
            found =
                (0x20..<0x7F).contains(byte)
                ? "'\(Unicode.Scalar(byte))'" : "byte 0x\(String(byte, radix: 16))"
        } else {
            found = "the end of the text"
        }
        return ModelFormatError(
            .jsonSyntax, here, expected: expected, found: found, fix: "the JSON text is damaged")
    }
}
