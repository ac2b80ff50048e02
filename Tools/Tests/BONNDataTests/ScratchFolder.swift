import BONNImage
import BONNImageIO
import Foundation
import Testing

@testable import BONNData

/// A folder for one test, removed with everything in it at the end.
final class ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory().appending(component: "bonn-data-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of something in the folder.
    func callAsFunction(_ name: String) -> String { path.appending(component: name) }

    /// Makes an empty folder.
    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: self(name), withIntermediateDirectories: true)
    }

    /// Writes a file and the folders above it.
    func write(_ bytes: [UInt8], _ name: String) throws {
        let url = URL(fileURLWithPath: self(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    /// Writes a text file.
    func write(_ text: String, _ name: String) throws {
        try write(Array(text.utf8), name)
    }

    /// Writes an image as a PNG file.
    func write(_ image: PixelBuffer, _ name: String) throws {
        try write(encodePNG(image), name)
    }

    /// Everything in the folder, hidden files too.
    func contents() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }
}

/// Bytes that follow from a seed.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
}

/// An image that follows from a seed.
func randomImage(_ width: Int, _ height: Int, channels: Int = 3, seed: UInt64) -> PixelBuffer {
    PixelBuffer(
        width: width, height: height, channels: channels,
        pixels: randomBytes(width * height * channels, seed: seed))
}

/// What opening a data set throws, or nil.
func openingError(_ path: String, options: DatasetOptions = DatasetOptions()) -> DataError? {
    do {
        _ = try DatasetSplits.open(path, options: options)
        return nil
    } catch {
        return error
    }
}

/// Bytes that this process has in memory; 0 where the system does not say.
func residentMemory() throws -> Int {
    #if os(Linux)
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            .split(separator: " ")[1]
        return try #require(Int(pages)) * Int(getpagesize())
    #else
        return 0
    #endif
}
