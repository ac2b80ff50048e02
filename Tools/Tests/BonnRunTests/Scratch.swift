import BONNData
import BONNImage
import BONNImageIO
import BONNModelFormat
import Foundation

/// A folder of one test with small models and images in it; gone with the test.
final class Scratch {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("bonn-run-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The path of a file in the folder.
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Writes bytes.
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let path = path(name)
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// Writes a model.
    func write(_ model: ModelFile, _ name: String = "model.bonn") throws -> String {
        try write(model.serialized(), name)
    }

    /// Writes a PNG file of random pixels.
    func image(_ name: String, seed: UInt64, width: Int = 13, height: Int = 9) throws -> String {
        var generator = SeededGenerator(seed: seed)
        let pixels = (0..<width * height * 3).map { _ in UInt8(generator.integer(below: 256)) }
        let image = PixelBuffer(width: width, height: height, channels: 3, pixels: pixels)
        return try write(encodePNG(image), name)
    }
}

/// A network of ten classes for 8x8 images: a real and a binary convolution and a real head.
enum SmallModel {
    /// The names of its classes.
    static let classNames: [Name] = (0..<10).map { "class-\($0)" }

    /// The rule by which it reads images.
    static let preprocessing = Preprocessing(
        width: 8, height: 8, resize: .stretch, channels: .rgb, mean: [0.5, 0.4, 0.3],
        std: [0.25, 0.2, 0.3])

    /// The model; with seeded weights.
    static func file(
        _ preprocessing: Preprocessing? = preprocessing, classNames: [Name] = classNames
    ) -> ModelFile {
        var generator = SeededGenerator(seed: 7)
        func reals(_ shape: Int...) -> ModelTensor {
            let values = (0..<shape.reduce(1, *)).map { _ in Float(generator.uniform(-1, 1)) }
            return ModelTensor(f32: values, shape: shape)
        }
        let signs = (0..<20 * 9 * 16).map { _ in Float(generator.chance(0.5) ? 1 : -1) }
        let nodes = [
            Node(
                "stem", .convolution(Convolution(window: Window(3, padding: 1), weight: "stem.w")),
                inputs: ["input"]),
            Node(
                "bits", .threshold(Threshold(threshold: "bits.t", direction: "bits.d")),
                inputs: ["stem"]),
            Node(
                "binary",
                .binaryConvolution(
                    BinaryConvolution(
                        window: Window(3, stride: 2, padding: 1), inputChannels: 16,
                        weight: "binary.w", scale: "binary.s")), inputs: ["bits"]),
            Node("mean", .globalAveragePool, inputs: ["binary"]),
            Node("head", .linear(Linear(weight: "head.w", bias: "head.b")), inputs: ["mean"]),
        ]
        let isByte = preprocessing?.std == [1, 1, 1]
        return ModelFile(
            metadata: ModelMetadata(
                graph: Graph(
                    input: GraphInput(
                        name: "input", shape: Shape(3, 8, 8), element: isByte ? .byte : .real),
                    nodes: nodes, output: "head"),
                preprocessing: preprocessing, classNames: classNames,
                provenance: ["method": "bonn"]),
            tensors: [
                "stem.w": reals(16, 3, 3, 3), "bits.t": reals(16),
                "bits.d": ModelTensor(i8: [Int8](repeating: 1, count: 16), shape: [16]),
                "binary.w": ModelTensor(
                    u64: BitLayout.packSigned(signs, channels: 16), shape: [20, 3, 3, 1]),
                "binary.s": ModelTensor(f32: [0.25], shape: [1]), "head.w": reals(10, 20),
                "head.b": reals(10),
            ])
    }
}
