/// A number for something that has a name, `NAME=NUMBER` in recipes: for a layer, or for all layers whose names
/// begin so.
public struct NamedNumber: Sendable, Equatable {
    /// `stages.0.1.0.convolution`, or the beginning of names: `stages.0`.
    public var name: String
    /// The number.
    public var value: Double

    /// Creates a number.
    public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }

    /// What `NAME=NUMBER` says; nil for any other text.
    public init?(_ text: String) {
        guard let sign = text.lastIndex(of: "="), sign > text.startIndex,
            let value = Double(text[text.index(after: sign)...]), value.isFinite
        else { return nil }
        self.init(String(text[..<sign]), value)
    }

    /// As in a recipe; whole numbers without a point.
    public var text: String { "\(name)=" + (Int(exactly: value).map { "\($0)" } ?? "\(value)") }

    /// Whether the name is that of a layer, or that of a part of the network which the layer is in.
    public func covers(_ layer: String) -> Bool { layer == name || layer.hasPrefix(name + ".") }
}

extension [NamedNumber] {
    /// The number of a layer: that of the longest name which covers it.
    public func number(for layer: String) -> Double? {
        filter { $0.covers(layer) }.max { $0.name.count < $1.name.count }?.value
    }
}

extension Key {
    /// A list of `NAME=NUMBER`.
    public static func namedNumbers(
        _ path: String, _ storage: Storage<[NamedNumber]>, in range: ClosedRange<Double>,
        _ summary: String
    ) -> Key {
        Key(
            path, storage, summary,
            expected: "a list of NAME=NUMBER, numbers from \(range.lowerBound) to "
                + "\(range.upperBound)",
            write: { .list($0.map(\.text)) },
            read: { value in
                let items: [String]
                switch value {
                case .list(let list): items = list
                case .scalar(let text): items = text.isEmpty ? [] : [text]
                case .null: return nil
                }
                let numbers = items.compactMap(NamedNumber.init).filter {
                    range.contains($0.value)
                }
                return numbers.count == items.count ? numbers : nil
            })
    }
}
