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
        let name = Name(text)
        var tensors = threshold("threshold", "direction", &random)
        tensors["weight"] = weight(&random)
        let graph = Graph(
            input: GraphInput(name: "input", shape: input, element: .real),
            nodes: [
                Node(
                    "bits", .threshold(Threshold(threshold: "threshold", direction: "direction")),
                    inputs: ["input"]),
                Node(name, .binaryConvolution(convolution(weight: "weight")), inputs: ["bits"]),
                Node("sums", .flatten, inputs: [name]),
            ], output: "sums")
        return ModelFile(metadata: ModelMetadata(graph: graph), tensors: tensors)
    }

    /// As many such layers as a network of blocks: each with the sign in front and, behind, a scale, the
    /// addition of the block's input and a PReLU; then an average of every channel.
    ///
    /// - Returns: nil for a layer with another number of outputs than inputs, which no shortcut passes by.
    func blocks(_ count: Int) -> ModelFile? {
        guard outputs == input.channels else { return nil }
        var random = SeededGenerator(seed: 1)
        var tensors: [Name: ModelTensor] = [:]
        var nodes: [Node] = []
        var x: Name = "input"
        for block in 0..<count {
            func name(_ part: String) -> Name { Name("block\(block).\(part)") }
            func numbers(_ part: String, around center: Double, by radius: Double) -> Name {
                tensors[name(part)] = reals(around: center, by: radius, &random)
                return name(part)
            }
            let bits = Threshold(threshold: name("threshold"), direction: name("direction"))
            tensors.merge(threshold(bits.threshold, bits.direction, &random)) { $1 }
            tensors[name("weight")] = weight(&random)
            // Sums of n signs are of the size of the root of n.
            let size = 0.5 / Double(kernel * kernel * input.channels).squareRoot()
            let scale = numbers("scale", around: size, by: size / 4)
            let slope = numbers("slope", around: 0.25, by: 0.1)
            nodes += [
                Node(name("bits"), .threshold(bits), inputs: [x]),
                Node(
                    name("convolution"),
                    .binaryConvolution(convolution(weight: name("weight"), scale: scale)),
                    inputs: [name("bits")]),
                Node(name("add"), .add, inputs: [name("convolution"), x]),
                Node(name("prelu"), .prelu(PReLU(slope: slope)), inputs: [name("add")]),
            ]
            x = name("prelu")
        }
        nodes.append(Node("average", .globalAveragePool, inputs: [x]))
        let graph = Graph(
            input: GraphInput(name: "input", shape: input, element: .real), nodes: nodes,
            output: "average")
        return ModelFile(metadata: ModelMetadata(graph: graph), tensors: tensors)
    }

    private func convolution(weight: Name, scale: Name? = nil) -> BinaryConvolution {
        BinaryConvolution(
            window: Window(kernel, padding: kernel / 2), inputChannels: input.channels,
            weight: weight, scale: scale)
    }

    private func weight(_ random: inout SeededGenerator) -> ModelTensor {
        let words = BitLayout.words(forChannels: input.channels)
        let lastWord = BitLayout.usedBits(ofLastWordForChannels: input.channels)
        let weights = (0..<outputs * kernel * kernel * words).map { index in
            random.next() & (index % words == words - 1 ? lastWord : .max)
        }
        return ModelTensor(u64: weights, shape: [outputs, kernel, kernel, words])
    }

    private func threshold(
        _ threshold: Name, _ direction: Name, _ random: inout SeededGenerator
    ) -> [Name: ModelTensor] {
        let channels = input.channels
        return [
            threshold: reals(around: 0, by: 0.1, &random),
            direction: ModelTensor(i8: [Int8](repeating: 1, count: channels), shape: [channels]),
        ]
    }

    private func reals(
        around center: Double, by radius: Double, _ random: inout SeededGenerator
    ) -> ModelTensor {
        let values = (0..<input.channels).map { _ in
            Float(random.uniform(center - radius, center + radius))
        }
        return ModelTensor(f32: values, shape: [input.channels])
    }
}
