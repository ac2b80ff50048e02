import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation
import Testing

/// Reads the good files among the cases and compares them with Pillow.
func checkGoodFiles(_ cases: [ImageCase]) {
    for item in cases {
        guard let expected = item.expected else { continue }
        do {
            let image = try readImage(path: item.path, orientation: .stored)
            let difference = largestDifference(image, expected.image)
            #expect(difference <= expected.tolerance, "\(item.name)")
        } catch {
            Issue.record("\(item.name): \(error)")
        }
    }
}

@Suite struct FixtureTests {
    static func cases() throws -> [ImageCase] {
        try ImageCase.all(in: Pillow.here.appending(path: "Pillow/Fixtures"))
    }

    @Test func `the committed files have Pillow's pixels`() throws {
        let cases = try Self.cases()
        #expect(cases.count == 15)
        checkGoodFiles(cases)
    }

    @Test func `a file cut at any byte is an error that names it`() throws {
        for item in try Self.cases() {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: item.path)))
            // The first frame of a GIF file is whole before the byte that ends the file.
            let needed = item.name.hasSuffix(".gif") ? bytes.count - 1 : bytes.count
            for count in 0..<needed {
                let error = #expect(throws: ImageIOError.self, "\(item.name) cut at \(count)") {
                    try decodeImage(Array(bytes[..<count]), name: item.name, orientation: .stored)
                }
                #expect(error?.description.hasPrefix(item.name + ": ") == true)
            }
        }
    }

    @Test func `damaged bytes give an image or an error but never a crash`() throws {
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var refused = 0
        for item in try Self.cases() {
            let sound = [UInt8](try Data(contentsOf: URL(filePath: item.path)))
            for _ in 0..<400 {
                var bytes = sound
                for _ in 0...random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
                let result = Result { () throws(ImageIOError) in
                    try decodeImage(
                        bytes, name: item.name, orientation: .stored,
                        budget: DecodingBudget(bytes: 8 << 20))
                }
                switch result {
                case .success(let image):
                    #expect(image.pixels.count == image.width * image.height * 3)
                case .failure(let error):
                    refused += 1
                    #expect(!error.description.contains("\n"), "\(item.name): \(error)")
                }
            }
        }
        #expect(refused > 0)
    }

    @Test func `threads decode beside each other`() throws {
        let cases = try Self.cases()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in checkGoodFiles(cases) }
    }
}

@Suite(.enabled(if: Pillow.python != nil, Pillow.missing)) struct PillowTests {
    @Test func `every kind of JPEG, PNG, GIF and WebP has Pillow's pixels`() throws {
        try Pillow.withImages { _, cases in
            #expect(cases.count { $0.expected != nil } > 350)
            checkGoodFiles(cases)
        }
    }

    @Test func `every broken file is an error that names it in one line`() throws {
        try Pillow.withImages { _, cases in
            let bad = cases.filter { $0.expected == nil }
            #expect(bad.count > 100)
            for item in bad {
                let error = #expect(throws: ImageIOError.self, "\(item.name)") {
                    try readImage(path: item.path, orientation: .stored)
                }
                let text = error?.description ?? ""
                #expect(text.hasPrefix(item.path + ": "), "\(item.name): \(text)")
                #expect(!text.contains("\n"), "\(item.name): \(text)")
            }
        }
    }

    @Test(.enabled(if: Pillow.photos != nil, "no photos: BONN_PHOTOS can name a folder of them"))
    func `photos have Pillow's pixels, and its preprocessed pixels`() throws {
        let photos = try #require(Pillow.photos)
        let rule = Preprocessing(
            width: 224, height: 224, resize: .shorterSide(256), channels: .rgb, mean: [0, 0, 0],
            std: [1, 1, 1])
        var decoding = 0
        var preprocessing = 0
        try Pillow.withImages(["--photos", photos.path]) { folder, cases in
            #expect(!cases.isEmpty)
            for item in cases {
                let expected = try #require(item.expected).image
                let image = try readImage(
                    path: photos.appending(path: item.name).path, orientation: .stored)
                let decoded = largestDifference(image, expected)
                #expect(decoded <= 2, "\(item.name)")
                let resized = largestDifference(
                    try rule.apply(expected),
                    try rawImage(item.path + ".224.rgb", width: 224, height: 224))
                #expect(resized <= 1, "\(item.name)")
                decoding = max(decoding, decoded)
                preprocessing = max(preprocessing, resized)
            }
            print(
                "\(cases.count) photos: largest difference from Pillow \(decoding) grey levels "
                    + "decoded, \(preprocessing) resized and cropped")
        }
    }
}
