import ArgumentParser
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNTerminal
import BONNTrainer

/// `bonn methods`.
struct ListMethods: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "methods", abstract: "List the methods that networks can be trained with.")

    @Flag(help: "Print the list as JSON.")
    var json = false

    private struct Card: Encodable {
        let name, title, paper, widths, reported, deployment: String
    }

    func run() throws {
        let cards = Methods.all.map(\.card)
        guard !json else {
            return try Terminal.json(
                cards.map {
                    Card(
                        name: $0.name, title: $0.title, paper: $0.paper, widths: $0.widths,
                        reported: $0.reported, deployment: $0.deployment)
                })
        }
        for card in cards {
            try Terminal.lines([
                "\(card.name): \(card.title)", "  \(card.paper)",
                "  \(card.widths) bits of weights/activations, deployed \(card.deployment)",
                "  reported: \(card.reported)",
            ])
        }
    }
}

/// `bonn networks`.
struct ListNetworks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "networks", abstract: "List the networks that can be trained.",
        aliases: ["models"])

    @Flag(help: "Print the list as JSON.")
    var json = false

    private struct Card: Encodable {
        let name, title, paper: String
        let widths: [Int]
        let widthsMeaning: String
        let input: [Int]
        let classes: Int
        let stem: String?
    }

    func run() throws {
        let cards = Networks.all.map {
            Card(
                name: $0.name, title: $0.title, paper: $0.paper, widths: $0.widths,
                widthsMeaning: $0.widthsMeaning,
                input: [$0.input.channels, $0.input.height, $0.input.width], classes: $0.classes,
                stem: $0.stem?.rawValue)
        }
        guard !json else { return try Terminal.json(cards) }
        func text(_ numbers: [Int], _ separator: String) -> String {
            numbers.map(String.init).joined(separator: separator)
        }
        for card in cards {
            try Terminal.lines([
                "\(card.name): \(card.title)", "  \(card.paper)",
                "  widths \(text(card.widths, "-")), of \(card.widthsMeaning)",
                "  images \(text(card.input, "x")), \(card.classes) classes",
            ])
        }
    }
}

/// `bonn recipe`.
struct RecipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe",
        abstract: "Print a complete recipe: every key with its value and its meaning.",
        discussion: """
            Example:
              bonn recipe --model resnet18 --set schedule.name=cosine > my-recipe.yaml
            """)

    @OptionGroup var recipe: RecipeOptions

    func run() throws {
        try Terminal.document(Recipe.yaml(try recipe.configuration()))
    }
}
