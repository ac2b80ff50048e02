/// Reads the keys of one JSON object and insists that each is known, present and of its type.
struct JSONFields {
    /// What the object is, for messages.
    var place: String
    private var remaining: [String: JSONValue] = [:]

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
    var keys: [String] {
        remaining.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    func has(_ key: String) -> Bool { remaining[key] != nil }

    mutating func value(_ key: String) throws(ModelFormatError) -> JSONValue {
        guard let value = remaining.removeValue(forKey: key) else {
            throw ModelFormatError(
                .missingKey, place, expected: "the key '\(key)'", found: "none", fix: "add it")
        }
        return value
    }

    mutating func string(_ key: String) throws(ModelFormatError) -> String {
        let value = try value(key)
        guard case .string(let text) = value else { throw wrong(key, "a string", value) }
        return text
    }

    mutating func optionalString(_ key: String) throws(ModelFormatError) -> String? {
        has(key) ? try string(key) : nil
    }

    mutating func strings(_ key: String) throws(ModelFormatError) -> [String] {
        var texts: [String] = []
        for value in try array(key) {
            guard case .string(let text) = value else {
                throw wrong(key, "an array of strings", value)
            }
            texts.append(text)
        }
        return texts
    }

    mutating func int(_ key: String) throws(ModelFormatError) -> Int {
        let value = try value(key)
        guard case .number(let number) = value, let int = number.int else {
            throw wrong(key, "an integer", value)
        }
        return int
    }

    mutating func bool(_ key: String) throws(ModelFormatError) -> Bool {
        let value = try value(key)
        guard case .bool(let bool) = value else { throw wrong(key, "true or false", value) }
        return bool
    }

    mutating func ints(
        _ key: String, count: Int? = nil
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

    mutating func floats(_ key: String) throws(ModelFormatError) -> [Float] {
        var floats: [Float] = []
        for value in try array(key) {
            guard case .number(let number) = value, let float = number.float else {
                throw wrong(key, "an array of finite 32-bit numbers", value)
            }
            floats.append(float)
        }
        return floats
    }

    mutating func double(_ key: String) throws(ModelFormatError) -> Double {
        let value = try value(key)
        guard case .number(let number) = value, let double = number.double else {
            throw wrong(key, "a finite number", value)
        }
        return double
    }

    /// One of the names of an enumeration.
    mutating func name<Name>(
        _ key: String, of names: [Name]
    ) throws(ModelFormatError) -> Name where Name: RawRepresentable, Name.RawValue == String {
        let text = try string(key)
        guard let name = names.first(where: { $0.rawValue == text }) else {
            throw ModelFormatError(
                .unknownName, "\(place), key '\(key)'",
                expected: names.map { "'\($0.rawValue)'" }.joined(separator: " or "),
                found: "'\(abbreviated(text))'", fix: "use one of the names")
        }
        return name
    }

    mutating func array(
        _ key: String, count: Int? = nil
    ) throws(ModelFormatError) -> [JSONValue] {
        let value = try value(key)
        guard case .array(let values) = value, count == nil || values.count == count else {
            throw wrong(key, "an array" + (count.map { " of \($0)" } ?? ""), value)
        }
        return values
    }

    private func wrong(_ key: String, _ expected: String, _ value: JSONValue) -> ModelFormatError {
        ModelFormatError(
            .wrongType, "\(place), key '\(key)'", expected: expected, found: value.kind,
            fix: "see Documentation/model-format.md")
    }
}
