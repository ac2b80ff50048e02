import BONNImage
import BONNModelFormat
import Foundation
import Testing

/// One line of Golden/pillow.txt.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    let operation: String
    let image: PixelBuffer
    let arguments: [Double]
    let expected: String
    let testDescription: String

    init(_ line: Substring) throws {
        let words = line.split(separator: " ")
        try #require(words.count >= 6, "a line of pillow.txt: \(line.prefix(80))")
        operation = String(words[0])
        let numbers = try words[1..<words.count - 1].map { try #require(Double($0)) }
        image = seededImage(
            UInt64(numbers[0]), width: Int(numbers[1]), height: Int(numbers[2]),
            channels: Int(numbers[3]))
        arguments = Array(numbers[4...])
        expected = String(words[words.count - 1])
        testDescription = words.dropLast().joined(separator: " ")
    }

    static func all(_ operation: String) throws -> [GoldenCase] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/pillow.txt")
        return try String(contentsOf: file, encoding: .utf8)
            .split(separator: "\n").filter { $0.hasPrefix(operation + " ") }.map(GoldenCase.init)
    }

    /// Compares an image's bytes with the recorded ones.
    func check(_ result: PixelBuffer) throws {
        if expected.hasPrefix("fnv:") {
            let hash = result.pixels.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
                ($0 ^ UInt64($1)) &* 0x100_0000_01B3
            }
            #expect(hash == UInt64(expected.dropFirst(4), radix: 16), "\(testDescription)")
        } else {
            let bytes = stride(from: 0, to: expected.utf8.count, by: 2).map { i in
                let start = expected.index(expected.startIndex, offsetBy: i)
                return UInt8(expected[start..<expected.index(start, offsetBy: 2)], radix: 16) ?? 0
            }
            #expect(result.pixels == bytes, "\(testDescription)")
        }
    }
}

@Suite struct PillowGoldenTests {
    @Test func `resized images have Pillow's bytes`() throws {
        let cases = try GoldenCase.all("resize")
        #expect(cases.count == 64)
        for item in cases {
            let size = item.arguments.map { Int($0) }
            try item.check(item.image.resized(width: size[0], height: size[1]))
        }
    }

    @Test func `resized boxes have Pillow's bytes`() throws {
        let cases = try GoldenCase.all("box")
        #expect(cases.count == 40)
        for item in cases {
            let a = item.arguments
            try item.check(
                item.image.resized(
                    box: (a[0], a[1], a[2], a[3]), width: Int(a[4]), height: Int(a[5])))
        }
    }

    @Test func `shorter side and centre crop have torchvision's sizes and Pillow's bytes`() throws {
        let cases = try GoldenCase.all("shorter")
        #expect(cases.count == 26)
        for item in cases {
            let a = item.arguments.map { Int($0) }
            let rule = Preprocessing(
                width: a[1], height: a[2], resize: .shorterSide(a[0]), channels: .rgb,
                mean: [0, 0, 0], std: [1, 1, 1])
            try item.check(rule.apply(item.image))
        }
    }

    @Test func `luma has Pillow's bytes`() throws {
        let cases = try GoldenCase.all("gray")
        #expect(cases.count == 1)
        for item in cases { try item.check(item.image.gray()) }
    }
}
