import BONNModelFormat
import CBONNKernels

/// Turns the nodes of a validated graph into operators with packed weights.
struct Lowering {
    private(set) var values: [ModelValue]
    private(set) var steps: [ModelStep] = []
    private let types: [String: ValueType]
    private let tensors: [String: ModelTensor]
    private var indices: [String: Int]

    init(types: [String: ValueType], tensors: [String: ModelTensor], input: String) {
        self.types = types
        self.tensors = tensors
        values = [ModelValue(name: input, type: types[input]!)]
        indices = [input: 0]
    }

    /// The index of a value that has been defined.
    func index(of name: String) -> Int { indices[name]! }

    /// Appends the operation of a node, after everything that it reads.
    mutating func append(_ node: Node) {
        let inputs = node.inputs.map { types[$0]! }
        let output = types[node.name]!
        var sources = node.inputs.map { index(of: $0) }
        let body: any Operator
        switch node.operation {
        case .binaryConvolution(let convolution):
            let pixelWords = regroup(&sources, node, inputs[0].shape, convolution.groups)
            body = binary(convolution, inputs[0], output, pixelWords: pixelWords)
        default: body = makeOperator(node.operation, inputs, output)
        }
        indices[node.name] = values.count
        steps.append(
            ModelStep(
                node: node.name, operation: node.operation.name, inputs: sources,
                output: values.count, body: body))
        values.append(ModelValue(name: node.name, type: output))
    }

    /// Inserts a step that aligns groups with words where they are not; returns the words a pixel.
    private mutating func regroup(
        _ sources: inout [Int], _ node: Node, _ shape: Shape, _ groups: Int
    ) -> Int {
        guard groups > 1, shape.channels / groups % BitLayout.wordBits != 0 else {
            return BitLayout.words(forChannels: shape.channels)
        }
        let body = RegroupOperator(shape: shape, groups: groups)
        steps.append(
            ModelStep(
                node: node.name, operation: "regroup", inputs: sources, output: values.count,
                body: body))
        sources = [values.count]
        values.append(ModelValue(bits: shape, pixelWords: body.pixelWords))
        return body.pixelWords
    }

    private func makeOperator(
        _ operation: Operation, _ inputs: [ValueType], _ output: ValueType
    ) -> any Operator {
        let input = inputs[0]
        let shape = input.shape
        let isBits = input.element == .signedBits || input.element == .unsignedBits
        switch operation {
        case .convolution(let convolution): return real(convolution, shape, output.shape)
        case .binaryConvolution(let convolution):
            return binary(
                convolution, input, output,
                pixelWords: BitLayout.words(forChannels: shape.channels))
        case .linear(let linear):
            let convolution = Convolution(
                window: Window(1), weight: linear.weight, weightScale: linear.weightScale,
                bias: linear.bias)
            return real(convolution, shape, output.shape)
        case .binaryLinear(let linear):
            let convolution = BinaryConvolution(
                window: Window(1), inputChannels: linear.inputFeatures, weight: linear.weight,
                scale: linear.scale, bias: linear.bias)
            return binary(
                convolution, input, output,
                pixelWords: BitLayout.words(forChannels: shape.channels))
        case .batchNorm(let norm):
            return BatchNormOperator(
                shape: shape, isInteger: input.element == .integer, scale: floats(norm.scale),
                shift: floats(norm.shift))
        case .threshold(let threshold): return makeThreshold(threshold, input)
        case .maxPool(let pool):
            return pooling(
                pool.window, shape, output.shape, isBits ? .bitMaximum : .realMaximum)
        case .averagePool(let pool):
            return pooling(
                pool.window, shape, output.shape, .average(countsPadding: pool.countsPadding))
        case .globalAveragePool:
            let window = Window(
                height: shape.height, width: shape.width, strideHeight: 1, strideWidth: 1,
                padTop: 0, padBottom: 0, padLeft: 0, padRight: 0)
            return pooling(window, shape, output.shape, .average(countsPadding: false))
        case .relu: return ClampOperator(shape: shape, kind: .relu)
        case .hardtanh: return ClampOperator(shape: shape, kind: .hardtanh)
        case .prelu(let prelu):
            return PReLUOperator(
                shape: shape, slope: perChannel(prelu.slope, channels: shape.channels))
        case .add: return AddOperator(shape: shape)
        case .concatenate:
            return ConcatenateOperator(
                shape: output.shape, channels: inputs.map(\.shape.channels), isBits: isBits)
        case .flatten: return FlattenOperator(shape: shape, isBits: isBits)
        }
    }

    private func binary(
        _ convolution: BinaryConvolution, _ input: ValueType, _ output: ValueType, pixelWords: Int
    ) -> BinaryConvolutionOperator {
        let outputs = output.shape.channels
        return BinaryConvolutionOperator(
            window: bonn_window(convolution.window, from: input.shape, to: output.shape),
            groups: convolution.groups, inputChannels: input.shape.channels,
            outputChannels: outputs, isSigned: input.element == .signedBits,
            padding: convolution.paddingValue, pixelWords: pixelWords,
            words: tensors[convolution.weight]!.words(),
            scale: convolution.scale.map { perChannel($0, channels: outputs) },
            bias: convolution.bias.map(floats))
    }

    private func real(
        _ convolution: Convolution, _ input: Shape, _ output: Shape
    ) -> any Operator {
        let window = bonn_window(convolution.window, from: input, to: output)
        let weights = realWeights(
            convolution.weight, scale: convolution.weightScale, outputs: output.channels)
        let bias = convolution.bias.map(floats)
        if convolution.groups > 1, convolution.groups == input.channels,
            convolution.groups == output.channels
        {
            return DepthwiseOperator(
                window: window, channels: output.channels, weights: weights, bias: bias)
        }
        return ConvolutionOperator(
            window: window, groups: convolution.groups, inputChannels: input.channels,
            outputChannels: output.channels, weights: weights, bias: bias)
    }

    /// F32 weights, or I8 weights times the scale of their output channel, rounded to float32.
    private func realWeights(_ name: String, scale: String?, outputs: Int) -> [Float] {
        guard let scale else { return floats(name) }
        let scales = floats(scale)
        let integers = tensors[name]!.int8s()
        let depth = integers.count / outputs
        return integers.indices.map { scales[$0 / depth] * Float(integers[$0]) }
    }

    private func makeThreshold(
        _ threshold: Threshold, _ input: ValueType
    ) -> ThresholdOperator {
        let thresholds = tensors[threshold.threshold]!
        let directions = tensors[threshold.direction]!.int8s()
        if input.element == .integer {
            return ThresholdOperator(
                shape: input.shape, thresholds: thresholds.int32s(), directions: directions)
        }
        return ThresholdOperator(
            shape: input.shape, thresholds: thresholds.floats(), directions: directions)
    }

    private func pooling(
        _ window: Window, _ input: Shape, _ output: Shape, _ kind: PoolingOperator.Kind
    ) -> PoolingOperator {
        PoolingOperator(
            window: bonn_window(window, from: input, to: output), channels: input.channels,
            kind: kind)
    }

    private func floats(_ name: String) -> [Float] { tensors[name]!.floats() }

    /// A tensor of one or `channels` elements as `channels` elements.
    private func perChannel(_ name: String, channels: Int) -> [Float] {
        let values = floats(name)
        return values.count == channels ? values : [Float](repeating: values[0], count: channels)
    }
}
