import BONNData
import BONNModelFormat

/// A gzipped tar file, listed and unpacked by the `tar` of the system.
struct TarArchive {
    /// A file or folder in an archive.
    struct Entry: Equatable {
        let name: String
        let isFolder: Bool
    }

    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// What is in a folder of the archive, without its name, folders before what is in them.
    ///
    /// - Throws: `.archive` where there is anything else in the archive.
    func entries(below folder: String) throws(DataError) -> [Entry] {
        let lines = try tar(["-tzf", path]).split(separator: "\n").map(String.init)
        var folders: Set<String> = []
        var files: [String] = []
        for line in lines {
            let parts = line.split(separator: "/", omittingEmptySubsequences: false)
                .map(String.init)
            let isFolder = parts.last == ""
            let names = isFolder ? parts.dropLast() : parts[...]
            guard names.first == folder else {
                throw DataError(
                    .archive,
                    "\(printable(path)): holds \(printable(line, limit: 100)), expected nothing "
                        + "outside the folder \(folder)")
            }
            // tar writes what is not plain text with backslashes.
            guard names.allSatisfy({ !["", ".", ".."].contains($0) && !$0.contains("\\") }) else {
                throw DataError(
                    .archive,
                    "\(printable(path)): holds \(printable(line, limit: 100)), expected plain names"
                )
            }
            let inner = Array(names.dropFirst())
            for depth in 0..<inner.count where depth > 0 {
                folders.insert(inner[..<depth].joined(separator: "/"))
            }
            let name = inner.joined(separator: "/")
            if isFolder {
                folders.insert(name)
            } else {
                files.append(name)
            }
        }
        folders.remove("")
        return folders.sorted().map { Entry(name: $0, isFolder: true) }
            + files.map { Entry(name: $0, isFolder: false) }
    }

    /// Unpacks what is in the archive's folder into one that exists.
    func unpack(into folder: String) throws(DataError) {
        _ = try tar(["-xzf", path, "-C", folder, "--strip-components", "1", "--no-same-owner"])
    }

    /// Runs tar and returns what it prints.
    private func tar(_ arguments: [String]) throws(DataError) -> String {
        let program = try SystemProgram(
            "tar", arguments, purpose: "to unpack \(printable(path))")
        var printed: [UInt8] = []
        read: while true {
            switch program.next() {
            case .bytes(let bytes): printed += bytes
            case .nothing: continue
            case .over: break read
            }
        }
        if let complaint = try program.failure() {
            throw DataError(
                .archive,
                "\(printable(path)): tar cannot unpack it: \(printable(complaint, limit: 300))")
        }
        return String(decoding: printed, as: UTF8.self)
    }
}
