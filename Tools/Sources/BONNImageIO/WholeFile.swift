import BONNFiles
import Foundation

/// A file that is written piece by piece and is there whole or not at all: what was at its path stays
/// until every byte of the new one is written.
///
/// Where the path names no file but a device or a pipe, the bytes go there as they come. A link is
/// followed.
package struct WholeFile: ~Copyable {
    private let path: String
    private let target: String
    /// The file beside the target that holds the bytes until they are complete; nil for a device.
    private let temporary: String?
    private let descriptor: CInt

    /// Begins to write.
    ///
    /// - Parameter inputs: files that the new one is made from: a path that means one of them, by whatever name, is
    ///   refused.
    package init(path: String, madeFrom inputs: [String] = []) throws(ImageIOError) {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, let input = inputs.first(where: { Self.isSame($0, status) }) {
            throw ImageIOError(
                .unwritable, path: path,
                reason:
                    "cannot be written: is the same file as \(input), which is read; name another one"
            )
        }
        let kind = exists ? status.st_mode & S_IFMT : S_IFREG
        guard kind != S_IFDIR else {
            throw ImageIOError(.unwritable, path: path, reason: "cannot be written: is a folder")
        }
        let target = exists ? Self.resolved(path) : path
        let opened =
            kind == S_IFREG
            ? Self.beside(target)
            : (name: nil, descriptor: open(target, O_WRONLY | O_CLOEXEC))
        guard opened.descriptor >= 0 else { throw Self.unwritable(path) }
        // A name may mean another file by now, which must not be written over in its place.
        let isSame =
            fstat(opened.descriptor, &status) == 0
            && (status.st_mode & S_IFMT == S_IFREG) == (kind == S_IFREG)
        guard isSame else {
            close(opened.descriptor)
            if let name = opened.name { unlink(name) }
            throw ImageIOError(
                .unwritable, path: path,
                reason: "cannot be written: became another file meanwhile")
        }
        self.path = path
        self.target = target
        temporary = opened.name
        descriptor = opened.descriptor
    }

    /// Creates a file beside another one, and never opens one that somebody else has put there.
    private static func beside(_ target: String) -> (name: String?, descriptor: CInt) {
        var name = "\(target).\(getpid()).part"
        for number in 1...1_000 {
            let file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if file >= 0 || errno != EEXIST { return (name, file) }
            name = "\(target).\(getpid()).\(number).part"
        }
        return (nil, -1)
    }

    deinit {
        close(descriptor)
        if let temporary { unlink(temporary) }
    }

    /// Appends bytes.
    package borrowing func write(_ bytes: [UInt8]) throws(ImageIOError) {
        if let reason = writeAll(bytes, to: descriptor) { throw Self.unwritable(path, reason) }
    }

    /// Puts the file in its place.
    package consuming func commit() throws(ImageIOError) {
        guard let temporary else { return }
        // A file system of a network may say only at the end what it could not write.
        let copy = dup(descriptor)
        guard copy >= 0, close(copy) == 0, rename(temporary, target) == 0 else {
            throw Self.unwritable(path)
        }
    }

    /// Whether a path means a file.
    private static func isSame(_ path: String, _ file: stat) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_dev == file.st_dev
            && status.st_ino == file.st_ino
    }

    private static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func unwritable(_ path: String, _ reason: CInt = errno) -> ImageIOError {
        ImageIOError(
            .unwritable, path: path,
            reason: "cannot be written: \(String(cString: strerror(reason)))")
    }
}

/// Writes a file, or replaces the one that is there once every byte of the new one is written.
func writeFile(_ bytes: [UInt8], path: String) throws(ImageIOError) {
    let file = try WholeFile(path: path)
    try file.write(bytes)
    try file.commit()
}
