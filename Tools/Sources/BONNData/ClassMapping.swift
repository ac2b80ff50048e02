public import BONNModelFormat

/// Which class of a network each class of a data set is: the one way in which the labels of one list of
/// classes meet those of another.
///
/// By their names wherever both have names, whatever their order: a data set may hold some of the
/// network's classes, and no other. By their places only where the network has no names, or where the
/// format of the data set only counts its classes and the network has other names for them. A class that
/// is named by a number has a name.
///
/// Whoever measures a network shows the `notes` to a person and looks up each label in `classes`, or
/// takes both from `ImageDataset.relabeled(names:count:network:)`.
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
    ///   - network: What messages call the network, or the data whose classes these are.
    /// - Throws: `DataError.badClasses`, which names the classes that do not fit.
    public init(
        of dataset: any ImageDataset, names: [Name], count: Int, network: String
    ) throws(DataError) {
        let own = dataset.classNames
        let (given, network) = (printable(dataset.name), printable(network))
        var places: [Name: Int] = [:]
        for (place, name) in names.enumerated() where places[name] == nil { places[name] = place }
        let strangers = own.filter { places[$0] == nil }
        guard names.count == count, strangers.isEmpty || !dataset.classesAreNumbered else {
            guard own.count == count else {
                throw DataError(
                    .badClasses, "\(given) has \(own.count) classes, \(network) has \(count)")
            }
            classes = Array(0..<count)
            let nameless = names.count == count ? given : network
            notes = [
                "classes are compared by their numbers: \(nameless) does not name its classes"
            ]
            return
        }
        guard strangers.isEmpty else {
            throw Self.strangers(strangers, given, names, network)
        }
        // The same list twice is the same list, even where it has one name twice.
        classes = own == names ? Array(0..<count) : own.map { places[$0] ?? 0 }
        let present = Set(classes)
        let missing = names.indices.filter { !present.contains($0) }.map { names[$0] }
        notes =
            missing.isEmpty
            ? []
            : [
                "\(given) has \(present.count) of the \(count) classes of \(network), without "
                    + ClassNames.listed(missing)
            ]
    }

    private static func strangers(
        _ strangers: [Name], _ given: String, _ names: [Name], _ network: String
    ) -> DataError {
        // Equal text of other bytes: Swift compares strings by canonical equivalence.
        for stranger in strangers {
            guard let other = names.first(where: { $0.text == stranger.text }) else { continue }
            return DataError(
                .badClasses,
                "\(given) does not fit \(network): \(ClassNames.lookalikes(stranger, other)); rename "
                    + "the folder")
        }
        return DataError(
            .badClasses,
            "\(given) has \(strangers.count == 1 ? "a class" : "classes") that \(network) does "
                + "not have: \(ClassNames.listed(strangers)); \(network) has "
                + ClassNames.listed(names))
    }
}
