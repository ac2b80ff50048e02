import BONNImage
import BONNImageIO
import BONNModelFormat

/// Images in folders, one folder for each class: `CLASS/*.{jpg,jpeg,png,gif,webp}`.
///
/// Classes and files are sorted by the UTF-8 bytes of their names. Hidden files are passed over,
/// files with other endings are passed over and counted.
struct ImageFolderDataset: ImageDataset {
    var name: String { folder }
    let classNames: [String]
    let channels = 3
    let imageSize: (width: Int, height: Int)?
    /// Files with the ending of an image that were left out since they cannot be decoded.
    let brokenFiles: [String]
    /// Files in class folders that do not have the ending of an image.
    let ignoredFiles: Int

    private let folder: String
    private let options: DatasetOptions
    private let files: [File]

    private struct File: Sendable {
        let name: String
        let label: Int
    }

    var count: Int { files.count }

    /// Lists the files of a split, or of a folder of class folders that is not split at all.
    init(_ folder: String, options: DatasetOptions) throws(DataError) {
        let classNames = try FolderListing(folder).folders.map(\.text)
        guard !classNames.isEmpty else {
            throw DataError(
                .noImages, "\(folder): holds no folder, expected one for each class: CLASS/*.png")
        }
        try ClassNames.check(classNames, place: folder)
        var (files, ignoredFiles) = try Self.list(
            folder, classNames,
            toleratesBroken: options.toleratesBrokenImages || options.skipsBrokenImages)
        if options.folderOrder == .fileName {
            // The sort is stable, so files of one name stay in the order of their classes.
            files.sort { Files.precedes($0.name, $1.name) }
        }
        var brokenFiles: [String] = []
        if options.skipsBrokenImages {
            let paths = files.map { Self.path(folder, classNames, $0) }
            let isBroken = Self.undecodable(paths, options)
            brokenFiles = zip(paths, isBroken).filter(\.1).map(\.0)
            files = zip(files, isBroken).filter { !$0.1 }.map(\.0)
            guard !files.isEmpty else {
                throw DataError(
                    .noImages,
                    "\(folder): none of its \(grouped(paths.count)) image files can be decoded, the "
                        + "first is \(paths[0])")
            }
        }
        imageSize = try Self.commonSize(
            files.lazy.map { Self.path(folder, classNames, $0) }, options)
        self.options = options
        self.folder = folder
        self.classNames = classNames
        self.files = files
        self.ignoredFiles = ignoredFiles
        self.brokenFiles = brokenFiles
    }

    /// The image files of all classes in order, and how many other files there are.
    private static func list(
        _ folder: String, _ classNames: [String], toleratesBroken: Bool
    ) throws(DataError) -> (files: [File], ignored: Int) {
        var files: [File] = []
        var ignored = 0
        for (label, className) in classNames.enumerated() {
            let path = folder.appending(component: className)
            // Where broken images are tolerated, a link to nothing is one of them.
            let listing = try FolderListing(path, allowsDanglingLinks: toleratesBroken)
            let names = listing.entries.map(\.name.text)
            let images = listing.entries.filter { $0.kind == .file || $0.kind == .danglingLink }
                .map(\.name.text).filter(isImageFileName)
            ignored += names.count - images.count
            guard !images.isEmpty else {
                throw DataError(
                    .noImages,
                    "\(path): holds no file with the ending of an image (\(imageFileEndings.joined(separator: ", "))), found \(DatasetFolder.listed(names)); "
                        + "put images there or remove it")
            }
            files += images.map { File(name: $0, label: label) }
        }
        return (files, ignored)
    }

    private static func path(_ folder: String, _ classes: [String], _ file: File) -> String {
        folder.appending(component: classes[file.label]).appending(component: file.name)
    }

    func label(at index: Int) -> Int { files[index].label }

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        do {
            return try readImage(
                path: identifier(at: index), orientation: options.orientation,
                budget: options.decodingBudget)
        } catch {
            throw DataError(.brokenImage, error.description)
        }
    }

    func identifier(at index: Int) -> String { Self.path(folder, classNames, files[index]) }

    func listed(at index: Int) -> ListedImage {
        let file = files[index]
        return ListedImage(
            name: classNames[file.label] + "/" + file.name,
            bytes: Files.size(of: identifier(at: index)))
    }
}
