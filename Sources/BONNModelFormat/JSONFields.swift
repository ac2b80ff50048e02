/// Reads the keys of one JSON object and insists that each is known, present and of its type.
struct JSONFields {
    /// What the object is, for messages.
    var place: String
    private var remaining: [Name: JSONValue] = [:]

    init(_ value: JSONValue, place: String) throws(ModelFormatError) {
        self.place = place
        guard case .object(let members) = value else {
            throw ModelFormatError(
                .wrongType, place, expected: "an object", found: value.kind,
                fix: "see Documentation/model-format.md")
        }
        for member in members { remaining[member.key] = member.value }
    }

    /// Call last: every key must have been read.
    func finish() throws(ModelFormatError) {
        guard let key = keys.first else { return }
        throw ModelFormatError(
            .unknownKey, place, expected: "only the keys of Documentation/model-format.md",
            found: "'\(abbreviated(key))'",
            fix: "remove it, or read the file with the version that wrote it")
    }

    /// The keys that have not been read, in the order of their bytes.
    var keys: [Name] { remaining.keys.sorted() }

    func has(_ key: Name) -> Bool { remaining[key] != nil }

    mutating func value(_ key: Name) throws(ModelFormatError) -> JSONValue {
        guard let value = remaining.removeValue(forKey: key) else {
            throw ModelFormatError(
                .missingKey, place, expected: "the key '\(key)'", found: "none", fix: "add it")
        }
        return value
    }

    mutating func string(_ key: Name) throws(ModelFormatError) -> String {
        let value = try value(key)
        guard case .string(let text) = value else { throw wrong(key, "a string", value) }
        return text
    }

    /// A name: text that is compared, and therefore short.
    mutating func name(_ key: Name) throws(ModelFormatError) -> Name {
        try checked(try string(key), key)
    }

    mutating func optionalName(_ key: Name) throws(ModelFormatError) -> Name? {
        has(key) ? try name(key) : nil
    }

    mutating func names(_ key: Name) throws(ModelFormatError) -> [Name] {
        var names: [Name] = []
        for value in try array(key) {
            guard case .string(let text) = value else {
                throw wrong(key, "an array of strings", value)
            }
            names.append(try checked(text, key))
        }
        return names
    }

    private func checked(_ text: String, _ key: Name) throws(ModelFormatError) -> Name {
        try Name(text, atMost: FormatLimits.nameBytes, place: "\(place), key '\(key)'")
    }

    mutating func int(_ key: Name) throws(ModelFormatError) -> Int {
        let value = try value(key)
        guard case .number(let number) = value, let int = number.int else {
            throw wrong(key, "an integer", value)
        }
        return int
    }

    mutating func bool(_ key: Name) throws(ModelFormatError) -> Bool {
        let value = try value(key)
        guard case .bool(let bool) = value else { throw wrong(key, "true or false", value) }
        return bool
    }

    mutating func ints(
        _ key: Name, count: Int? = nil
    ) throws(ModelFormatError) -> [Int] {
        var ints: [Int] = []
        for value in try array(key, count: count) {
            guard case .number(let number) = value, let int = number.int else {
                throw wrong(key, "an array of integers", value)
            }
            ints.append(int)
        }
        return ints
    }

    mutating func floats(_ key: Name) throws(ModelFormatError) -> [Float] {
        var floats: [Float] = []
        for value in try array(key) {
            guard case .number(let number) = value, let float = number.float else {
                throw wrong(key, "an array of finite 32-bit numbers", value)
            }
            floats.append(float)
        }
        return floats
    }

    mutating func double(_ key: Name) throws(ModelFormatError) -> Double {
        let value = try value(key)
        guard case .number(let number) = value, let double = number.double else {
            throw wrong(key, "a finite number", value)
        }
        return double
    }

    /// One of the names of an enumeration.
    mutating func name<Choice>(
        _ key: Name, of choices: [Choice]
    ) throws(ModelFormatError) -> Choice where Choice: RawRepresentable, Choice.RawValue == String {
        let text = try name(key)
        guard let choice = choices.first(where: { Name($0.rawValue) == text }) else {
            throw ModelFormatError(
                .unknownName, "\(place), key '\(key)'",
                expected: choices.map { "'\($0.rawValue)'" }.joined(separator: " or "),
                found: "'\(abbreviated(text))'", fix: "use one of the names")
        }
        return choice
    }

    mutating func array(
        _ key: Name, count: Int? = nil
    ) throws(ModelFormatError) -> [JSONValue] {
        let value = try value(key)
        guard case .array(let values) = value, count == nil || values.count == count else {
            throw wrong(key, "an array" + (count.map { " of \($0)" } ?? ""), value)
        }
        return values
    }

    private func wrong(_ key: Name, _ expected: String, _ value: JSONValue) -> ModelFormatError {
        ModelFormatError(
            .wrongType, "\(place), key '\(key)'", expected: expected, found: value.kind,
            fix: "see Documentation/model-format.md")
    }
}
