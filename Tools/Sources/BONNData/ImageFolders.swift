import BONNImageIO
import BONNModelFormat

/// Which folder holds which part of a set of image files.
///
/// Names count in any capitals: `train`; `test`; and `val`, `valid` or `validation`.
struct ImageFolders {
    /// What folders of these names are for.
    private static let parts: [Name: Split] = [
        "train": .train, "val": .validation, "valid": .validation, "validation": .validation,
        "test": .test,
    ]

    private let folder: String
    private let folders: [Split: String]
    /// Whether there is a folder of training images and no other folder at all.
    let isTrainAlone: Bool

    /// Finds the parts; nil where no folder is one.
    ///
    /// - Throws: `.notRecognised` where two folders claim to be the same part.
    init?(_ folder: String, _ names: [Name]) throws(DataError) {
        var claims: [Split: [Name]] = [:]
        for name in names {
            guard let part = Self.parts[Name(name.text.lowercased())] else { continue }
            claims[part, default: []].append(name)
        }
        if claims.isEmpty { return nil }
        if try Self.isClass(claims, of: names, in: folder) { return nil }
        for part in Split.allCases {
            guard let claims = claims[part], claims.count > 1 else { continue }
            let shown = claims.map { printable($0.text) }.joined(separator: " and ")
            throw DataError(
                .notRecognised,
                "\(printable(folder)): holds \(shown), expected one folder of "
                    + (part == .train ? "training" : part.rawValue)
                    + " images; rename or remove the other")
        }
        self.folder = folder
        isTrainAlone = names.count == 1 && claims[.train] != nil
        folders = claims.mapValues { folder.appending(component: $0[0].text) }
    }

    /// Whether what could be a part is a class among others: vehicles may be cars, planes and trains.
    private static func isClass(
        _ claims: [Split: [Name]], of names: [Name], in folder: String
    ) throws(DataError) -> Bool {
        guard claims.count == 1, let claim = claims.values.first, claim.count == 1,
            names.count > 1
        else { return false }
        func holdsImagesAlone(_ name: Name) throws(DataError) -> Bool {
            let inner = try FolderListing(
                folder.appending(component: name.text), allowsDanglingLinks: true)
            return inner.folders.isEmpty
                && inner.entries.contains { isImageFileName($0.name.text) }
        }
        for name in names where try !holdsImagesAlone(name) { return false }
        return true
    }

    /// The folder of the training images.
    func trainFolder() throws(DataError) -> String {
        if let train = folders[.train] { return train }
        throw DataError(
            .notFound,
            "\(printable(folder.appending(component: "train"))): no such folder, expected the training "
                + "images train/CLASS/*")
    }

    /// The folder of the images that are measured at the end: the test images, or where there are none,
    /// the validation images.
    func testFolder() throws(DataError) -> String {
        if let path = folders[.test] ?? folders[.validation] { return path }
        throw DataError(
            .notFound,
            "\(printable(folder.appending(component: "test"))): no such folder, expected the test images "
                + "test/CLASS/*, val/CLASS/*, valid/CLASS/* or validation/CLASS/*")
    }

    /// The folder on which the best checkpoint is chosen; nil where no other images are there to measure
    /// it at the end.
    var validationFolder: String? { folders[.test] == nil ? nil : folders[.validation] }
}
