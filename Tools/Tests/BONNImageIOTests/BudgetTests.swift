import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation
import Testing

@Suite struct BudgetTests {
    private static let fixtures = Pillow.here.appending(path: "Pillow/Fixtures")

    private func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: Self.fixtures.appending(path: name)))
    }

    @Test func `an image that takes more than the budget is refused, and the message names both`()
        throws
    {
        for item in try FixtureTests.cases() {
            let file = try bytes(item.name)
            let error = #expect(throws: ImageIOError.self, "\(item.name)") {
                try decodeImage(
                    file, name: item.name, orientation: .stored,
                    budget: DecodingBudget(bytes: 1_000_000))
            }
            #expect(error?.code == .tooLarge, "\(item.name)")
            #expect(
                error?.reason.contains("takes 2 MB, more than the 1 MB") == true, "\(item.name)")
            let enough = DecodingBudget(bytes: 3_000_000)
            #expect(
                try decodeImage(file, name: item.name, orientation: .stored, budget: enough).width
                    > 0)
        }
    }

    @Test func `a file that is larger than the budget is refused before it is read`() throws {
        let path = Self.fixtures.appending(path: "cmyk-17x13.jpg").path
        let error = #expect(throws: ImageIOError.self) {
            try readImage(path: path, orientation: .stored, budget: DecodingBudget(bytes: 100))
        }
        #expect(error?.code == .tooLarge)
        #expect(error?.reason.hasPrefix("is a file of ") == true)
    }

    @Test func `threads wait for one another instead of exceeding the budget, and none for ever`()
        throws
    {
        let file = try bytes("progressive-444-17x13.jpg")
        // Enough for one image and not for two.
        let budget = DecodingBudget(bytes: 1_500_000)
        let widths = Collected([Int]())
        DispatchQueue.concurrentPerform(iterations: 200) { _ in
            let image = try? decodeImage(file, name: "image", orientation: .exif, budget: budget)
            widths.append(image?.width ?? 0)
        }
        #expect(widths.values == [Int](repeating: 17, count: 200))
    }

    @Test(.enabled(if: Pillow.python != nil, Pillow.missing), .timeLimit(.minutes(2)))
    func `small files that ask for much are refused, and text is never unpacked`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bonn-hostile-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try Pillow.writeHostileImages(into: folder)
        let refused = folder.appending(path: "refused")
        let names = try FileManager.default.contentsOfDirectory(atPath: refused.path)
        #expect(names.count == 6)
        for name in names {
            let clock = ContinuousClock()
            let time = clock.measure {
                let error = #expect(throws: ImageIOError.self, "\(name)") {
                    try readImage(
                        path: refused.appending(path: name).path, orientation: .exif)
                }
                let expected: ImageIOError.Code = name.contains("scans") ? .undecodable : .tooLarge
                #expect(error?.code == expected, "\(name): \(error?.description ?? "")")
            }
            #expect(time < .seconds(5), "\(name)")
        }
        let text = folder.appending(path: "accepted/much-text.png").path
        // The file itself is 51 MB; unpacked, its text would be 800 MB.
        let image = try readImage(
            path: text, orientation: .exif, budget: DecodingBudget(bytes: 60_000_000))
        #expect(image.width == 8 && image.height == 8)
        let photo = folder.appending(path: "accepted/photo-24-megapixels.jpg").path
        #expect(try readImage(path: photo, orientation: .exif).width == 6000)
    }
}

/// Values that threads append to.
private final class Collected: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: [Int]

    init(_ values: [Int]) { stored = values }

    func append(_ value: Int) { lock.withLock { stored.append(value) } }

    var values: [Int] { lock.withLock { stored } }
}

@Suite struct SixteenBitTests {
    @Test func `16-bit gray is scaled to 8 bits and rounded`() throws {
        let folder = Pillow.here.appending(path: "Pillow/Fixtures")
        let image = try readImage(
            path: folder.appending(path: "type0-16bit-17x13.png").path, orientation: .stored)
        // What make_images.py writes: (255 v + 32767) / 65535, rounded down, of every sample.
        let expected = try rawImage(
            folder.appending(path: "type0-16bit-17x13.png.rgb").path, width: 17, height: 13)
        #expect(image == expected)
        #expect(Set(image.pixels).count > 50, "clamping would leave hardly a value but 255")
    }
}
