/// As much of the list of methods as reading a recipe takes. The methods themselves need LibTorch.
public enum Methods {
    /// What a recipe can call a method.
    public struct Card: Sendable {
        /// The name.
        public let name: String
    }

    /// A method without what it does.
    public struct Entry: Sendable {
        /// What it is called.
        public let card: Card
    }

    /// Some names.
    public static let all = ["bonn", "real", "abc"].map { Entry(card: Card(name: $0)) }

    /// The method of a name, or nil.
    public static func named(_ name: String) -> Entry? { all.first { $0.card.name == name } }
}
