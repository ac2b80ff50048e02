import Foundation

/// A file system of one MiB that is unmounted with the value; nil where only root may mount one.
final class SmallDisk {
    private let folder = TemporaryFolder()

    /// Where it is mounted.
    var path: String { folder.path }

    init?() {
        guard Self.shell("/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path) else {
            print("Skipped: only root can mount the small file system that this test fills.")
            return nil
        }
    }

    deinit { _ = Self.shell("/bin/umount", folder.path) }

    /// Uses up the space that is left; false when that fails.
    func fill() -> Bool {
        let facts = try? FileManager.default.attributesOfFileSystem(forPath: path)
        let free = facts?[.systemFreeSize] as? NSNumber
        return FileManager.default.createFile(
            atPath: filler, contents: free.map { Data(count: $0.intValue) })
    }

    /// Gives back what `fill` took.
    func empty() throws { try FileManager.default.removeItem(atPath: filler) }

    private var filler: String { path + "/filler" }

    private static func shell(_ tool: String, _ arguments: String...) -> Bool {
        guard FileManager.default.isExecutableFile(atPath: tool) else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
