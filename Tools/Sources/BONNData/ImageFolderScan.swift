import BONNImage
import BONNImageIO
import BONNModelFormat
import Dispatch
import Synchronization

extension ImageFolderDataset {
    /// For each file whether it cannot be decoded; all cores decode, the answer is in file order.
    static func undecodable(_ paths: [String], _ options: DatasetOptions) -> [Bool] {
        let broken = Mutex([Bool](repeating: false, count: paths.count))
        DispatchQueue.concurrentPerform(iterations: paths.count) { index in
            do {
                _ = try readImage(
                    path: paths[index], orientation: options.orientation,
                    budget: options.decodingBudget)
            } catch {
                broken.withLock { $0[index] = true }
            }
        }
        return broken.withLock { $0 }
    }

    /// The size that all images state in their headers, or nil where they differ; stops at the first
    /// that differs, so a folder of photographs costs a few files and only a uniform one costs all.
    ///
    /// A file that cannot be read has no size, and so does not differ. Where such files are tolerated,
    /// the others are judged.
    ///
    /// - Throws: `.brokenImage` that names the file; `.noImages` where none can be read.
    static func commonSize(
        _ paths: some Collection<String>, _ options: DatasetOptions
    ) throws(DataError) -> (width: Int, height: Int)? {
        var common: (width: Int, height: Int)?
        var unreadable: ImageIOError?
        for path in paths {
            do {
                let size = try readImageSize(
                    path: path, orientation: options.orientation, budget: options.decodingBudget)
                if let common, common != size { return nil }
                common = size
            } catch {
                guard options.toleratesBrokenImages else {
                    throw DataError(.brokenImage, error.description)
                }
                unreadable = unreadable ?? error
            }
        }
        if common == nil, let unreadable {
            throw DataError(
                .noImages,
                "none of the \(grouped(paths.count)) image files can be read, the first is "
                    + unreadable.description)
        }
        return common
    }
}
