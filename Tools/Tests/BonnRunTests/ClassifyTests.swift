import BONNImage
import BONNImageIO
import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

@Suite struct ClassifyTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Probabilities by the definition, for logits that are far from overflow.
    private func probabilities(_ logits: [Float]) -> [Double] {
        let powers = logits.map { exp(Double($0)) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    @Test func `logits are the session's and scores their softmax, for every kernel set`() throws {
        let path = try scratch.write(SmallModel.file())
        let images = try (1...3).map { try scratch.image("\($0).png", seed: UInt64($0)) }
        var session = try InferenceSession(try Model(path: path))
        for kernels in KernelSet.available {
            let list = try Tool(
                ["classify", path] + images
                    + ["--logits", "--json", "--top", "3", "--kernels", kernels.name])
            #expect(list.status == 0)
            let results = try list.jsonLines()
            try #require(results.count == 3)
            for (image, result) in zip(images, results) {
                let input = try SmallModel.preprocessing.input(
                    try readImage(path: image, orientation: .stored))
                let logits = try session.run(input)
                #expect(result.keys == ["image", "predictions", "kernels", "logits"])
                #expect(result["kernels"].string == kernels.name)
                #expect(result["image"].string == image)
                #expect(result["logits"].elements.map { $0.number?.float } == logits, "\(kernels)")
                let scores = probabilities(logits)
                let ranked = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(3)
                let predictions = result["predictions"].elements
                #expect(predictions.map { $0["class"].number?.int } == Array(ranked))
                for prediction in predictions {
                    #expect(prediction.keys == ["class", "name", "score"])
                    let index = try #require(prediction["class"].number?.int)
                    let score = try #require(prediction["score"].number?.double)
                    #expect(prediction["name"].string == "class-\(index)")
                    #expect(abs(score - scores[index]) < 1e-6)
                }
            }
        }
    }

    @Test func `a network of bytes gets the pixels themselves`() throws {
        let rule = Preprocessing(
            width: 8, height: 8, resize: .none, channels: .rgb, mean: [0, 0, 0], std: [1, 1, 1])
        let path = try scratch.write(SmallModel.file(rule))
        let image = try scratch.image("8.png", seed: 8, width: 8, height: 8)
        let pixels = try readImage(path: image, orientation: .stored).pixels
        let planes = (0..<3).flatMap { channel in (0..<64).map { pixels[$0 * 3 + channel] } }
        var session = try InferenceSession(try Model(path: path))
        let expected = try session.run(bytes: planes)
        let result = try Tool("classify", path, image, "--logits", "--json").jsonLines()
        #expect(result.first?["logits"].elements.map { $0.number?.float } == expected)
    }

    @Test func `classes without names go by their numbers, and five are listed`() throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        let image = try scratch.image("1.png", seed: 1)
        let result = try Tool("classify", path, image, "--json").jsonLines()
        let predictions = try #require(result.first)["predictions"].elements
        #expect(result.first?.keys == ["image", "predictions", "kernels"])
        #expect(result.first?["kernels"].string == KernelSet.best.name)
        #expect(predictions.count == 5)
        for prediction in predictions {
            #expect(prediction["name"].string == prediction["class"].number?.literal)
        }
    }

    @Test func `a person sees a line per class under each image`() throws {
        let path = try scratch.write(SmallModel.file())
        let image = try scratch.image("1.png", seed: 1)
        let lines = try Tool("classify", path, image, "--top", "2", "--kernels", "scalar").output
            .split(separator: "\n")
        try #require(lines.count == 4)
        #expect(lines[0] == "kernels scalar, 1 thread")
        #expect(lines[1] == image)
        #expect(lines[2].hasPrefix("  class-") && lines[2].hasSuffix(" %"), "\(lines[2])")
    }

    @Test func `every broken image has its message and the good ones their result`() throws {
        let path = try scratch.write(SmallModel.file())
        let good = try scratch.image("good.png", seed: 1)
        let text = try scratch.write(Array("no pixels".utf8), "text.png")
        let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: good)))
        let cut = try scratch.write(Array(whole.dropLast(40)), "cut.png")
        let missing = scratch.path("missing.png")
        let run = try Tool("classify", path, text, cut, good, missing, "--json")
        #expect(run.status == 1)
        try #require(run.errors.count == 3, "\(run.errors)")
        for (line, name) in zip(run.errors, [text, cut, missing]) {
            #expect(line.hasPrefix("\(name): "), "\(line)")
        }
        #expect(run.errors[2].hasSuffix("No such file or directory"))
        let results = try run.jsonLines()
        #expect(results.map { $0["image"].string } == [good])
    }

    @Test func `an image that the preprocessing refuses is named`() throws {
        var rule = SmallModel.preprocessing
        rule.resize = .none
        let path = try scratch.write(SmallModel.file(rule))
        let image = try scratch.image("wide.png", seed: 1)
        let run = try Tool("classify", path, image)
        #expect(run.status == 1)
        try #require(run.errors.count == 1)
        #expect(run.errors[0].hasPrefix("\(image): "))
        #expect(run.errors[0].contains("13x9") && run.errors[0].contains("8x8"))
    }

    @Test func `a folder stands for its images in order, and what is left out is counted`() throws {
        let path = try scratch.write(SmallModel.file())
        let names = ["b/2.png", "b/1.PNG", "a.png", "b/c/0.png", "Z.png"]
        for (index, name) in names.enumerated() {
            _ = try scratch.image("photos/\(name)", seed: UInt64(index))
        }
        _ = try scratch.write([1], "photos/notes.txt")
        _ = try scratch.write([1], "photos/b/.hidden.png")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path("photos/b/loop"), withDestinationPath: "..")
        let folder = scratch.path("photos")
        let run = try Tool("classify", path, folder, "--json")
        #expect(run.status == 0)
        #expect(
            run.errors == ["\(folder): 2 entries without the ending of an image left out"])
        #expect(
            try run.jsonLines().map { $0["image"].string }
                == [
                    "Z.png", "a.png", "b/1.PNG", "b/2.png", "b/c/0.png",
                ].map { "\(folder)/\($0)" })
    }

    @Test func `a dash stands for an image on standard input`() throws {
        let path = try scratch.write(SmallModel.file())
        let image = try scratch.image("1.png", seed: 1)
        let named = try Tool("classify", path, image, "--json").jsonLines()
        let piped = try Tool(["classify", path, "-", "--json"], shell: "< \(image)").jsonLines()
        #expect(piped.count == 1 && piped[0]["image"].string == "-")
        #expect(piped[0]["predictions"] == named[0]["predictions"])
        let empty = try Tool("classify", path, "-")
        #expect(empty.status == 1 && empty.errors == ["standard input: the file is empty"])
        #expect(try Tool("classify", path, "-", "-").status == 64)
    }

    @Test func `an image is turned by EXIF as the model was trained, and not otherwise`() throws {
        let photo = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../BONNImageIOTests/Pillow/Fixtures/baseline-420-17x13.jpg")
        var bytes = [UInt8](try Data(contentsOf: photo))
        let tag: [UInt8] = [0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]
        let exif = Array("Exif\0\0MM\0*\0\0\0\u{8}".utf8) + tag
        bytes.insert(contentsOf: [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif, at: 2)
        let image = try scratch.write(bytes, "turned.jpg")
        for orientation in Preprocessing.Orientation.allCases {
            var rule = SmallModel.preprocessing
            rule.orientation = orientation
            let path = try scratch.write(SmallModel.file(rule), "\(orientation.rawValue).bonn")
            var session = try InferenceSession(try Model(path: path))
            let pixels = try decodeImage(bytes, name: "image", orientation: orientation)
            #expect(pixels.width == (orientation == .exif ? 13 : 17))
            let expected = try session.run(rule.input(pixels))
            let result = try Tool("classify", path, image, "--logits", "--json").jsonLines()
            #expect(result.first?["logits"].elements.map { $0.number?.float } == expected)
            let info = try Tool.json("info", path)["preprocessing"]
            #expect(info["orientation"].string == orientation.rawValue)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `each result is written when it is known`() throws {
        let path = try scratch.write(SmallModel.file())
        let image = try scratch.image("1.png", seed: 1)
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = try Tool.executable()
        process.arguments = ["classify", path, image, "-", "--json"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // The second image has not come yet.
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        #expect(try JSONValue(parsing: line, place: "line")["image"].string == image)
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(process.terminationStatus == 1)
    }

    @Test func `the memory of decoding can be limited`() throws {
        let path = try scratch.write(SmallModel.file())
        let image = try scratch.image("large.png", seed: 1, width: 400, height: 300)
        let run = try Tool("classify", path, image, "--limit-image-memory", "1")
        #expect(run.status == 1)
        #expect(
            run.errors == [
                "\(image): decoding its 400x300 pixels takes 2 MB, more than the 1 MB that are "
                    + "allowed; make it smaller, or allow more"
            ])
        #expect(try Tool("classify", path, image, "--limit-image-memory", "2").status == 0)
        #expect(try Tool("classify", path, image, "--limit-image-memory", "0").status == 64)
    }
}
