import ArgumentParser
import BONN
import BONNTerminal
import BONNTrainer

/// `bonn methods`.
struct Methods: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the methods that networks can be trained with.")

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() throws {
        try Entry.show(Method.allCases.map { Entry(name: $0.rawValue, about: $0.about) }, json)
    }
}

/// `bonn models`.
struct Models: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the networks that can be trained.")

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() throws {
        try Entry.show(
            Architecture.allCases.map { Entry(name: $0.rawValue, about: $0.about) }, json)
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

/// One line of a list.
private struct Entry: Encodable {
    let name: String
    let about: String

    static func show(_ entries: [Entry], _ json: Bool) throws {
        if json {
            try Terminal.json(entries)
        } else {
            for entry in entries {
                let padding = String(repeating: " ", count: max(1, 10 - entry.name.count))
                try Terminal.line(entry.name + padding + entry.about)
            }
        }
    }
}

extension Method {
    fileprivate var about: String {
        switch self {
        case .bonn:
            "1-bit weights and activations, one scale a layer, Bayesian losses (Gu et al., 2019)"
        case .real: "the same network in full precision"
        }
    }
}

extension Architecture {
    fileprivate var about: String {
        let widths = defaultWidths.map(String.init).joined(separator: "-")
        let inner = convolutions.reduce(0, +)
        let name =
            switch self {
            case .wrn22: "Wide ResNet 22"
            case .wrn40: "Wide ResNet 40"
            case .resnet18: "ResNet-18"
            case .resnet34: "ResNet-34"
            }
        return
            "\(name): \(inner) inner convolutions, \(defaultStem.rawValue) stem, widths \(widths) "
            + "unless others are given"
    }
}
