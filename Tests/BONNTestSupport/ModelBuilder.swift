public import BONNModelFormat

/// Builds small models node by node, with seeded random weights.
public struct ModelBuilder {
    /// The generator of the weights; also used by whoever draws the structure.
    public var generator: SeededGenerator
    /// The types of the values so far.
    public private(set) var types: [Name: ValueType]
    private let input: GraphInput
    private var nodes: [Node] = []
    private var tensors: [Name: ModelTensor] = [:]

    /// Starts with the input `input`.
    public init(seed: UInt64, input shape: Shape, element: ElementType = .real) {
        generator = SeededGenerator(seed: seed)
        input = GraphInput(name: "input", shape: shape, element: element)
        types = ["input": ValueType(shape: shape, element: element)]
    }

    /// The model that ends with a value.
    public func model(output: Name) -> ModelFile {
        ModelFile(
            metadata: ModelMetadata(graph: Graph(input: input, nodes: nodes, output: output)),
            tensors: tensors)
    }

    /// The shape of a value.
    public func shape(_ name: Name) -> Shape { types[name]!.shape }

    private mutating func add(
        _ operation: BONNModelFormat.Operation, _ inputs: [Name], _ type: ValueType
    ) -> Name {
        let name: Name = "\(nodes.count)_\(operation.name)"
        nodes.append(Node(name, operation, inputs: inputs))
        types[name] = type
        return name
    }

    private mutating func tensor(_ kind: Name, _ value: ModelTensor) -> Name {
        let name: Name = "\(nodes.count).\(kind)"
        tensors[name] = value
        return name
    }

    private mutating func reals(_ kind: Name, _ shape: [Int]) -> Name {
        let values = generator.reals(shape.reduce(1, *))
        return tensor(kind, ModelTensor(f32: values, shape: shape))
    }

    /// Thresholds with every direction; some values of negative direction, some constants.
    private mutating func directions(_ channels: Int) -> Name {
        let values = (0..<channels).map { _ in Int8(generator.pick([1, 1, -1, 0])) }
        return tensor("direction", ModelTensor(i8: values, shape: [channels]))
    }

    /// How the weights of a real layer are stored: as they are, as 8-bit integers with a scale an
    /// output, or as signs with one scale or one an output.
    public enum Weights: CaseIterable, Sendable { case real, bytes, signs, signsOfOutputs }

    /// A real convolution.
    public mutating func convolution(
        _ x: Name, outputs: Int, window: Window, groups: Int = 1, weights: Weights = .real,
        hasBias: Bool = false
    ) -> Name {
        let shape = [outputs, self.shape(x).channels / groups, window.height, window.width]
        let (weight, scale) = realWeight(shape, weights)
        let operation = Convolution(
            window: window, groups: groups, weight: weight, weightScale: scale,
            bias: hasBias ? reals("bias", [outputs]) : nil)
        return add(
            .convolution(operation), [x],
            ValueType(
                shape: Reference.outputShape(window, self.shape(x), channels: outputs),
                element: .real))
    }

    /// A real fully connected layer.
    public mutating func linear(
        _ x: Name, outputs: Int, weights: Weights = .real, hasBias: Bool = true
    ) -> Name {
        let (weight, scale) = realWeight([outputs, shape(x).channels], weights)
        let operation = Linear(
            weight: weight, weightScale: scale, bias: hasBias ? reals("bias", [outputs]) : nil)
        return add(
            .linear(operation), [x], ValueType(shape: Shape(outputs, 1, 1), element: .real))
    }

    /// A weight of the shape `[K, C, ...]` and its scale.
    private mutating func realWeight(_ shape: [Int], _ weights: Weights) -> (Name, scale: Name?) {
        switch weights {
        case .real: return (reals("weight", shape), nil)
        case .bytes:
            let values = (0..<shape.reduce(1, *)).map { _ in Int8(generator.integer(-128...127)) }
            let weight = tensor("weight", ModelTensor(i8: values, shape: shape))
            return (weight, reals("weight_scale", [shape[0]]))
        case .signs, .signsOfOutputs:
            let weight = bits([shape[0]] + shape.dropFirst(2), channels: shape[1])
            return (weight, reals("weight_scale", [weights == .signs ? 1 : shape[0]]))
        }
    }

    /// Rounding to signed bytes, with some values beyond them.
    public mutating func quantize(_ x: Name) -> Name {
        let rate = tensor(
            "inverse_scale", ModelTensor(f32: generator.reals(1, in: 10...90), shape: [1]))
        return add(
            .quantize(Quantize(inverseScale: rate)), [x],
            ValueType(shape: shape(x), element: .signedByte))
    }

    /// How the sums of a binary layer become real numbers.
    public enum Scale: CaseIterable, Sendable { case none, layer, channel, channelAndBias }

    /// A binary convolution.
    public mutating func binaryConvolution(
        _ x: Name, outputs: Int, window: Window, padding: PaddingValue = .zero, groups: Int = 1,
        scale: Scale = .layer
    ) -> Name {
        let channels = shape(x).channels
        let operation = BinaryConvolution(
            window: window, paddingValue: padding, groups: groups, inputChannels: channels,
            weight: bits([outputs, window.height, window.width], channels: channels / groups),
            scale: scale == .none ? nil : reals("scale", [scale == .layer ? 1 : outputs]),
            bias: scale == .channelAndBias ? reals("bias", [outputs]) : nil)
        return add(
            .binaryConvolution(operation), [x],
            ValueType(
                shape: Reference.outputShape(window, shape(x), channels: outputs),
                element: scale == .none ? .integer : .real))
    }

    /// A binary fully connected layer.
    public mutating func binaryLinear(_ x: Name, outputs: Int, scale: Scale) -> Name {
        let features = shape(x).channels
        let operation = BinaryLinear(
            inputFeatures: features, weight: bits([outputs], channels: features),
            scale: scale == .none ? nil : reals("scale", [scale == .layer ? 1 : outputs]),
            bias: scale == .channelAndBias ? reals("bias", [outputs]) : nil)
        return add(
            .binaryLinear(operation), [x],
            ValueType(
                shape: Shape(outputs, 1, 1), element: scale == .none ? .integer : .real))
    }

    private mutating func bits(_ rows: [Int], channels: Int) -> Name {
        let signs = (0..<rows.reduce(1, *) * channels).map { _ in generator.sign() }
        return tensor(
            "weight",
            ModelTensor(
                u64: BitLayout.packSigned(signs, channels: channels),
                shape: rows + [BitLayout.words(forChannels: channels)]))
    }

    /// A batch norm with scales of both signs and some zeros.
    public mutating func batchNorm(_ x: Name) -> Name {
        let channels = shape(x).channels
        let scales = generator.reals(channels).map { generator.oneIn(5) ? 0 : $0 }
        let operation = BatchNorm(
            scale: tensor("scale", ModelTensor(f32: scales, shape: [channels])),
            shift: reals("shift", [channels]))
        return add(.batchNorm(operation), [x], ValueType(shape: shape(x), element: .real))
    }

    /// A threshold of real, integer or byte values.
    public mutating func threshold(
        _ x: Name, levels: ElementType = .signedBits
    ) -> Name {
        let type = types[x]!
        let channels = type.shape.channels
        let name: Name
        switch type.element {
        case .integer:
            let values = (0..<channels).map { _ in Int32(generator.integer(-6...6)) }
            name = tensor("threshold", ModelTensor(i32: values, shape: [channels]))
        case .byte:
            let values = (0..<channels).map { _ in Float(generator.integer(0...255)) }
            name = tensor("threshold", ModelTensor(f32: values, shape: [channels]))
        default: name = reals("threshold", [channels])
        }
        let operation = Threshold(
            threshold: name, direction: directions(channels), levels: levels)
        return add(
            .threshold(operation), [x], ValueType(shape: type.shape, element: levels))
    }

    /// A max pooling of real values or bits.
    public mutating func maxPool(_ x: Name, _ window: Window) -> Name {
        add(.maxPool(Pool(window: window)), [x], pooled(x, window))
    }

    /// An average pooling.
    public mutating func averagePool(
        _ x: Name, _ window: Window, countsPadding: Bool
    ) -> Name {
        add(
            .averagePool(Pool(window: window, countsPadding: countsPadding)), [x],
            pooled(x, window))
    }

    private func pooled(_ x: Name, _ window: Window) -> ValueType {
        ValueType(
            shape: Reference.outputShape(window, shape(x), channels: shape(x).channels),
            element: types[x]!.element)
    }

    /// The mean of each channel.
    public mutating func globalAveragePool(_ x: Name) -> Name {
        add(
            .globalAveragePool, [x],
            ValueType(shape: Shape(shape(x).channels, 1, 1), element: .real))
    }

    /// ReLU.
    public mutating func relu(_ x: Name) -> Name { add(.relu, [x], types[x]!) }

    /// Hardtanh.
    public mutating func hardtanh(_ x: Name) -> Name { add(.hardtanh, [x], types[x]!) }

    /// PReLU with one slope, or one a channel.
    public mutating func prelu(_ x: Name, perChannel: Bool = true) -> Name {
        let slope = reals("slope", [perChannel ? shape(x).channels : 1])
        return add(.prelu(PReLU(slope: slope)), [x], types[x]!)
    }

    /// Sigmoid.
    public mutating func sigmoid(_ x: Name) -> Name { add(.sigmoid, [x], types[x]!) }

    /// A product; `b` has the shape of `a`, or one number a channel or a pixel.
    public mutating func multiply(_ a: Name, _ b: Name) -> Name {
        add(.multiply, [a, b], types[a]!)
    }

    /// A sum.
    public mutating func add(_ a: Name, _ b: Name) -> Name { add(.add, [a, b], types[a]!) }

    /// Values joined along channels.
    public mutating func concatenate(_ inputs: [Name]) -> Name {
        let first = types[inputs[0]]!
        let channels = inputs.reduce(0) { $0 + shape($1).channels }
        return add(
            .concatenate, inputs,
            ValueType(
                shape: Shape(channels, first.shape.height, first.shape.width),
                element: first.element))
    }

    /// One vector of all elements.
    public mutating func flatten(_ x: Name) -> Name {
        add(
            .flatten, [x],
            ValueType(shape: Shape(shape(x).count, 1, 1), element: types[x]!.element))
    }
}
