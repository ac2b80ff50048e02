/// Where the splits of a folder of image files are, and what they must have in common.
enum ImageFolders {
    /// The names that the folder of the test images may have.
    static let testNames = ["test", "val", "validation"]

    /// The folder of a split, given the names in the folder of both.
    static func folder(
        of split: Split, in folder: String, names: [String]
    ) throws(DataError) -> String {
        guard split == .train else { return try testFolder(folder, names: names) }
        guard names.contains("train") else { throw missingTraining(folder) }
        return folder.appending(component: "train")
    }

    /// The error of a folder without training images.
    static func missingTraining(_ folder: String) -> DataError {
        DataError(
            .notFound,
            "\(folder.appending(component: "train")): no such folder, expected the training images "
                + "train/CLASS/*")
    }

    private static func testFolder(_ folder: String, names: [String]) throws(DataError) -> String {
        let present = testNames.filter(names.contains)
        guard present.count <= 1 else {
            throw DataError(
                .notRecognised,
                "\(folder): holds \(present.joined(separator: " and ")), expected one folder of test "
                    + "images; rename or remove the other")
        }
        guard let name = present.first else {
            throw DataError(
                .notFound,
                "\(folder.appending(component: "test")): no such folder, expected the test images "
                    + "test/CLASS/*, val/CLASS/* or validation/CLASS/*")
        }
        return folder.appending(component: name)
    }
}
