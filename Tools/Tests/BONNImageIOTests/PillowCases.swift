import BONNImage
import BONNImageIO
import Foundation
import Testing

/// A file that Pillow/make_images.py wrote, and what is to become of it.
struct ImageCase: Sendable, CustomTestStringConvertible {
    /// Relative to the folder of its list.
    let name: String
    let path: String
    /// What Pillow reads and how far one may be from it; nil if the file is bad.
    let expected: (image: PixelBuffer, tolerance: Int)?

    var testDescription: String { name }

    /// The cases of a folder's cases.txt.
    static func all(in folder: URL) throws -> [ImageCase] {
        let list = try String(contentsOf: folder.appending(path: "cases.txt"), encoding: .utf8)
        return try list.split(separator: "\n").map { line in
            let isGood = line.hasPrefix("good ")
            let words = line.split(separator: " ", maxSplits: isGood ? 4 : 1)
            let name = String(try #require(words.last))
            let path = folder.appending(path: name).path
            guard isGood else { return ImageCase(name: name, path: path, expected: nil) }
            let numbers = try words[1..<4].map { try #require(Int($0)) }
            let image = try rawImage(path + ".rgb", width: numbers[1], height: numbers[2])
            return ImageCase(name: name, path: path, expected: (image, numbers[0]))
        }
    }
}

/// Red, green and blue bytes that make_images.py wrote.
func rawImage(_ path: String, width: Int, height: Int) throws -> PixelBuffer {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    try #require(bytes.count == width * height * 3, "\(path)")
    return PixelBuffer(width: width, height: height, channels: 3, pixels: bytes)
}

/// The largest difference of two bytes; 256 if the images have different shapes.
func largestDifference(_ a: PixelBuffer, _ b: PixelBuffer) -> Int {
    guard a.width == b.width, a.height == b.height, a.channels == b.channels else { return 256 }
    var largest = 0
    a.pixels.withUnsafeBufferPointer { a in
        b.pixels.withUnsafeBufferPointer { b in
            for i in 0..<a.count { largest = max(largest, abs(Int(a[i]) - Int(b[i]))) }
        }
    }
    return largest
}

/// Pillow in a Python process.
enum Pillow {
    static let here = URL(filePath: #filePath).deletingLastPathComponent()
    static let repository = here.appending(path: "../../..").standardized
    static let missing: Comment =
        "no Python with Pillow: run make setup, or let BONN_PYTHON name one"

    /// The interpreter, if there is one with Pillow.
    static let python: String? = {
        let named = ProcessInfo.processInfo.environment["BONN_PYTHON"].map { [$0] } ?? []
        let candidates =
            named + [repository.appending(path: "Training/.venv/bin/python").path, "python3"]
        return candidates.first { (try? run($0, ["-c", "import PIL"], quietly: true)) == 0 }
    }()

    /// The folder of photos to compare, if there is one.
    static let photos: URL? = {
        let named = ProcessInfo.processInfo.environment["BONN_PHOTOS"].map { URL(filePath: $0) }
        let folder = named ?? repository.appending(path: "../shared/data/photos").standardized
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    /// Runs make_images.py for a temporary folder, which is gone afterwards.
    static func withImages(
        _ arguments: [String] = [], _ body: (URL, [ImageCase]) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bonn-images-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = here.appending(path: "Pillow/make_images.py").path
        let status = try run(
            try #require(python), ["-B", "-W", "ignore", script, folder.path] + arguments)
        try #require(status == 0, "make_images.py ended with status \(status)")
        try body(folder, ImageCase.all(in: folder))
    }

    /// Runs hostile_images.py.
    static func writeHostileImages(into folder: URL) throws {
        let script = here.appending(path: "Pillow/hostile_images.py").path
        let status = try run(try #require(python), ["-B", script, folder.path])
        try #require(status == 0, "hostile_images.py ended with status \(status)")
    }

    private static func run(
        _ program: String, _ arguments: [String], quietly: Bool = false
    ) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        if quietly { process.standardError = FileHandle.nullDevice }
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
