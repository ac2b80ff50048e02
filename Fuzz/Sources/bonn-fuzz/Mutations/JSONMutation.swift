import BONNModelFormat
import BONNTestSupport

/// Changes a JSON value at one place, with the words and numbers that stand elsewhere in it. A string that
/// holds JSON, as in the metadata of a model, is changed inside.
struct JSONMutation {
    private var words: [String] = [
        "", "x", "real", "byte", "signed_bits", "zero", "F32", "I8", Self.controls,
        "\"\\/\u{7F}\u{9F}",
        "\u{2028}\u{D7FF}\u{E000}\u{FFFF}\u{10FFFF}", "\u{E9}", "e\u{301}",
    ]
    private var numbers: [JSONNumber] = [0, 1, -1, 2, 3, 64, 65, 1_024, 1 << 31, .max].map(
        JSONNumber.init)

    /// What must be escaped in JSON.
    private static let controls = String(
        String.UnicodeScalarView((0..<0x20).map(Unicode.Scalar.init)))

    /// Learns the words and numbers of a value.
    init(_ value: JSONValue) {
        learn(value)
    }

    private mutating func learn(_ value: JSONValue) {
        switch value {
        case .null, .bool: break
        case .number(let number): numbers.append(number)
        case .string(let text):
            if let inner = Self.inner(text) { learn(inner) } else { words.append(text) }
        case .array(let values): for value in values { learn(value) }
        case .object(let members): for member in members { learn(member.value) }
        }
    }

    /// The JSON value that a string holds.
    private static func inner(_ text: String) -> JSONValue? {
        guard text.utf8.first == UInt8(ascii: "{") || text.utf8.first == UInt8(ascii: "[") else {
            return nil
        }
        return try? JSONValue(parsing: text, place: "a string")
    }

    /// The value with one thing changed.
    func change(_ value: JSONValue, _ generator: inout SeededGenerator) -> JSONValue {
        if generator.oneIn(40) { return other(&generator) }
        switch value {
        case .null, .bool: return other(&generator)
        case .number(let number): return .number(change(number, &generator))
        case .string(let text):
            if let inner = Self.inner(text) { return .string(change(inner, &generator).text) }
            if generator.oneIn(6) {
                let changed = changedByLibFuzzer(Array(text.utf8), capacity: text.utf8.count + 4)
                return .string(String(decoding: changed, as: UTF8.self))
            }
            return .string(generator.pick(words))
        case .array(var values):
            guard !values.isEmpty else { return .array([other(&generator)]) }
            let index = generator.integer(0...values.count - 1)
            switch generator.integer(0...9) {
            case 0: values.remove(at: index)
            case 1:
                values.insert(values[index], at: generator.integer(0...values.count))
            case 2: values.swapAt(index, generator.integer(0...values.count - 1))
            default: values[index] = change(values[index], &generator)
            }
            return .array(values)
        case .object(var members):
            guard !members.isEmpty else { return .object([JSONMember("x", other(&generator))]) }
            let index = generator.integer(0...members.count - 1)
            switch generator.integer(0...19) {
            case 0: members.remove(at: index)
            case 1: members[index].key = Name(generator.pick(words))
            case 2: members.append(JSONMember(Name(generator.pick(words)), members[index].value))
            case 3: members.swapAt(index, generator.integer(0...members.count - 1))
            default: members[index].value = change(members[index].value, &generator)
            }
            return .object(members)
        }
    }

    private func change(
        _ number: JSONNumber, _ generator: inout SeededGenerator
    ) -> JSONNumber {
        guard let value = number.int, !generator.oneIn(3) else { return generator.pick(numbers) }
        return JSONNumber(
            generator.pick([value &+ 1, value &- 1, value &* 2, value / 2, 0 &- value]))
    }

    private func other(_ generator: inout SeededGenerator) -> JSONValue {
        switch generator.integer(0...5) {
        case 0: .null
        case 1: .bool(generator.oneIn(2))
        case 2: .number(generator.pick(numbers))
        case 3: .array([])
        case 4: .object([])
        default: .string(generator.pick(words))
        }
    }
}
