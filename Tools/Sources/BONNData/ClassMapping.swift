public import BONNModelFormat

/// Which class of a network each class of a data set is.
///
/// By their names wherever both have names, whatever their order: a data set may hold some of the
/// network's classes, and no other. By their places only where one of them merely counts its classes, or
/// the network has no names.
public struct ClassMapping: Sendable {
    /// For each class of the data set the class of the network.
    public let classes: [Int]
    /// What a person has to know: that classes are missing, or that places and not names were compared.
    public let notes: [String]

    /// Compares the classes of a data set with those of a network.
    ///
    /// - Parameters:
    ///   - dataset: The data set.
    ///   - names: The names of the network's classes; empty where it has none.
    ///   - count: How many classes the network has.
    ///   - network: What messages call the network.
    /// - Throws: `DataError.badClasses`, which names the classes that do not fit.
    public init(
        of dataset: any ImageDataset, names: [Name], count: Int, network: String
    ) throws(DataError) {
        let own = dataset.classNames.map { Name($0) }
        let isNumbered = Self.isNumbered(own)
        guard names.count == count, own == names || isNumbered == Self.isNumbered(names) else {
            guard own.count == count else {
                throw DataError(
                    .badClasses,
                    "\(dataset.name) has \(own.count) classes, \(network) has \(count)")
            }
            let nameless = names.isEmpty || !isNumbered ? network : dataset.name
            classes = Array(0..<count)
            notes = [
                "classes are compared by their numbers: \(nameless) does not name its classes"
            ]
            return
        }
        var places: [Name: Int] = [:]
        for (place, name) in names.enumerated() where places[name] == nil { places[name] = place }
        let strangers = own.filter { places[$0] == nil }
        guard strangers.isEmpty else {
            throw Self.strangers(strangers, dataset, names, network)
        }
        classes = own.map { places[$0] ?? 0 }
        let present = Set(classes)
        let missing = names.indices.filter { !present.contains($0) }.map { names[$0] }
        notes =
            missing.isEmpty
            ? []
            : [
                "\(dataset.name) has \(present.count) of the \(count) classes of \(network), without "
                    + Self.listed(missing)
            ]
    }

    /// Whether the names only count: 0, 1, 2 and so on.
    private static func isNumbered(_ names: [Name]) -> Bool {
        names.enumerated().allSatisfy { $1 == Name(String($0)) }
    }

    private static func strangers(
        _ strangers: [Name], _ dataset: any ImageDataset, _ names: [Name], _ network: String
    ) -> DataError {
        // Equal text of other bytes: Swift compares strings by canonical equivalence.
        let lookalike = strangers.first { name in names.contains { $0.text == name.text } }
        let hint =
            lookalike.map {
                "; '\(printable($0.text, limit: 60))' differs from a name of \(network) only in its "
                    + "Unicode form: rename the folder"
            } ?? "; \(network) has \(listed(names))"
        return DataError(
            .badClasses,
            "\(dataset.name) has \(strangers.count == 1 ? "a class" : "classes") that \(network) does "
                + "not have: \(listed(strangers))\(hint)")
    }

    private static func listed(_ names: [Name]) -> String {
        DatasetFolder.listed(names.map { printable($0.text, limit: 60) })
    }
}
