import BONNImage
import BONNImageIO
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

    /// The size that all images state in their headers, or nil; stops at the first that differs,
    /// so a folder of photographs costs a few files and only a uniform one costs all of them.
    static func commonSize(
        _ paths: some Sequence<String>, _ options: DatasetOptions
    ) -> (width: Int, height: Int)? {
        var common: (width: Int, height: Int)?
        for path in paths {
            guard
                let size = try? readImageSize(
                    path: path, orientation: options.orientation, budget: options.decodingBudget)
            else { return nil }
            if let common, common != size { return nil }
            common = size
        }
        return common
    }
}
