import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

/// One line on standard error, nothing on standard output, 1 for failures, 64 for usage.
@Suite struct BadInputTests {
    private let scratch: Scratch
    private let model: String
    private let image: String

    init() throws {
        scratch = try Scratch()
        model = try scratch.write(SmallModel.file())
        image = try scratch.image("image.png", seed: 1)
    }

    private func expect(
        _ status: Int32, _ message: String, _ arguments: String...,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let run = try Tool(arguments)
        #expect(run.status == status, "\(arguments)", sourceLocation: location)
        #expect(run.errors == [message], "\(arguments)", sourceLocation: location)
        #expect(run.output.isEmpty, "\(arguments)", sourceLocation: location)
    }

    @Test func `model files that are not there or are no files`() throws {
        let missing = scratch.path("missing.bonn")
        try expect(1, "\(missing): No such file or directory", "info", missing)
        try expect(1, "\(missing): No such file or directory", "bench", missing)
        try expect(1, "\(missing): No such file or directory", "classify", missing, image)
        let folder = try Tool("info", scratch.path("."))
        #expect(folder.status == 1 && folder.errors.count == 1 && folder.output.isEmpty)
        #expect(folder.errors.first?.hasPrefix(scratch.path(".")) == true)
    }

    @Test func `a model file cut at any of many places is refused in one line`() throws {
        let bytes = try SmallModel.file().serialized()
        for count in [0, 1, 7, 8, 100, bytes.count / 2, bytes.count - 1] {
            let path = try scratch.write(Array(bytes.prefix(count)), "cut.bonn")
            let run = try Tool("info", path)
            #expect(run.status == 1, "\(count) bytes")
            #expect(run.errors.count == 1 && run.output.isEmpty, "\(count) bytes: \(run.errors)")
            #expect(run.errors.first?.hasPrefix("\(path): ") == true, "\(run.errors)")
        }
        let run = try Tool("classify", image, image)
        #expect(run.status == 1 && run.errors.count == 1, "an image for a model: \(run.errors)")
    }

    @Test
    func `a model with an operation or a format that this build lacks is refused in one line`()
        throws
    {
        // Of the same length, so that the file stays whole around them.
        for (from, to, expected) in [
            ("global_average_pool", "global_average_loop", "global_average_loop"),
            ("\"format_version\":\"2\"", "\"format_version\":\"9\"", "format_version"),
        ] {
            let bytes = try replacing(from, by: to, in: SmallModel.file().serialized(digest: false))
            let path = try scratch.write(bytes, "foreign.bonn")
            for command in [["info", path], ["classify", path, image], ["bench", path]] {
                let run = try Tool(command)
                #expect(run.status == 1 && run.output.isEmpty, "\(command)")
                #expect(run.errors.count == 1, "\(run.errors)")
                #expect(run.errors.first?.hasPrefix("\(path): ") == true, "\(run.errors)")
                #expect(run.errors.first?.contains(expected) == true, "\(run.errors)")
            }
        }
    }

    @Test func `a model with one flipped bit is refused in one line`() throws {
        var bytes = try SmallModel.file().serialized()
        bytes[bytes.count - 5] ^= 64
        let path = try scratch.write(bytes, "flipped.bonn")
        for command in [["info", path], ["classify", path, image], ["bench", path]] {
            let run = try Tool(command)
            #expect(run.status == 1 && run.output.isEmpty, "\(command)")
            #expect(run.errors.count == 1, "\(run.errors)")
            #expect(run.errors.first?.contains("not as it was written") == true, "\(run.errors)")
        }
    }

    /// The bytes with one text, which must be there, replaced by another.
    private func replacing(_ text: String, by other: String, in bytes: [UInt8]) throws -> [UInt8] {
        let data = Data(bytes)
        let range = try #require(data.range(of: Data(text.utf8)), "\(text)")
        return [UInt8](
            data.prefix(range.lowerBound) + other.utf8 + data.suffix(from: range.upperBound))
    }

    @Test func `a model without preprocessing reads no images`() throws {
        let path = try scratch.write(SmallModel.file(nil), "blind.bonn")
        let message =
            "\(path): the model holds no preprocessing, so it cannot read images; export it with "
            + "one, or run it from a program that prepares the input"
        try expect(1, message, "classify", path, image)
        try expect(1, message, "evaluate", path, "--data", "synthetic:40")
    }

    @Test func `unknown kernels list what this machine runs and lacks`() throws {
        let run = try Tool("bench", model, "--kernels", "skalar")
        #expect(run.status == 64 && run.errors.count == 1)
        let lacking = KernelSet.unsupported.map(\.name)
        let others = KernelSet.available.map(\.name).filter { $0 != "scalar" }
        for name in others + lacking {
            #expect(run.errors.first?.contains(name) == true, "\(run.errors)")
        }
        #expect(
            run.errors.first?.hasPrefix(
                "--kernels: unknown value 'skalar'; valid values: scalar") == true)
        for name in lacking {
            let run = try Tool("classify", model, image, "--kernels", name)
            #expect(run.status == 64)
            #expect(run.errors.first?.contains("cannot run '\(name)'") == true)
        }
    }

    @Test func `unknown networks and impossible input sizes`() throws {
        try expect(
            64,
            "--network: unknown value 'quiknet-smal'; valid values: quicknet-small, "
                + "quicknet, quicknet-large, vgg-small, linear, resnet18, resnet34, resnet20, convnet, "
                + "lenet5, alexnet, wrn22-int8, wrn40-int8, resnet18-int8, resnet34-int8, "
                + "resnet20-int8, nin, wrn22, wrn40, mlp, vgg7", "bench", "--network",
            "quiknet-smal")
        try expect(
            64, "--input: resnet18 takes from 1 to 2048, found 2049",
            "bench", "--network", "resnet18", "--input", "2049")
        try expect(
            64, "--input: only for --network; a model has its own input size",
            "bench", model, "--input", "32")
        try expect(
            64, "--save: only for --network and --block", "bench", model, "--save", "copy.bonn")
        let nowhere = scratch.path("no/such/folder.bonn")
        let unsaved = try Tool("bench", "--network", "wrn22", "--runs", "1", "--save", nowhere)
        #expect(unsaved.status == 1 && unsaved.output.isEmpty)
        #expect(unsaved.errors.first?.hasPrefix("\(nowhere): cannot be written: ") == true)
    }

    @Test(arguments: [
        "64", "64x56", "64x56x56x64x1", "0x3x3", "-1x3x3", "64x56xa", "65535x65535x65535",
        "99999999999999999999x1x1", "65535x1x1x65535", "8x4x4@2", "8x4x4@", "8x4x4@17", "8x4x4@3@3",
    ])
    func `a layer that is no shape`(text: String) throws {
        try expect(
            64,
            "--layer: expected CxHxW or CxHxWxK such as 64x56x56 or 128x28x28x256, with @N behind it "
                + "for an NxN kernel (N odd), found '\(text)'",
            "bench", "--layer=\(text)")
    }

    @Test func `numbers out of range and options that exclude each other`() throws {
        try expect(64, "--threads: expected 1 to 1024, found 0", "bench", model, "--threads", "0")
        try expect(64, "--batch: expected at least 1, found 0", "bench", model, "--batch", "0")
        try expect(64, "--runs: expected at least 1, found 0", "bench", model, "--runs", "0")
        try expect(
            64, "--top: expected at least 1, found 0", "classify", model, image, "--top", "0")
        try expect(
            64, "The value 'x' is invalid for '--top <k>'", "classify", model, image, "--top", "x")
        let one = "expected one of: a model file, --network, --block, --layer"
        try expect(64, one, "bench")
        try expect(64, one, "bench", model, "--network", "wrn22")
        try expect(64, "Missing expected argument '<model>'", "classify")
        try expect(64, "Unexpected argument 'clasify'", "clasify")
        try expect(
            64, "--images: expected at least 0, found -1", "evaluate", model, "--data", "synthetic",
            "--images=-1")
    }

    @Test func `data that is not there or has other classes`() throws {
        let nowhere = try Tool("evaluate", model, "--data", scratch.path("nowhere"))
        #expect(nowhere.status == 1 && nowhere.errors.count == 1)
        #expect(nowhere.errors.first?.hasPrefix(scratch.path("nowhere")) == true)
        var file = SmallModel.file(classNames: [])
        file.tensors["head.w"] = ModelTensor(
            f32: [Float](repeating: 0.5, count: 80), shape: [4, 20])
        file.tensors["head.b"] = ModelTensor(f32: [0, 1, 2, 3], shape: [4])
        let path = try scratch.write(file, "four.bonn")
        try expect(
            1, "synthetic (test) has 10 classes, \(path) has 4", "evaluate", path,
            "--data", "synthetic:40")
    }

    @Test func `help and its examples go to standard output`() throws {
        for command in ["info", "classify", "evaluate", "bench"] {
            let run = try Tool("help", command)
            #expect(run.status == 0 && run.errors.isEmpty)
            #expect(run.output.contains("Example") && run.output.contains("bonn-run \(command) "))
        }
    }
}
