import BONNModelFormat
import CBONNKernels

/// Turns the nodes of a validated graph into operators with packed weights.
struct Lowering {
    private(set) var values: [ModelValue]
    private(set) var steps: [ModelStep] = []
    private let types: [Name: ValueType]
    private let tensors: [Name: ModelTensor]
    private let kernels: KernelSet
    private var indices: [Name: Int]

    init(
        types: [Name: ValueType], tensors: [Name: ModelTensor], input: Name,
        kernels: KernelSet
    ) {
        self.types = types
        self.tensors = tensors
        self.kernels = kernels
        values = [ModelValue(name: input, type: types[input]!)]
        indices = [input: 0]
    }

    /// The index of a value that is stored, or nil.
    func index(of name: Name) -> Int? { indices[name] }

    /// Appends a step, after everything that it reads.
    mutating func append(_ fused: FusedNodes) {
        let first = fused.nodes[0]
        let inputs = fused.pooled.first?.inputs ?? fused.producer?.inputs ?? [fused.source!]
        var sources = inputs.map { indices[$0]! }
        var program = program(of: fused, sources: &sources)
        let body: any Operator
        if let node = fused.producer {
            // A producer of real values leaves them in memory, where the program finds them.
            if !node.isBinary { program?.writesValues = true }
            body =
                fused.pooled.isEmpty
                ? makeOperator(node, program, &sources) : pooled(fused, program)
        } else {
            let input = types[fused.source!]!
            body = MapOperator(
                shape: input.shape, isInteger: input.element == .integer,
                program: program ?? MapProgram())
        }
        var outputs: [Name] = []
        if program?.writesValues ?? true { outputs.append(fused.value) }
        if let threshold = fused.threshold { outputs.append(threshold.name) }
        for name in outputs {
            indices[name] = values.count
            values.append(ModelValue(name: name, type: types[name]!))
        }
        steps.append(
            ModelStep(
                node: first.name,
                operation: fused.nodes.map(\.operation.name).joined(separator: "+"),
                inputs: sources, outputs: outputs.map { indices[$0]! }, body: body))
    }

    /// What happens to the values of a step's producer or source; nil if nothing does.
    ///
    /// Appends the values that are added to the step's inputs.
    private func program(of fused: FusedNodes, sources: inout [Int]) -> MapProgram? {
        var program = MapProgram(steps: scaling(of: fused.producer))
        var current = fused.producer?.name ?? fused.source!
        for node in fused.chain {
            let channels = types[current]!.shape.channels
            switch node.operation {
            case .batchNorm(let norm):
                program.steps.append(
                    .affine(
                        scale: ConstantBuffer(floats(norm.scale)),
                        shift: ConstantBuffer(floats(norm.shift))))
            case .prelu(let prelu):
                program.steps.append(
                    .prelu(slope: ConstantBuffer(perChannel(prelu.slope, channels: channels))))
            case .relu: program.steps.append(.relu)
            case .hardtanh: program.steps.append(.hardtanh)
            default:
                let other = node.inputs[0] == current ? node.inputs[1] : node.inputs[0]
                program.steps.append(.add(input: sources.count))
                sources.append(indices[other]!)
            }
            current = node.name
        }
        if case .threshold(let threshold) = fused.threshold?.operation {
            program.threshold = thresholds(threshold, of: types[current]!.element)
        }
        program.writesValues = fused.writesValues
        return program.steps.isEmpty && program.threshold == nil ? nil : program
    }

    /// The scale and the bias that a binary layer applies to its sums.
    private func scaling(of producer: Node?) -> [MapProgram.Step] {
        let scale: Name?
        let bias: Name?
        switch producer?.operation {
        case .binaryConvolution(let convolution):
            (scale, bias) = (convolution.scale, convolution.bias)
        case .binaryLinear(let linear): (scale, bias) = (linear.scale, linear.bias)
        default: return []
        }
        guard let producer, let scale else { return [] }
        let channels = types[producer.name]!.shape.channels
        let scales = ConstantBuffer(perChannel(scale, channels: channels))
        guard let bias else { return [.scale(scales)] }
        return [.affine(scale: scales, shift: ConstantBuffer(floats(bias)))]
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
                node: node.name, operation: "regroup", inputs: [sources[0]],
                outputs: [values.count], body: body))
        sources[0] = values.count
        values.append(ModelValue(bits: shape, pixelWords: body.pixelWords))
        return body.pixelWords
    }

    private mutating func makeOperator(
        _ node: Node, _ program: MapProgram?, _ sources: inout [Int]
    ) -> any Operator {
        let inputs = node.inputs.map { types[$0]! }
        let input = inputs[0]
        let output = types[node.name]!
        let shape = input.shape
        let isBits = input.element == .signedBits || input.element == .unsignedBits
        switch node.operation {
        case .convolution(let convolution):
            return mapped(real(convolution, input, output.shape), program)
        case .linear(let linear):
            let convolution = Convolution(
                window: Window(1), weight: linear.weight, weightScale: linear.weightScale,
                bias: linear.bias)
            return mapped(real(convolution, input, output.shape), program)
        case .quantize(let quantize):
            return QuantizeOperator(
                shape: shape, inverseScale: floats(quantize.inverseScale)[0])
        case .binaryConvolution(let convolution):
            let pixelWords = regroup(&sources, node, shape, convolution.groups)
            return binary(convolution, input, output, pixelWords: pixelWords, program)
        case .binaryLinear(let linear):
            let convolution = BinaryConvolution(
                window: Window(1), inputChannels: linear.inputFeatures, weight: linear.weight)
            return binary(
                convolution, input, output,
                pixelWords: BitLayout.words(forChannels: shape.channels), program)
        case .maxPool(let pool):
            let window = bonn_window(pool.window, from: shape, to: output.shape)
            if isBits { return BitPoolingOperator(window: window, channels: shape.channels) }
            return mapped(pooling(node), program)
        case .averagePool, .globalAveragePool:
            return mapped(pooling(node), program)
        case .concatenate:
            return ConcatenateOperator(
                shape: output.shape, channels: inputs.map(\.shape.channels), isBits: isBits)
        default: return FlattenOperator(shape: shape, isBits: isBits)
        }
    }

    private func binary(
        _ convolution: BinaryConvolution, _ input: ValueType, _ output: ValueType, pixelWords: Int,
        _ program: MapProgram?
    ) -> BinaryConvolutionOperator {
        BinaryConvolutionOperator(
            window: bonn_window(convolution.window, from: input.shape, to: output.shape),
            groups: convolution.groups, inputChannels: input.shape.channels,
            outputChannels: output.shape.channels, isSigned: input.element == .signedBits,
            padding: convolution.paddingValue, pixelWords: pixelWords,
            words: tensors[convolution.weight]!.words(), program: program, kernels: kernels)
    }

    /// A convolution or fully connected layer of real numbers or signed bytes.
    private func real(
        _ convolution: Convolution, _ type: ValueType, _ output: Shape
    ) -> any RowProducer {
        let input = type.shape
        let window = bonn_window(convolution.window, from: input, to: output)
        if type.element == .signedByte {
            return ByteConvolutionOperator(
                window: window, groups: convolution.groups, inputChannels: input.channels,
                outputChannels: output.channels, weights: tensors[convolution.weight]!.int8s(),
                scale: floats(convolution.weightScale!), bias: convolution.bias.map(floats),
                kernels: kernels)
        }
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

    /// A max, average or global average pooling of real values.
    private func pooling(_ node: Node) -> PoolingOperator {
        let shape = types[node.inputs[0]]!.shape
        let window: Window
        let kind: PoolingOperator.Kind
        switch node.operation {
        case .maxPool(let pool): (window, kind) = (pool.window, .maximum)
        case .averagePool(let pool):
            (window, kind) = (pool.window, .average(countsPadding: pool.countsPadding))
        default:
            window = Window(
                height: shape.height, width: shape.width, strideHeight: 1, strideWidth: 1,
                padTop: 0, padBottom: 0, padLeft: 0, padRight: 0)
            kind = .average(countsPadding: false)
        }
        return PoolingOperator(
            window: bonn_window(window, from: shape, to: types[node.name]!.shape),
            channels: shape.channels, kind: kind)
    }

    private func mapped(_ producer: some RowProducer, _ program: MapProgram?) -> any Operator {
        MappedOperator(producer, program: program)
    }

    /// A convolution of which only pooled values are stored.
    private func pooled(_ fused: FusedNodes, _ pooledProgram: MapProgram?) -> any Operator {
        let node = fused.pooled[0]
        guard case .convolution(let convolution) = node.operation else {
            preconditionFailure("\(node.name) is pooled row by row and no convolution")
        }
        var nodes = FusedNodes(producer: node)
        nodes.chain = Array(fused.pooled.dropFirst())
        var sources: [Int] = []
        let program = program(of: nodes, sources: &sources)
        func operatorOf(_ producer: some RowProducer) -> any Operator {
            PooledOperator(
                producer, program: program, pooling: pooling(fused.producer!),
                pooledProgram: pooledProgram)
        }
        return operatorOf(
            real(convolution, types[node.inputs[0]]!, types[node.name]!.shape))
    }

    /// F32 weights, or I8 weights times the scale of their output channel, rounded to float32.
    private func realWeights(_ name: Name, scale: Name?, outputs: Int) -> [Float] {
        guard let scale else { return floats(name) }
        let scales = floats(scale)
        let integers = tensors[name]!.int8s()
        let depth = integers.count / outputs
        return integers.indices.map { scales[$0 / depth] * Float(integers[$0]) }
    }

    private func thresholds(
        _ threshold: Threshold, of element: ElementType
    ) -> ThresholdConstants {
        let thresholds = tensors[threshold.threshold]!
        let directions = tensors[threshold.direction]!.int8s()
        return element == .integer
            ? ThresholdConstants(thresholds: thresholds.int32s(), directions: directions)
            : ThresholdConstants(thresholds: thresholds.floats(), directions: directions)
    }

    private func floats(_ name: Name) -> [Float] { tensors[name]!.floats() }

    /// A tensor of one or `channels` elements as `channels` elements.
    private func perChannel(_ name: Name, channels: Int) -> [Float] {
        let values = floats(name)
        return values.count == channels ? values : [Float](repeating: values[0], count: channels)
    }
}
