import BONNConfiguration
import BONNData
import BONNImage
import BONNModelFormat
import BONNTrainer
import Foundation

/// Images whose pixels follow from their index, some of which may be broken.
struct CountingDataset: ImageDataset {
    var count: Int
    var side = 8
    var broken: Set<Int> = []
    /// Seconds that an image takes, to shuffle the order in which threads finish.
    var delay: @Sendable (Int) -> Double = { _ in 0 }

    var name: String { "counting" }
    var classNames: [Name] { ["even", "odd", "third"] }
    var channels: Int { 3 }
    var imageSize: (width: Int, height: Int)? { (side, side) }

    func label(at index: Int) -> Int { index % 3 }

    func identifier(at index: Int) -> String { "counting/\(index).png" }

    func image(at index: Int) throws(DataError) -> PixelBuffer {
        let seconds = delay(index)
        if seconds > 0 { Thread.sleep(forTimeInterval: seconds) }
        guard !broken.contains(index) else {
            throw DataError(.brokenImage, "\(identifier(at: index)): not a PNG file")
        }
        var random = SeededGenerator(seed: 77, stream: UInt64(index))
        let pixels = (0..<side * side * 3).map { _ in UInt8(random.integer(below: 256)) }
        return PixelBuffer(width: side, height: side, channels: 3, pixels: pixels)
    }
}

/// A folder of its own that is removed with the value.
final class TemporaryFolder {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "bonn-trainer-tests-" + UUID().uuidString
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The message of the training error that the body throws; nil when it throws none.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? TrainingError)?.message ?? "another error: \(error)"
    }
}
