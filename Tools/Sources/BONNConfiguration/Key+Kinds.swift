// Keys by the type of their values.

extension Key {
    /// A whole number.
    public static func integer(
        _ path: String, _ storage: Storage<Int>, in range: ClosedRange<Int>, _ summary: String
    ) -> Key {
        let expected =
            range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Key(
            path, storage, summary, expected: expected, write: { .scalar("\($0)") },
            read: { value in value.integer.flatMap { range.contains($0) ? $0 : nil } })
    }

    /// A finite number.
    public static func number(
        _ path: String, _ storage: Storage<Double>, in range: ClosedRange<Double>, _ summary: String
    ) -> Key {
        Key(
            path, storage, summary, expected: expectation(range), write: { .scalar("\($0)") },
            read: { value in value.number.flatMap { range.contains($0) ? $0 : nil } })
    }

    /// A finite number, or `null`.
    public static func optionalNumber(
        _ path: String, _ storage: Storage<Double?>, in range: ClosedRange<Double>,
        _ summary: String
    ) -> Key {
        Key(
            path, storage, summary, expected: expectation(range) + ", or null",
            write: { $0.map { .scalar("\($0)") } ?? .null },
            read: { value in
                if value == .null || value == .scalar("null") { return .some(nil) }
                return value.number.flatMap { range.contains($0) ? .some($0) : nil }
            })
    }

    /// `true` or `false`.
    public static func flag(_ path: String, _ storage: Storage<Bool>, _ summary: String) -> Key {
        Key(
            path, storage, summary, expected: "true or false", write: { .scalar("\($0)") },
            read: { $0.flag })
    }

    /// A text of which a recipe can hold every byte.
    public static func text(_ path: String, _ storage: Storage<String>, _ summary: String) -> Key {
        Key(
            path, storage, summary, expected: RecipeScalar.expectation, write: { .scalar($0) },
            read: { value in
                guard case .scalar(let text) = value, RecipeScalar.holds(text) else { return nil }
                return text
            })
    }

    /// One of the cases of an enumeration, whatever its capitals, hyphens and underscores.
    public static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ path: String, _ storage: Storage<Value>, _ summary: String
    ) -> Key {
        let choices = Value.allCases.map(\.rawValue)
        return Key(
            path, storage, summary, expected: "one of " + choices.joined(separator: ", "),
            choices: choices, write: { .scalar($0.rawValue) },
            read: { value in
                guard case .scalar(let text) = value else { return nil }
                return Value.allCases.first { plain($0.rawValue) == plain(text) }
            })
    }

    /// One of a list of names, whatever its capitals, hyphens and underscores.
    public static func name(
        _ path: String, _ storage: Storage<String>, of names: [String], _ summary: String
    ) -> Key {
        Key(
            path, storage, summary, expected: "one of " + names.joined(separator: ", "),
            choices: names, write: { .scalar($0) },
            read: { value in
                guard case .scalar(let text) = value else { return nil }
                return names.first { plain($0) == plain(text) }
            })
    }

    /// Height and width of images.
    public static func size(
        _ path: String, _ storage: Storage<ImageSize>, _ summary: String
    ) -> Key {
        Key(
            path, storage, summary, expected: ImageSize.expectation,
            write: { .scalar("\($0)") },
            read: { value in
                guard case .scalar(let text) = value else { return nil }
                return ImageSize(text)
            })
    }

    /// A list of whole numbers.
    public static func integers(
        _ path: String, _ storage: Storage<[Int]>, in range: ClosedRange<Int>, _ summary: String
    ) -> Key {
        Key(
            path, storage, summary,
            expected: "a list of whole numbers of at least \(range.lowerBound)",
            write: { .list($0.map { "\($0)" }) },
            read: { value in
                guard let items = value.items else { return nil }
                let numbers = items.compactMap(Int.init).filter(range.contains)
                return numbers.count == items.count ? numbers : nil
            })
    }

    /// A list of finite numbers.
    public static func numbers(
        _ path: String, _ storage: Storage<[Double]>, in range: ClosedRange<Double>,
        _ summary: String
    ) -> Key {
        Key(
            path, storage, summary, expected: "a list, each " + expectation(range),
            write: { .list($0.map { "\($0)" }) },
            read: { value in
                guard let items = value.items else { return nil }
                let numbers = items.compactMap(Double.init).filter(range.contains)
                return numbers.count == items.count ? numbers : nil
            })
    }

    /// Without hyphens, underscores and capitals, so that `per_convolution` is `perConvolution`.
    private static func plain(_ text: String) -> String {
        text.lowercased().filter { $0 != "_" && $0 != "-" }
    }

    private static func expectation(_ range: ClosedRange<Double>) -> String {
        range.upperBound == .greatestFiniteMagnitude
            ? "a number of at least \(range.lowerBound)"
            : "a number from \(range.lowerBound) to \(range.upperBound)"
    }
}
