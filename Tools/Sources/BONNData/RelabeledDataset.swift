public import BONNModelFormat

extension ImageDataset {
    /// This data set with the labels of a network, or of the training images, by name: what
    /// `ClassMapping` says, applied.
    ///
    /// - Returns: the images, and what a person has to know about their classes.
    /// - Throws: `DataError.badClasses` for a class that the network does not have.
    public func relabeled(
        names: [Name], count: Int, network: String
    ) throws(DataError) -> (dataset: any ImageDataset, notes: [String]) {
        let mapping = try ClassMapping(of: self, names: names, count: count, network: network)
        let known = names.count == count ? names : classNames
        return (
            known == classNames
                ? self : RelabeledDataset(base: self, classNames: known, labels: mapping.classes),
            mapping.notes
        )
    }
}

/// A data set under other labels.
private struct RelabeledDataset: WrappedDataset {
    let base: any ImageDataset
    let classNames: [Name]
    /// The classes are those of somebody else, who has named them.
    let classesAreNumbered = false
    /// The new label of each old one.
    let labels: [Int]

    func label(at index: Int) -> Int { labels[base.label(at: index)] }
}
