import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation
import Testing

@Suite struct OrientationTests {
    /// A PNG file with EXIF data in it.
    private func png(_ image: PixelBuffer, exif: [UInt8]) throws -> [UInt8] {
        let plain = try encodePNG(image)
        let end = plain.count - 12
        let kind = Array("eXIf".utf8)
        var checksum: UInt32 = .max
        for byte in kind + exif {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1) * 0xEDB8_8320 }
        }
        let chunk = big(UInt32(exif.count)) + kind + exif + big(~checksum)
        return Array(plain[..<end]) + chunk + Array(plain[end...])
    }

    private func big(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// EXIF data whose only entry is an orientation.
    private func exif(_ value: UInt8, count: UInt32 = 1, directory: UInt32 = 8) -> [UInt8] {
        var bytes = Array("MM\0*".utf8) + big(directory)
        bytes += [0, 1, 1, 0x12, 0, 3] + big(count)
        return bytes + [0, value, 0, 0] + big(8)
    }

    private let image = PixelBuffer(
        width: 3, height: 2, channels: 3, pixels: (0..<18).map { UInt8($0 / 3 * 3) })

    private static let turns: [(UInt8, [[Int]])] = [
        (1, [[0, 1, 2], [3, 4, 5]]), (2, [[2, 1, 0], [5, 4, 3]]), (3, [[5, 4, 3], [2, 1, 0]]),
        (4, [[3, 4, 5], [0, 1, 2]]), (5, [[0, 3], [1, 4], [2, 5]]),
        (6, [[3, 0], [4, 1], [5, 2]]),
        (7, [[5, 2], [4, 1], [3, 0]]), (8, [[2, 5], [1, 4], [0, 3]]),
        (0, [[0, 1, 2], [3, 4, 5]]),
        (9, [[0, 1, 2], [3, 4, 5]]),
    ]

    @Test(arguments: turns)
    func `each value turns and mirrors as EXIF defines it`(value: UInt8, rows: [[Int]]) throws {
        let bytes = try png(image, exif: exif(value))
        let turned = try decodeImage(bytes, name: "image", orientation: .exif)
        #expect(turned.width == rows[0].count && turned.height == rows.count)
        let expected = rows.joined().flatMap { [UInt8](repeating: UInt8(3 * $0), count: 3) }
        #expect(turned.pixels == expected)
        #expect(try decodeImage(bytes, name: "image", orientation: .stored) == image)
    }

    @Test func `data that points at itself, ends early or counts beyond its end turns nothing`()
        throws
    {
        let whole = exif(6)
        let hostile: [[UInt8]] = [
            exif(6, count: .max), exif(6, count: 1 << 31), exif(6, directory: .max),
            exif(6, directory: 0), exif(6, directory: 4), Array("II*\0".utf8) + big(8), [],
            Array(repeating: 0xFF, count: 70000),
        ]
        let cut = (0..<whole.count - 6).map { Array(whole[..<$0]) }
        for data in hostile + cut {
            let read = try decodeImage(
                png(image, exif: data), name: "image", orientation: .exif)
            #expect(read == image, "\(data.prefix(40))")
        }
    }

    @Test func `a chunk with a wrong checksum is passed over`() throws {
        var bytes = try png(image, exif: exif(6))
        bytes[bytes.count - 13] ^= 1
        #expect(exifTurning(of: bytes) == .none)
    }

    @Test func `the size of a file is that of the upright image`() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "bonn-upright-\(UUID().uuidString).png").path
        try Data(png(image, exif: exif(6))).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try readImageSize(path: path, orientation: .exif) == (2, 3))
        #expect(try readImageSize(path: path, orientation: .stored) == (3, 2))
    }

    @Test func `turning twice or back gives the image again`() {
        for turning in Turning.allCases {
            let back = turning == .left ? Turning.right : turning == .right ? .left : turning
            #expect(image.turned(turning).turned(back) == image, "\(turning)")
        }
    }

    @Test(.enabled(if: Pillow.python != nil, Pillow.missing), arguments: [1, 2])
    func `random EXIF and XMP data turns as exif_transpose does`(seed: Int) throws {
        try Pillow.withImages(["--exif", "600", "--seed", "\(seed)"]) { _, cases in
            var turned = 0
            for item in cases {
                let expected = try #require(item.expected)
                let image = try readImage(path: item.path, orientation: .exif)
                #expect(
                    largestDifference(image, expected.image) <= expected.tolerance, "\(item.name)")
                let stored = try readImage(path: item.path, orientation: .stored)
                if stored != image { turned += 1 }
            }
            #expect(cases.count == 600 && turned > 150)
        }
    }
}
