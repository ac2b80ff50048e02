import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation
import Testing

@Suite struct FileTests {
    /// A folder that is gone after the test.
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bonn-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private func gradient(width: Int, height: Int, channels: Int) -> PixelBuffer {
        let count = width * height * channels
        return PixelBuffer(
            width: width, height: height, channels: channels,
            pixels: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
    }

    @Test(arguments: [(1, 1, 1), (1, 1, 3), (33, 17, 1), (33, 17, 3), (300, 200, 3)])
    func `a written PNG is read back unchanged`(_ size: (Int, Int, Int)) throws {
        let image = gradient(width: size.0, height: size.1, channels: size.2)
        #expect(
            try decodeImage(encodePNG(image), name: "round trip", orientation: .stored)
                == image.rgb())
        try withFolder { folder in
            let path = folder.appending(path: "image.png").path
            try writePNG(image, path: path)
            try writePNG(image, path: path)
            #expect(try readImage(path: path, orientation: .stored) == image.rgb())
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        }
    }

    @Test func `a missing file and a folder are errors that say so`() throws {
        try withFolder { folder in
            let missing = folder.appending(path: "missing.png").path
            #expect(
                throws: ImageIOError(
                    .unreadable, path: missing, reason: "cannot be read: No such file or directory")
            ) { try readImage(path: missing, orientation: .stored) }
            #expect(
                throws: ImageIOError(
                    .unreadable, path: folder.path, reason: "is a folder, not an image file")
            ) { try readImage(path: folder.path, orientation: .stored) }
        }
    }

    @Test func `an empty file and a text are errors that say so`() throws {
        try withFolder { folder in
            let path = folder.appending(path: "photo.jpg").path
            try Data().write(to: URL(filePath: path))
            #expect(
                throws: ImageIOError(.notAnImage, path: path, reason: "the file is empty")
            ) { try readImage(path: path, orientation: .stored) }
            try Data("text".utf8).write(to: URL(filePath: path))
            #expect(
                throws: ImageIOError(
                    .notAnImage, path: path,
                    reason: "is not an image; only JPEG, PNG, GIF and WebP are read")
            ) { try readImage(path: path, orientation: .stored) }
        }
    }

    @Test func `a file without permission is an error`() throws {
        // Permissions do not bind root.
        guard getuid() != 0 else { return }
        try withFolder { folder in
            let path = folder.appending(path: "secret.png").path
            try writePNG(gradient(width: 2, height: 2, channels: 1), path: path)
            chmod(path, 0)
            let error = #expect(throws: ImageIOError.self) {
                try readImage(path: path, orientation: .stored)
            }
            #expect(error?.reason == "cannot be read: Permission denied")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a named pipe is an error and not a wait`() throws {
        try withFolder { folder in
            let path = folder.appending(path: "pipe.png").path
            try #require(mkfifo(path, 0o600) == 0)
            let error = #expect(throws: ImageIOError.self) {
                try readImage(path: path, orientation: .stored)
            }
            #expect(error?.reason == "is not a plain file")
        }
    }

    @Test func `writing where nothing can be written is an error`() throws {
        try withFolder { folder in
            let path = folder.appending(path: "missing/image.png").path
            let image = gradient(width: 2, height: 2, channels: 1)
            let error = #expect(throws: ImageIOError.self) { try writePNG(image, path: path) }
            #expect(error?.code == .unwritable)
            #expect(error?.description == "\(path): cannot be written: No such file or directory")
        }
    }

    @Test func `a file that grows or shrinks while it is read is an error or whole`() throws {
        try withFolder { folder in
            let path = folder.appending(path: "image.png").path
            let image = gradient(width: 300, height: 200, channels: 3)
            let bytes = try encodePNG(image)
            try Data(bytes).write(to: URL(filePath: path))
            let writer = open(path, O_WRONLY)
            defer { close(writer) }
            let reading = DispatchSemaphore(value: 0)
            let other = Thread {
                for round in 0..<2000 {
                    ftruncate(writer, off_t(round % 2 == 0 ? bytes.count + round : bytes.count))
                }
                reading.signal()
            }
            other.start()
            while reading.wait(timeout: .now()) == .timedOut {
                do {
                    #expect(try readImage(path: path, orientation: .stored) == image.rgb())
                } catch let error as ImageIOError {
                    #expect(error.code == .unreadable, "\(error)")
                }
            }
        }
    }

    @Test func `nothing of others is written through on the way`() throws {
        try withFolder { folder in
            let path = folder.appending(path: "image.png").path
            let mine = folder.appending(path: "mine").path
            try Data("precious".utf8).write(to: URL(filePath: mine))
            let planted = "\(path).\(getpid()).part"
            try FileManager.default.createSymbolicLink(
                atPath: planted, withDestinationPath: mine)
            let image = gradient(width: 3, height: 2, channels: 3)
            try writePNG(image, path: path)
            #expect(try readImage(path: path, orientation: .stored) == image)
            #expect(try String(contentsOfFile: mine, encoding: .utf8) == "precious")
            #expect(
                try Set(FileManager.default.contentsOfDirectory(atPath: folder.path))
                    == ["image.png", "mine", "image.png.\(getpid()).part"])
        }
    }

    @Test func `a link is written through, and a folder is refused`() throws {
        try withFolder { folder in
            let link = folder.appending(path: "link.png").path
            let target = folder.appending(path: "target.png").path
            try Data([1]).write(to: URL(filePath: target))
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: "target.png")
            let image = gradient(width: 2, height: 2, channels: 3)
            try writePNG(image, path: link)
            #expect(try readImage(path: target, orientation: .stored) == image)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target.png")
            let error = #expect(throws: ImageIOError.self) {
                try writePNG(image, path: folder.path)
            }
            #expect(error?.reason == "cannot be written: is a folder")
        }
    }
}
