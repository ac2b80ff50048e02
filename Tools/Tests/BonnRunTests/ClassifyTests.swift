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
            let results = try list.json().elements
            try #require(results.count == 3)
            for (image, result) in zip(images, results) {
                let input = try SmallModel.preprocessing.input(try readImage(path: image))
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
        let pixels = try readImage(path: image).pixels
        let planes = (0..<3).flatMap { channel in (0..<64).map { pixels[$0 * 3 + channel] } }
        var session = try InferenceSession(try Model(path: path))
        let expected = try session.run(bytes: planes)
        let result = try Tool.json("classify", path, image, "--logits").elements
        #expect(result.first?["logits"].elements.map { $0.number?.float } == expected)
    }

    @Test func `classes without names go by their numbers, and five are listed`() throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        let image = try scratch.image("1.png", seed: 1)
        let result = try Tool.json("classify", path, image).elements
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
        let folder = scratch.path(".")
        let run = try Tool("classify", path, text, cut, good, missing, folder, "--json")
        #expect(run.status == 1)
        try #require(run.errors.count == 4, "\(run.errors)")
        for (line, name) in zip(run.errors, [text, cut, missing, folder]) {
            #expect(line.hasPrefix("\(name): "), "\(line)")
        }
        #expect(run.errors[2].hasSuffix("No such file or directory"))
        #expect(run.errors[3].hasSuffix("is a folder, not an image file"))
        let results = try run.json().elements
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
}
