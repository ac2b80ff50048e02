import BONNFiles
import BONNModelFormat
import Foundation

/// Files read whole, and files replaced so that no reader ever sees half of one.
public enum File {
    /// No checkpoint comes near: the optimiser's state and the averages of a ResNet-50 are 0.4 GB.
    static let largest = 4 << 30

    /// The bytes of a file.
    ///
    /// - Throws: `.file` with the path and the reason.
    static func bytes(of path: String) throws(TrainingError) -> [UInt8] {
        try read(path) { file throws(PlainFile.Failure) in try file.contents(atMost: largest) }
    }

    /// The bytes of a safetensors file, of which no memory is taken for more than its header until that
    /// has told that the file is one, and that its tensors make up its size.
    ///
    /// - Throws: `.file` with the path and the reason, `.checkpoint` with what is wrong in the header.
    static func safetensors(_ path: String) throws(TrainingError) -> [UInt8] {
        do {
            let file = try PlainFile(path: path)
            let end = try Safetensors.headerEnd(file.beginning(10), fileBytes: file.size)
            try Safetensors.checkHeader(file.beginning(end), fileBytes: file.size)
            return try file.contents(atMost: largest)
        } catch let error as PlainFile.Failure {
            throw failure(path, error)
        } catch {
            throw TrainingError(.checkpoint, "\(path): not a whole checkpoint: \(error)")
        }
    }

    /// The first bytes of a file, all of them where it has no more.
    ///
    /// - Throws: `.file` with the path and the reason.
    static func beginning(of path: String, _ count: Int) throws(TrainingError) -> [UInt8] {
        try read(path) { file throws(PlainFile.Failure) in try file.beginning(count) }
    }

    private static func read(
        _ path: String, _ body: (borrowing PlainFile) throws(PlainFile.Failure) -> [UInt8]
    ) throws(TrainingError) -> [UInt8] {
        do throws(PlainFile.Failure) {
            return try body(PlainFile(path: path))
        } catch {
            throw failure(path, error)
        }
    }

    /// Creates a folder and those above it; one that exists already is fine.
    ///
    /// - Returns: whether the folder itself was created by this call.
    /// - Throws: `.file` with the path and the system's reason.
    @discardableResult
    static func createFolder(_ path: String) throws(TrainingError) -> Bool {
        var partial = path.hasPrefix("/") ? "/" : ""
        var isNew = false
        for part in path.split(separator: "/") {
            partial += part + "/"
            isNew = retrying { mkdir(partial, 0o755) } == 0
            if !isNew && errno != EEXIST {
                throw failure(path, "cannot create the folder", errno)
            }
        }
        guard isFolder(path) else {
            throw TrainingError(.file, "\(path): expected a folder, found a file")
        }
        return isNew
    }

    /// Whether something exists at the path, be it a link that leads nowhere: who goes by the answer
    /// must not take such a file for one that never was.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Whether a file is behind a descriptor, and no pipe, socket or device.
    static func isFile(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether a folder is at the path.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Calls again what a signal interrupted; -1 is a failure with a reason in `errno`.
    static func retrying(_ call: () -> Int32) -> Int32 {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }

    /// Whether the file at a path is the one behind a descriptor, and not another one by now.
    static func isStill(_ descriptor: Int32, at path: String) -> Bool {
        var opened = stat()
        var found = stat()
        return fstat(descriptor, &opened) == 0 && lstat(path, &found) == 0
            && opened.st_ino == found.st_ino && opened.st_dev == found.st_dev
    }

    static func notAFile(_ path: String) -> TrainingError {
        TrainingError(.file, "\(path): expected a file, found something else")
    }

    /// Why a file cannot be read.
    static func failure(_ path: String, _ failure: PlainFile.Failure) -> TrainingError {
        switch failure {
        case .folder, .notPlain: notAFile(path)
        default: TrainingError(.file, "\(path): \(failure.reason)")
        }
    }

    static func failure(_ path: String, _ what: String, _ reason: Int32) -> TrainingError {
        let text = String(cString: strerror(reason))
        if reason == ENOSPC || reason == EDQUOT {
            return TrainingError(
                .diskFull,
                "\(path): \(what): the disk is full (\(text)); what was saved before is kept")
        }
        return TrainingError(.file, "\(path): \(what): \(text)")
    }
}
