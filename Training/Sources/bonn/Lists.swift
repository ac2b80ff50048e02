import ArgumentParser
import BONNConfiguration
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
        struct Setting: Encodable {
            let key, `default`, expected, meaning: String
        }

        let name, title, paper, widths, reported, deployment: String
        let settings: [Setting]

        init(_ method: any Method.Type) {
            let card = method.card
            (name, title, paper) = (card.name, card.title, card.paper)
            (widths, reported, deployment) = (card.widths, card.reported, card.deployment)
            let defaults = MethodConfiguration(method.init())
            settings = MethodConfiguration.keys(of: method).map {
                Setting(
                    key: "method.\($0.path)", default: $0.text(in: defaults),
                    expected: $0.expected, meaning: $0.summary)
            }
        }
    }

    func run() throws {
        let cards = Methods.all.map { Card($0) }
        guard !json else { return try Terminal.json(cards) }
        for card in cards {
            let settings = card.settings.map {
                ["  " + $0.key, $0.default, "\($0.meaning) (\($0.expected))"]
            }
            try Terminal.lines(
                [
                    "\(card.name): \(card.title)", "  \(card.paper)",
                    "  \(card.widths) bits of weights/activations, deployed \(card.deployment)",
                    "  reported: \(card.reported)",
                ] + Table(settings, left: [0, 1, 2]).lines)
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
                card.widths.isEmpty
                    ? "  no widths: \(card.widthsMeaning)"
                    : "  widths \(text(card.widths, "-")), of \(card.widthsMeaning)",
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
