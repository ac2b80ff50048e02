import BONNData
import BONNModelFormat

/// One binary convolution of stride 1 that keeps the size, as `CxHxW` or `CxHxWxK`; 3x3, or NxN with
/// `@N` behind it.
struct LayerShape {
    /// What was typed.
    let text: String
    private let input: Shape
    private let outputs: Int
    private let kernel: Int

    /// The most words of packed weights.
    private static let mostWords = 1 << 24
    private static let largestKernel = 15

    /// Reads `CxHxW` (as many outputs as inputs) or `CxHxWxK`, each with or without `@N` (N odd).
    ///
    /// - Returns: nil where the text is neither, or is of a size that no model file may have.
    init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let fields = parts[0].split(separator: "x", omittingEmptySubsequences: false)
        let numbers = fields.compactMap { Int($0) }
        guard fields.count == 3 || fields.count == 4, numbers.count == fields.count,
            numbers.allSatisfy({ (1...FormatLimits.side).contains($0) }), parts.count <= 2,
            let kernel = parts.count == 2 ? Int(parts[1]) : 3,
            (1...Self.largestKernel).contains(kernel), kernel % 2 == 1
        else { return nil }
        self.text = text
        self.kernel = kernel
        input = Shape(numbers[0], numbers[1], numbers[2])
        outputs = numbers.count == 4 ? numbers[3] : numbers[0]
        let words = kernel * kernel * outputs * BitLayout.words(forChannels: input.channels)
        guard input.count <= FormatLimits.elements,
            outputs * input.height * input.width <= FormatLimits.channels, words <= Self.mostWords
        else { return nil }
    }

    /// A network that is the layer, from bits to integer sums, between what a network needs.
    func file() -> ModelFile {
        var random = SeededGenerator(seed: 1)
        let channels = input.channels
        let words = BitLayout.words(forChannels: channels)
        let lastWord = BitLayout.usedBits(ofLastWordForChannels: channels)
        let weights = (0..<outputs * kernel * kernel * words).map { index in
            random.next() & (index % words == words - 1 ? lastWord : .max)
        }
        let name = Name(text)
        let tensors: [Name: ModelTensor] = [
            "threshold": ModelTensor(
                f32: (0..<channels).map { _ in Float(random.uniform(-0.1, 0.1)) },
                shape: [channels]),
            "direction": ModelTensor(
                i8: [Int8](repeating: 1, count: channels), shape: [channels]),
            "weight": ModelTensor(u64: weights, shape: [outputs, kernel, kernel, words]),
        ]
        let convolution = BinaryConvolution(
            window: Window(kernel, padding: kernel / 2), inputChannels: channels, weight: "weight")
        let graph = Graph(
            input: GraphInput(name: "input", shape: input, element: .real),
            nodes: [
                Node(
                    "bits", .threshold(Threshold(threshold: "threshold", direction: "direction")),
                    inputs: ["input"]),
                Node(name, .binaryConvolution(convolution), inputs: ["bits"]),
                Node("sums", .flatten, inputs: [name]),
            ], output: "sums")
        return ModelFile(metadata: ModelMetadata(graph: graph), tensors: tensors)
    }
}
