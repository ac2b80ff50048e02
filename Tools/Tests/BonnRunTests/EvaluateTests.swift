import BONNData
import BONNImage
import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

@Suite struct EvaluateTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The share of images whose class is among the `k` best, image by image.
    private func accuracy(_ path: String, data: String, images: Int, k: Int) throws -> Double {
        var session = try InferenceSession(try Model(path: path, kernels: .named("scalar")))
        let dataset = try DatasetSplits.open(data).test.subset(of: images, seed: 1)
        var right = 0
        for index in 0..<images {
            let input = try SmallModel.preprocessing.input(try dataset.image(at: index))
            let logits = try session.run(input)
            let own = logits[dataset.label(at: index)]
            if logits.filter({ $0 > own }).count < k { right += 1 }
        }
        return Double(right) / Double(images)
    }

    /// Over 15 bins of the probability, image by image.
    private func calibrationError(_ path: String, data: String, images: Int) throws -> Double {
        var session = try InferenceSession(try Model(path: path, kernels: .named("scalar")))
        let dataset = try DatasetSplits.open(data).test.subset(of: images, seed: 1)
        var gaps = [Int: Double]()
        for index in 0..<images {
            let input = try SmallModel.preprocessing.input(try dataset.image(at: index))
            let logits = try session.run(input).map(Double.init)
            let largest = logits.max() ?? 0
            let probability = 1 / logits.reduce(0) { $0 + exp($1 - largest) }
            let isRight = logits.firstIndex(of: largest) == dataset.label(at: index)
            gaps[min(14, Int(probability * 15)), default: 0] += (isRight ? 1 : 0) - probability
        }
        #expect(gaps.count > 1, "the case says little")
        return gaps.values.reduce(0) { $0 + abs($1) } / Double(images)
    }

    @Test(arguments: [(0, 60, 1), (0, 60, 7), (23, 23, 8)])
    func `top-1 and top-5 are those of the images one by one`(
        limit: Int, images: Int, batch: Int
    ) throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        let data = "synthetic:240"
        let run = try Tool(
            "evaluate", path, "--data", data, "--images", "\(limit)", "--batch", "\(batch)",
            "--threads", "2", "--json")
        let result = try run.json()
        #expect(result["images"].number?.int == images)
        let top1 = try accuracy(path, data: data, images: images, k: 1)
        let top5 = try accuracy(path, data: data, images: images, k: 5)
        #expect(result["top1"].number?.double == top1)
        #expect(result["top5"].number?.double == top5)
        #expect(top5 > top1, "the case says nothing")
        let error = try calibrationError(path, data: data, images: images)
        #expect(abs(try #require(result["calibration_error"].number?.double) - error) < 1e-6)
        #expect(result["kernels"].string == KernelSet.best.name)
        #expect(try #require(result["ms_per_image"].number?.double) > 0)
    }

    @Test func `classes are counted against the predictions, image by image`() throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        var session = try InferenceSession(try Model(path: path, kernels: .named("scalar")))
        let dataset = try DatasetSplits.open("synthetic:240").test
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 10)
        for index in 0..<dataset.count {
            let input = try SmallModel.preprocessing.input(try dataset.image(at: index))
            let logits = try session.run(input)
            let best = try #require(logits.firstIndex(of: logits.max() ?? 0))
            counts[dataset.label(at: index)][best] += 1
        }
        let arguments = ["evaluate", path, "--data", "synthetic:240", "--confusion"]
        let result = try Tool(arguments + ["--json"]).json()["confusion"]
        #expect(
            result["counts"].elements.map { $0.elements.compactMap { $0.number?.int } } == counts)
        #expect(result["classes"].elements.compactMap(\.string) == (0..<10).map(String.init))
        let right = (0..<10).reduce(0) { $0 + counts[$1][$1] }
        #expect((1..<dataset.count).contains(right), "the case says little")
        let lines = try Tool(arguments).output.split(separator: "\n").map(String.init)
        let header = try #require(lines.firstIndex { $0.hasPrefix("class ") })
        for (label, row) in counts.enumerated() {
            let words = lines[header + 1 + label].split(separator: " ").map(String.init)
            let images = row.reduce(0, +)
            let others = counts.reduce(0) { $0 + $1[label] } - row[label]
            let share = String(format: "%.2f", 100 * Double(row[label]) / Double(images))
            #expect(words.prefix(5) == [String(label), String(images), share, "%", String(others)])
        }
    }

    @Test func `a table says the same to a person, and a line what was compared`() throws {
        let path = try scratch.write(SmallModel.file(classNames: []))
        let run = try Tool("evaluate", path, "--data", "synthetic:40")
        #expect(run.status == 0)
        #expect(run.output.contains("images             10\n"), "\(run.output)")
        #expect(run.output.contains("top-1 ") && run.output.contains(" ms per image"))
        #expect(
            run.errors == [
                "Note: classes are compared by their numbers: \(path) does not name its classes"
            ])
    }

    @Test func `logits that are not finite are measured too`() throws {
        var file = SmallModel.file(classNames: [])
        file.tensors["head.w"] = ModelTensor(
            f32: (0..<10 * 20).map { $0 % 3 == 0 ? -3e38 : 3e38 }, shape: [10, 20])
        let run = try Tool(
            "evaluate", try scratch.write(file), "--data", "synthetic:40", "--json")
        let result = try run.json()
        #expect(result["images"].number?.int == 10, "\(run.errors)")
        let error = try #require(result["calibration_error"].number?.double)
        #expect((0...1).contains(error))
    }

    @Test func `a broken image of a folder stops the run or is counted`() throws {
        let path = try scratch.write(SmallModel.file())
        for (index, name) in SmallModel.classNames.enumerated() {
            _ = try scratch.image("data/test/\(name)/1.png", seed: UInt64(index))
        }
        let broken = try scratch.write([1, 2, 3], "data/test/class-4/0.png")
        let data = scratch.path("data")
        let stopped = try Tool("evaluate", path, "--data", data)
        #expect(stopped.status == 1 && stopped.output.isEmpty)
        #expect(stopped.errors.count == 1, "\(stopped.errors)")
        #expect(stopped.errors.first?.hasPrefix("\(broken): ") == true, "\(stopped.errors)")
        let run = try Tool("evaluate", path, "--data", data, "--skip-broken", "--json")
        #expect(run.status == 0)
        #expect(run.errors.count == 1, "\(run.errors)")
        #expect(run.errors.first?.hasPrefix("Left out: \(broken): ") == true, "\(run.errors)")
        let result = try run.json()
        #expect(result["images"].number?.int == 10)
        #expect(result["skipped_images"].number?.int == 1)
    }
}
