import BONNModelFormat
import BONNTrainer

/// What `bonn train --from` says of the weights that it took.
struct WeightReport: Encodable {
    private let source: String
    private let digest: String
    private let taken: [Item]
    private let new: [Item]
    private let left: [Item]

    private struct Item: Encodable {
        let name: String
        let shape: [Int]

        init(_ item: WeightTransfer.Item) {
            name = item.name.text
            shape = item.shape
        }
    }

    init(_ transfer: WeightTransfer) {
        source = transfer.origin.path
        digest = transfer.origin.digest
        taken = transfer.taken.map(Item.init)
        new = transfer.new.map(Item.init)
        left = transfer.left.map(Item.init)
    }

    /// The counts, and the names as far as a person reads them; JSON has all of them.
    var lines: [String] {
        [
            "Weights of \(printable(source)): \(taken.count) tensors taken, \(new.count) new, \(left.count) left."
        ]
            + [("taken", taken), ("new", new), ("left", left)].compactMap { title, items in
                items.isEmpty ? nil : "  \(title): " + Self.text(items)
            }
    }

    private static func text(_ items: [Item]) -> String {
        let shown = 8
        let names = items.prefix(shown).map { item in
            "\(printable(item.name, limit: 80)) "
                + (item.shape.isEmpty
                    ? "scalar" : item.shape.map(String.init).joined(separator: "x"))
        }
        let rest = items.count > shown ? ", and \(items.count - shown) more" : ""
        return names.joined(separator: ", ") + rest
    }
}
