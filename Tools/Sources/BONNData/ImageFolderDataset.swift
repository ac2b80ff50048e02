import BONNImage
import BONNImageIO
import BONNModelFormat

/// Images in folders, one folder for each class: `CLASS/*.{jpg,jpeg,png,gif,webp}`.
///
/// Classes and files are sorted by the bytes of their names. Hidden entries are passed over; files with
/// other endings and folders in class folders are passed over and counted; what cannot be looked up is
/// an error.
struct ImageFolderDataset: ImageDataset {
    var name: String { folder }
    let classNames: [Name]
    let channels = 3
    let imageSize: (width: Int, height: Int)?
    let leftOut: LeftOutFiles

    private let folder: String
    private let options: DatasetOptions
    private let files: [File]

    private struct File: Sendable {
        let name: Name
        let label: Int
    }

    var count: Int { files.count }

    /// Lists the files of a part, or of a folder of class folders that has no parts.
    init(_ folder: String, options: DatasetOptions) throws(DataError) {
        let listing = try FolderListing(all: folder)
        let classNames = listing.folders
        guard !classNames.isEmpty else {
            throw DataError(
                .noImages,
                "\(printable(folder)): holds no folder, expected one for each class: CLASS/*.png")
        }
        try ClassNames.check(classNames, place: folder)
        var leftOut = LeftOutFiles()
        leftOut.otherFiles = listing.entries.count - classNames.count
        var files: [File] = []
        for (label, name) in classNames.enumerated() {
            let path = folder.appending(component: name.text)
            let images = try Self.images(in: path, options, &leftOut)
            files += images.map { File(name: $0, label: label) }
        }
        if options.folderOrder == .fileName {
            // The sort is stable, so files of one name stay in the order of their classes.
            files.sort { $0.name < $1.name }
        }
        if options.skipsBrokenImages {
            let paths = files.map { Self.path(folder, classNames, $0) }
            let isBroken = Self.undecodable(paths, options)
            leftOut.brokenFiles = zip(paths, isBroken).filter(\.1).map(\.0)
            files = zip(files, isBroken).filter { !$0.1 }.map(\.0)
            guard !files.isEmpty else {
                throw DataError(
                    .noImages,
                    "\(printable(folder)): none of its \(grouped(paths.count)) image files can be "
                        + "decoded, the first is \(printable(paths[0]))")
            }
        }
        imageSize = try Self.commonSize(
            files.lazy.map { Self.path(folder, classNames, $0) }, options)
        self.options = options
        self.folder = folder
        self.classNames = classNames
        self.files = files
        self.leftOut = leftOut
    }

    /// The image files of a class in order; counts what else is there.
    private static func images(
        in path: String, _ options: DatasetOptions, _ leftOut: inout LeftOutFiles
    ) throws(DataError) -> [Name] {
        // Where broken images are left out, a link to nothing is one of them.
        let listing = try FolderListing(
            all: path,
            allowsDanglingLinks: options.toleratesBrokenImages || options.skipsBrokenImages)
        var images: [Name] = []
        for entry in listing.entries {
            switch entry.kind {
            case .folder: leftOut.nestedFolders += 1
            case .file, .danglingLink, .other:
                if isImageFileName(entry.name.text) {
                    images.append(entry.name)
                } else {
                    leftOut.otherFiles += 1
                }
            }
        }
        guard !images.isEmpty else {
            let found = ClassNames.listed(listing.entries.map(\.name))
            throw DataError(
                .noImages,
                "\(printable(path)): holds no file with the ending of an image "
                    + "(\(imageFileEndings.joined(separator: ", "))), found \(found); put images there "
                    + "or remove it")
        }
        return images
    }

    private static func path(_ folder: String, _ classes: [Name], _ file: File) -> String {
        folder.appending(component: classes[file.label].text)
            .appending(component: file.name.text)
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
            name: "\(classNames[file.label])/\(file.name)",
            bytes: Files.size(of: identifier(at: index)))
    }
}
