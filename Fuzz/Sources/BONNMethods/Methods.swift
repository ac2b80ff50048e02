/// As much of the list of methods as reading a recipe takes. The methods themselves need LibTorch.
enum Methods {
    struct Card { let name: String }
    struct Entry { let card: Card }

    static let all = ["bonn", "real", "abc"].map { Entry(card: Card(name: $0)) }

    static func named(_ name: String) -> Entry? { all.first { $0.card.name == name } }
}
