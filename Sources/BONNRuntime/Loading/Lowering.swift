import BONNModelFormat
import CBONNKernels

/// Turns the nodes of a validated graph into operators with packed weights.
struct Lowering {
    private(set) var values: [ModelValue]
    private(set) var steps: [ModelStep] = []
    let types: [Name: ValueType]
    let store: ConstantStore
    private let kernels: KernelSet
    private var indices: [Name: Int]

    init(
        types: [Name: ValueType], store: ConstantStore, input: Name, kernels: KernelSet
    ) {
        self.types = types
        self.store = store
        self.kernels = kernels
        values = [ModelValue(name: input, type: types[input]!)]
        indices = [input: 0]
    }

    /// The index of a value that is stored, or nil.
    func index(of name: Name) -> Int? { indices[name] }

    /// Appends a step, after everything that it reads.
    ///
    /// - Throws: `.limitExceeded` or `.outOfMemory`.
    mutating func append(_ fused: FusedNodes) throws(RuntimeError) {
        let first = fused.nodes[0]
        store.node = first.name
        let inputs = fused.pooled.first?.inputs ?? fused.producer?.inputs ?? [fused.source!]
        var sources = inputs.map { indices[$0]! }
        var program = try program(of: fused, sources: &sources)
        let body: any Operator
        if let node = fused.producer {
            // A producer of real values leaves them in memory, where the program finds them.
            if !node.isBinary { program?.writesValues = true }
            body =
                fused.pooled.isEmpty
                ? try makeOperator(node, program, &sources) : try pooled(fused, program)
        } else {
            let input = types[fused.source!]!
            body = MapOperator(
                shape: input.shape, isInteger: input.element == .integer,
                program: program ?? MapProgram())
        }
        try store.charge(work: body.work)
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
    ) throws(RuntimeError) -> any Operator {
        let inputs = node.inputs.map { types[$0]! }
        let input = inputs[0]
        let output = types[node.name]!
        let shape = input.shape
        let isBits = input.element == .signedBits || input.element == .unsignedBits
        switch node.operation {
        case .convolution(let convolution):
            return mapped(try real(convolution, input, output.shape), program)
        case .linear(let linear):
            let convolution = Convolution(
                window: Window(1), weight: linear.weight, weightScale: linear.weightScale,
                bias: linear.bias)
            return mapped(try real(convolution, input, output.shape), program)
        case .quantize(let quantize):
            return QuantizeOperator(
                shape: shape, inverseScale: try store.values(quantize.inverseScale).pointer[0])
        case .binaryConvolution(let convolution):
            let pixelWords = regroup(&sources, node, shape, convolution.groups)
            return try binary(convolution, input, output, pixelWords: pixelWords, program)
        case .binaryLinear(let linear):
            return try binary(
                BinaryConvolution(linear), input, output,
                pixelWords: BitLayout.words(forChannels: shape.channels), program)
        case .maxPool(let pool) where isBits:
            return BitPoolingOperator(
                window: bonn_window(pool.window, from: shape, to: output.shape),
                channels: shape.channels)
        case .maxPool, .averagePool, .globalAveragePool:
            return mapped(pooling(node), program)
        case .concatenate:
            return ConcatenateOperator(
                shape: output.shape, channels: inputs.map(\.shape.channels), isBits: isBits)
        case .flatten: return FlattenOperator(shape: shape, isBits: isBits)
        case .batchNorm, .threshold, .relu, .prelu, .hardtanh, .sigmoid, .add, .multiply:
            preconditionFailure("\(node.operation.name) is a part of a program")
        }
    }

    private func binary(
        _ convolution: BinaryConvolution, _ input: ValueType, _ output: ValueType, pixelWords: Int,
        _ program: MapProgram?
    ) throws(RuntimeError) -> BinaryConvolutionOperator {
        try BinaryConvolutionOperator(
            window: bonn_window(convolution.window, from: input.shape, to: output.shape),
            groups: convolution.groups, inputChannels: input.shape.channels,
            outputChannels: output.shape.channels, isSigned: input.element == .signedBits,
            padding: convolution.paddingValue, pixelWords: pixelWords,
            weight: convolution.weight, program: program, kernels: kernels, store)
    }

    /// A convolution or fully connected layer of real numbers or signed bytes.
    private func real(
        _ convolution: Convolution, _ type: ValueType, _ output: Shape
    ) throws(RuntimeError) -> any RowProducer {
        let (inputs, outputs, groups) = (type.shape.channels, output.channels, convolution.groups)
        let window = bonn_window(convolution.window, from: type.shape, to: output)
        let (weight, bias) = (convolution.weight, convolution.bias)
        if type.element == .signedByte {
            return try ByteConvolutionOperator(
                window: window, groups: groups, inputChannels: inputs, outputChannels: outputs,
                weight: weight, scale: convolution.weightScale, bias: bias, kernels: kernels, store)
        }
        if groups > 1, groups == inputs, groups == outputs {
            return DepthwiseOperator(
                window: window, channels: outputs,
                weights: try store.transposed(
                    weight, scale: convolution.weightScale, channels: outputs, taps: window.taps),
                bias: try store.valuesOrZeros(bias, channels: outputs))
        }
        return ConvolutionOperator(
            window: window, groups: groups, inputChannels: inputs, outputChannels: outputs,
            weights: try store.blocks(
                weight, scale: convolution.weightScale, outputs: outputs, groups: groups,
                channels: inputs / groups, taps: window.taps),
            bias: try store.channelBlocks(bias, outputs: outputs, groups: groups))
    }

    /// A max, average or global average pooling of real values.
    private func pooling(_ node: Node) -> PoolingOperator {
        let shape = types[node.inputs[0]]!.shape
        guard let (window, kind) = PoolingOperator.window(of: node.operation, over: shape) else {
            preconditionFailure("\(node.operation.name) pools nothing")
        }
        return PoolingOperator(
            window: bonn_window(window, from: shape, to: types[node.name]!.shape),
            channels: shape.channels, kind: kind)
    }

    private func mapped(_ producer: some RowProducer, _ program: MapProgram?) -> any Operator {
        MappedOperator(producer, program: program)
    }

    /// A convolution of which only pooled values are stored.
    private func pooled(
        _ fused: FusedNodes, _ pooledProgram: MapProgram?
    ) throws(RuntimeError) -> any Operator {
        let node = fused.pooled[0]
        guard case .convolution(let convolution) = node.operation else {
            preconditionFailure("\(node.name) is pooled row by row and no convolution")
        }
        var nodes = FusedNodes(producer: node)
        nodes.chain = Array(fused.pooled.dropFirst())
        var sources: [Int] = []
        let program = try program(of: nodes, sources: &sources)
        func operatorOf(_ producer: some RowProducer) -> any Operator {
            PooledOperator(
                producer, program: program, pooling: pooling(fused.producer!),
                pooledProgram: pooledProgram)
        }
        return operatorOf(
            try real(convolution, types[node.inputs[0]]!, types[node.name]!.shape))
    }
}
