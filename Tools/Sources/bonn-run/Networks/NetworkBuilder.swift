import BONNData
import BONNModelFormat

/// Builds a network node by node, with random weights that depend on the seed alone.
///
/// The weights keep the values of a layer at about the size of its inputs, so that no layer is
/// timed on infinities or denormal numbers.
struct NetworkBuilder {
    private var generator: SeededGenerator
    private let input: GraphInput
    private var shapes: [Name: Shape]
    private var nodes: [Node] = []
    private var tensors: [Name: ModelTensor] = [:]

    /// Starts with the real input `input`.
    init(input shape: Shape, seed: UInt64 = 1) {
        generator = SeededGenerator(seed: seed)
        input = GraphInput(name: "input", shape: shape, element: .real)
        shapes = ["input": shape]
    }

    /// The model file whose logits are a value `[K, 1, 1]`.
    func file(output: Name) -> ModelFile {
        ModelFile(
            metadata: ModelMetadata(graph: Graph(input: input, nodes: nodes, output: output)),
            tensors: tensors)
    }

    /// The shape of a value.
    func shape(_ value: Name) -> Shape { shapes[value] ?? input.shape }

    /// A real convolution without bias.
    mutating func convolution(
        _ x: Name, _ name: Name, outputs: Int, window: Window, groups: Int = 1
    ) throws -> Name {
        let inputs = shape(x).channels / groups
        let fanIn = Double(inputs * window.height * window.width)
        let weight = reals(
            "\(name).weight", [outputs, inputs, window.height, window.width],
            around: 0, by: (3 / fanIn).squareRoot())
        return add(
            name, .convolution(Convolution(window: window, groups: groups, weight: weight)), [x],
            try windowed(x, window, channels: outputs))
    }

    /// The fixed blur of anti-aliased pooling: depthwise 3x3, (1 2 1) times (1 2 1) over 16.
    mutating func blur(_ x: Name, _ name: Name, window: Window) throws -> Name {
        let channels = shape(x).channels
        let kernel: [Float] = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { $0 / 16 }
        let weight: Name = "\(name).weight"
        tensors[weight] = ModelTensor(
            f32: (0..<channels).flatMap { _ in kernel }, shape: [channels, 1, 3, 3])
        return add(
            name, .convolution(Convolution(window: window, groups: channels, weight: weight)), [x],
            try windowed(x, window, channels: channels))
    }

    /// A 3x3 binary convolution with one scale, its input binarised by a threshold per channel:
    /// what batch norm and sign become. The threshold is named after the layer, with `.sign`.
    ///
    /// - Parameter thresholds: how far they lie from 0 at most.
    mutating func binaryConvolution(
        _ x: Name, _ name: Name, outputs: Int, stride: Int = 1, padding: PaddingValue = .zero,
        thresholds: Double = 0.1
    ) throws -> Name {
        let channels = shape(x).channels
        let bits = threshold(x, "\(name).sign", by: thresholds)
        let scale: Name = "\(name).scale"
        tensors[scale] = ModelTensor(
            f32: [Float(1 / (9 * Double(channels)).squareRoot())], shape: [1])
        return try binaryConvolution(
            of: bits, name, outputs: outputs, window: Window(3, stride: stride, padding: 1),
            padding: padding, scale: scale)
    }

    /// The binary convolution of bits that are there: integer sums without a scale.
    mutating func binaryConvolution(
        of bits: Name, _ name: Name, outputs: Int, window: Window,
        padding: PaddingValue = .zero, scale: Name? = nil
    ) throws -> Name {
        let channels = shape(bits).channels
        let layer = BinaryConvolution(
            window: window, paddingValue: padding, inputChannels: channels,
            weight: binaryKernels("\(name).weight", outputs: outputs, channels: channels, window),
            scale: scale)
        return add(
            name, .binaryConvolution(layer), [bits], try windowed(bits, window, channels: outputs))
    }

    /// Bits: +1 where a value is at least its channel's threshold.
    mutating func threshold(_ x: Name, _ name: Name, by radius: Double) -> Name {
        let channels = shape(x).channels
        tensors["\(name).direction"] = ModelTensor(
            i8: [Int8](repeating: 1, count: channels), shape: [channels])
        let threshold = Threshold(
            threshold: reals("\(name).threshold", [channels], around: 0, by: radius),
            direction: "\(name).direction")
        return add(name, .threshold(threshold), [x], shape(x))
    }

    /// A batch norm.
    mutating func batchNorm(_ x: Name, _ name: Name) -> Name {
        let channels = shape(x).channels
        let layer = BatchNorm(
            scale: reals("\(name).scale", [channels], around: 1, by: 0.25),
            shift: reals("\(name).shift", [channels], around: 0, by: 0.25))
        return add(name, .batchNorm(layer), [x], shape(x))
    }

    /// A PReLU with one slope per channel.
    mutating func prelu(_ x: Name, _ name: Name) -> Name {
        let slope = reals("\(name).slope", [shape(x).channels], around: 0.25, by: 0.1)
        return add(name, .prelu(PReLU(slope: slope)), [x], shape(x))
    }

    /// A ReLU.
    mutating func relu(_ x: Name, _ name: Name) -> Name {
        add(name, .relu, [x], shape(x))
    }

    /// A sum.
    mutating func sum(_ a: Name, _ b: Name, _ name: Name) -> Name {
        add(name, .add, [a, b], shape(a))
    }

    /// A max pooling.
    mutating func maxPool(_ x: Name, _ name: Name, window: Window) throws -> Name {
        add(
            name, .maxPool(Pool(window: window)), [x],
            try windowed(x, window, channels: shape(x).channels))
    }

    /// An average pooling.
    mutating func averagePool(_ x: Name, _ name: Name, window: Window) throws -> Name {
        add(
            name, .averagePool(Pool(window: window)), [x],
            try windowed(x, window, channels: shape(x).channels))
    }

    /// The mean of each channel.
    mutating func globalAveragePool(_ x: Name, _ name: Name) -> Name {
        add(name, .globalAveragePool, [x], Shape(shape(x).channels, 1, 1))
    }

    /// A real fully connected layer with bias.
    mutating func linear(_ x: Name, _ name: Name, outputs: Int) -> Name {
        let inputs = shape(x).channels
        let bound = (3 / Double(inputs)).squareRoot()
        let layer = Linear(
            weight: reals("\(name).weight", [outputs, inputs], around: 0, by: bound),
            bias: reals("\(name).bias", [outputs], around: 0, by: 0.1))
        return add(name, .linear(layer), [x], Shape(outputs, 1, 1))
    }

    /// A value as one long list of channels.
    mutating func flatten(_ x: Name, _ name: Name) -> Name {
        add(name, .flatten, [x], Shape(shape(x).count, 1, 1))
    }

    /// What ends every network here: the mean of each channel and a fully connected layer.
    mutating func head(_ x: Name, classes: Int) -> Name {
        linear(globalAveragePool(x, "pool"), "head", outputs: classes)
    }

    /// Appends a node and gives back its name.
    mutating func add(
        _ name: Name, _ operation: Operation, _ inputs: [Name], _ shape: Shape
    ) -> Name {
        nodes.append(Node(name, operation, inputs: inputs))
        shapes[name] = shape
        return name
    }

    /// The shape of what a window slides over a value to make.
    func windowed(_ x: Name, _ window: Window, channels: Int) throws -> Shape {
        let (height, width) = try window.outputSize(of: shape(x), place: x.text)
        return Shape(channels, height, width)
    }

    /// A tensor of real numbers from an interval.
    mutating func reals(
        _ name: Name, _ shape: [Int], around centre: Double, by radius: Double
    ) -> Name {
        let values = (0..<shape.reduce(1, *)).map { _ in
            Float(generator.uniform(centre - radius, centre + radius))
        }
        return tensor(name, ModelTensor(f32: values, shape: shape))
    }

    /// Stores a tensor and gives back its name.
    mutating func tensor(_ name: Name, _ tensor: ModelTensor) -> Name {
        tensors[name] = tensor
        return name
    }

    /// A random number in `0..<bound`.
    mutating func integer(below bound: Int) -> Int { generator.integer(below: bound) }

    private mutating func binaryKernels(
        _ name: Name, outputs: Int, channels: Int, _ window: Window
    ) -> Name {
        let words = BitLayout.words(forChannels: channels)
        let lastWord = BitLayout.usedBits(ofLastWordForChannels: channels)
        let values = (0..<outputs * window.height * window.width * words).map { index in
            generator.next() & (index % words == words - 1 ? lastWord : .max)
        }
        tensors[name] = ModelTensor(
            u64: values, shape: [outputs, window.height, window.width, words])
        return name
    }
}

extension Window {
    /// The window whose output has `ceil(size / stride)` rows and columns: TensorFlow's "same",
    /// with the odd row and column of padding at the end.
    static func same(_ size: Int, stride: Int, of input: Shape) -> Window {
        let (top, bottom) = padding(size, stride, input.height)
        let (left, right) = padding(size, stride, input.width)
        return Window(
            height: size, width: size, strideHeight: stride, strideWidth: stride, padTop: top,
            padBottom: bottom, padLeft: left, padRight: right)
    }

    private static func padding(_ size: Int, _ stride: Int, _ input: Int) -> (Int, Int) {
        let outputs = (input + stride - 1) / stride
        let total = max(0, (outputs - 1) * stride + size - input)
        return (total / 2, total - total / 2)
    }
}
