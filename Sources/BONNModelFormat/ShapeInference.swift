/// Infers the types of a graph's values, node by node, and requires the tensors that they name.
struct GraphInference {
    private(set) var values: ValueTable
    private(set) var tensors: TensorTable
    private var node = Node("", .flatten, inputs: [])
    /// Steps of the node for one image, an upper bound.
    private var work = 0

    init(values: ValueTable, tensors: TensorTable) {
        self.values = values
        self.tensors = tensors
    }

    /// Checks a node and defines its value.
    mutating func define(_ node: Node) throws(ModelFormatError) {
        self.node = node
        work = 0
        let type = try resultType()
        try values.add(work: work, place: place)
        try values.define(node.name, type, place: place)
    }

    private var place: String {
        "graph node '\(abbreviated(node.name))' (\(node.operation.name))"
    }

    private mutating func resultType() throws(ModelFormatError) -> ValueType {
        let inputs = try inputTypes()
        let input = inputs[0]
        switch node.operation {
        case .convolution(let convolution): return try infer(convolution, input)
        case .binaryConvolution(let convolution): return try infer(convolution, input)
        case .linear(let linear): return try infer(linear, input)
        case .binaryLinear(let linear): return try infer(linear, input)
        case .batchNorm(let batchNorm): return try infer(batchNorm, input)
        case .threshold(let threshold): return try infer(threshold, input)
        case .quantize(let quantize):
            try require(input, of: [.real])
            try tensor(quantize.inverseScale, .f32, [[1]], .finite)
            work = input.shape.count
            return ValueType(shape: input.shape, element: .signedByte)
        case .maxPool(let pool): return try inferMax(pool, input)
        case .averagePool(let pool): return try inferAverage(pool, input)
        case .globalAveragePool:
            try require(input, of: [.real])
            work = input.shape.count
            return ValueType(shape: Shape(input.shape.channels, 1, 1), element: .real)
        case .relu, .hardtanh, .sigmoid:
            try require(input, of: [.real])
            return input
        case .prelu(let prelu):
            try require(input, of: [.real])
            try tensor(prelu.slope, .f32, [[1], [input.shape.channels]], .finite)
            return input
        case .add: return try inferAdd(inputs)
        case .multiply: return try inferMultiply(inputs)
        case .concatenate: return try inferConcatenate(inputs)
        case .flatten:
            try require(input, of: Self.joinable)
            return ValueType(shape: Shape(input.shape.count, 1, 1), element: input.element)
        }
    }

    /// Everything but signed bytes, which only convolutions and fully connected layers read.
    private static let joinable: [ElementType] = [
        .real, .integer, .byte, .signedBits, .unsignedBits,
    ]

    // MARK: Inputs

    private func inputTypes() throws(ModelFormatError) -> [ValueType] {
        let accepted = node.operation.kind.inputCount
        guard accepted.contains(node.inputs.count) else {
            throw ModelFormatError(
                .inputCount, place,
                expected: "\(accepted.count == 1 ? "" : "at least ")\(accepted.lowerBound) "
                    + (accepted == 1...1 ? "input" : "inputs"),
                found: "\(node.inputs.count)", fix: "correct the node's inputs")
        }
        var types: [ValueType] = []
        for name in node.inputs {
            guard let type = values.types[name] else {
                throw ModelFormatError(
                    .undefinedValue, place, expected: "inputs that are defined before the node",
                    found: "'\(abbreviated(name))', which is not",
                    fix: "correct the name or the order of the nodes")
            }
            types.append(type)
        }
        return types
    }

    private func require(
        _ input: ValueType, of elements: [ElementType]
    ) throws(ModelFormatError) {
        guard elements.contains(input.element) else {
            throw ModelFormatError(
                .inputElement, place,
                expected: elements.map { "'\($0.rawValue)'" }.joined(separator: " or ")
                    + " values", found: "'\(input.element.rawValue)'",
                fix: "insert the operation that converts them, or use another one here")
        }
    }

    private func wrongShape(_ expected: String, _ found: String) -> ModelFormatError {
        ModelFormatError(
            .inputShape, place, expected: expected, found: found, fix: "correct the graph")
    }

    private mutating func tensor(
        _ name: Name, _ type: ModelTensor.ElementType, _ shapes: [[Int]],
        _ content: TensorTable.Content
    ) throws(ModelFormatError) {
        try tensors.require(name, type, shapes, content, place: place)
    }

    private mutating func count(work factors: [Int]) throws(ModelFormatError) {
        guard let product = checkedProduct(factors) else {
            throw ModelFormatError(
                .limitExceeded, place,
                expected: "at most \(FormatLimits.work) steps for one image", found: "more",
                fix: "no 1-bit network needs so much; the file is damaged or hostile")
        }
        work = product
    }

    // MARK: Convolutions

    private mutating func infer(
        _ convolution: Convolution, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.real, .byte, .signedByte])
        let outputs = try tensors.firstDimension(convolution.weight, place: place)
        let channels = try channelsPerGroup(
            input.shape.channels, outputs: outputs, groups: convolution.groups)
        let size = try convolution.window.outputSize(of: input.shape, place: place)
        try realWeight(
            convolution.weight, scale: convolution.weightScale, bias: convolution.bias,
            shape: [outputs, channels, convolution.window.height, convolution.window.width],
            input: input)
        try count(
            work: [
                outputs, size.height, size.width, channels, convolution.window.height,
                convolution.window.width,
            ])
        return ValueType(shape: Shape(outputs, size.height, size.width), element: .real)
    }

    private mutating func infer(
        _ convolution: BinaryConvolution, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.signedBits, .unsignedBits])
        guard convolution.inputChannels == input.shape.channels else {
            throw wrongShape(
                "\(convolution.inputChannels) input channels, as the node says",
                input.shape.text)
        }
        guard convolution.paddingValue != .minusOne || input.element == .signedBits else {
            throw ModelFormatError(
                .paddingValue, place, expected: "padding 'zero' or 'plus_one' for unsigned bits",
                found: "'minus_one'", fix: "unsigned bits have no -1; pad with 'zero'")
        }
        let outputs = try tensors.firstDimension(convolution.weight, place: place)
        let channels = try channelsPerGroup(
            input.shape.channels, outputs: outputs, groups: convolution.groups)
        let window = convolution.window
        let size = try window.outputSize(of: input.shape, place: place)
        try binaryTerms([channels, window.height, window.width])
        let words = BitLayout.words(forChannels: channels)
        try tensor(
            convolution.weight, .u64, [[outputs, window.height, window.width, words]],
            .bits(channels: channels))
        let element = try scaled(convolution.scale, convolution.bias, outputs: outputs)
        try count(
            work: [outputs, size.height, size.width, channels, window.height, window.width])
        return ValueType(shape: Shape(outputs, size.height, size.width), element: element)
    }

    private func channelsPerGroup(
        _ channels: Int, outputs: Int, groups: Int
    ) throws(ModelFormatError) -> Int {
        guard groups >= 1, channels % groups == 0, outputs % groups == 0 else {
            throw ModelFormatError(
                .invalidGroups, place,
                expected: "a number of groups that divides \(channels) input channels and "
                    + "\(outputs) outputs",
                found: "\(groups)", fix: "correct 'groups'")
        }
        return channels / groups
    }

    // MARK: Fully connected layers

    private mutating func infer(
        _ linear: Linear, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.real, .signedByte])
        try requireVector(input)
        let outputs = try tensors.firstDimension(linear.weight, place: place)
        try realWeight(
            linear.weight, scale: linear.weightScale, bias: linear.bias,
            shape: [outputs, input.shape.channels], input: input)
        try count(work: [outputs, input.shape.channels])
        return ValueType(shape: Shape(outputs, 1, 1), element: .real)
    }

    private mutating func infer(
        _ linear: BinaryLinear, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.signedBits, .unsignedBits])
        try requireVector(input)
        let features = input.shape.channels
        guard linear.inputFeatures == features else {
            throw wrongShape(
                "\(linear.inputFeatures) input features, as the node says", input.shape.text)
        }
        let outputs = try tensors.firstDimension(linear.weight, place: place)
        try binaryTerms([features])
        try tensor(
            linear.weight, .u64, [[outputs, BitLayout.words(forChannels: features)]],
            .bits(channels: features))
        let element = try scaled(linear.scale, linear.bias, outputs: outputs)
        try count(work: [outputs, features])
        return ValueType(shape: Shape(outputs, 1, 1), element: element)
    }

    private func requireVector(_ input: ValueType) throws(ModelFormatError) {
        guard input.shape.height == 1, input.shape.width == 1 else {
            throw wrongShape("[C, 1, 1]", input.shape.text + "; flatten or pool it first")
        }
    }

    /// The weight of the shape `[K, C, ...]`, its scale, and the bias: F32 alone, I8 with a scale an
    /// output, or signs with one scale or one an output. Signed bytes need I8.
    private mutating func realWeight(
        _ weight: Name, scale: Name?, bias: Name?, shape: [Int], input: ValueType
    ) throws(ModelFormatError) {
        let (outputs, channels) = (shape[0], shape[1])
        let stored = try tensors.elementType(weight, place: place)
        if input.element == .signedByte {
            guard scale != nil else {
                throw ModelFormatError(
                    .scaleRule, place,
                    expected: "an I8 weight and 'weight_scale' for a signed_byte input",
                    found: "none", fix: "quantise the weight, or read the real value")
            }
            try terms(Array(shape.dropFirst()), limit: FormatLimits.byteTerms, "int32")
        }
        if let scale, stored == .u64, input.element != .signedByte {
            let words = BitLayout.words(forChannels: channels)
            try tensor(
                weight, .u64, [[outputs] + shape.dropFirst(2) + [words]], .bits(channels: channels))
            try tensor(scale, .f32, [[1], [outputs]], .finite)
        } else if let scale {
            try tensor(weight, .i8, [shape], .any)
            try tensor(scale, .f32, [[outputs]], .finite)
        } else {
            guard stored != .i8, stored != .u64 else {
                throw ModelFormatError(
                    .scaleRule, place,
                    expected: "'weight_scale' beside a weight of \(stored.rawValue)",
                    found: "none", fix: "add the scales, or store the weight as F32")
            }
            try tensor(weight, .f32, [shape], .finite)
        }
        if let bias { try tensor(bias, .f32, [[outputs]], .finite) }
    }

    /// Scale and bias of a binary layer, and the element type that they lead to.
    private mutating func scaled(
        _ scale: Name?, _ bias: Name?, outputs: Int
    ) throws(ModelFormatError) -> ElementType {
        guard let scale else {
            guard bias == nil else {
                throw ModelFormatError(
                    .scaleRule, place, expected: "'bias' only together with 'scale'",
                    found: "'bias' alone", fix: "add a scale (of ones, if there is none)")
            }
            return .integer
        }
        try tensor(scale, .f32, [[1], [outputs]], .finite)
        if let bias { try tensor(bias, .f32, [[outputs]], .finite) }
        return .real
    }

    private func binaryTerms(_ factors: [Int]) throws(ModelFormatError) {
        try terms(factors, limit: FormatLimits.binaryTerms, "float32")
    }

    private func terms(
        _ factors: [Int], limit: Int, _ exactIn: String
    ) throws(ModelFormatError) {
        guard let terms = checkedProduct(factors), terms <= limit else {
            throw ModelFormatError(
                .limitExceeded, place, expected: "sums of at most \(limit) terms",
                found: "\(factors.map(String.init).joined(separator: " x "))",
                fix: "longer sums are not exact in \(exactIn); split the layer")
        }
    }

    // MARK: Channel-wise operations

    private mutating func infer(
        _ batchNorm: BatchNorm, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.real, .integer])
        try tensor(batchNorm.scale, .f32, [[input.shape.channels]], .finite)
        try tensor(batchNorm.shift, .f32, [[input.shape.channels]], .finite)
        return ValueType(shape: input.shape, element: .real)
    }

    private mutating func infer(
        _ threshold: Threshold, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.real, .integer, .byte])
        guard threshold.levels == .signedBits || threshold.levels == .unsignedBits else {
            throw ModelFormatError(
                .thresholdLevels, place, expected: "'signed_bits' or 'unsigned_bits'",
                found: "'\(threshold.levels.rawValue)'", fix: "a threshold gives bits")
        }
        let channels = [input.shape.channels]
        if input.element == .integer {
            try tensor(threshold.threshold, .i32, [channels], .any)
        } else {
            try tensor(threshold.threshold, .f32, [channels], .notNaN)
        }
        try tensor(threshold.direction, .i8, [channels], .directions)
        return ValueType(shape: input.shape, element: threshold.levels)
    }

    // MARK: Pooling

    private mutating func inferMax(
        _ pool: Pool, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.real, .signedBits, .unsignedBits])
        guard pool.countsPadding else {
            throw ModelFormatError(
                .invalidWindow, place, expected: "no 'counts_padding' on a max pooling",
                found: "false", fix: "only average pooling has that choice")
        }
        return try infer(pool, input)
    }

    private mutating func inferAverage(
        _ pool: Pool, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        try require(input, of: [.real])
        return try infer(pool, input)
    }

    private mutating func infer(
        _ pool: Pool, _ input: ValueType
    ) throws(ModelFormatError) -> ValueType {
        let window = pool.window
        try window.checkPooling(place: place)
        let size = try window.outputSize(of: input.shape, place: place)
        try count(
            work: [
                input.shape.channels, size.height, size.width, window.height, window.width,
            ])
        return ValueType(
            shape: Shape(input.shape.channels, size.height, size.width), element: input.element)
    }

    // MARK: Joins

    private func inferAdd(_ inputs: [ValueType]) throws(ModelFormatError) -> ValueType {
        for input in inputs { try require(input, of: [.real]) }
        guard inputs[0].shape == inputs[1].shape else {
            throw wrongShape(
                "two values of one shape",
                "\(inputs[0].shape.text) and \(inputs[1].shape.text)")
        }
        return inputs[0]
    }

    private func inferMultiply(_ inputs: [ValueType]) throws(ModelFormatError) -> ValueType {
        for input in inputs { try require(input, of: [.real]) }
        let (first, second) = (inputs[0].shape, inputs[1].shape)
        let factors = [
            first, Shape(first.channels, 1, 1), Shape(1, first.height, first.width),
        ]
        guard factors.contains(second) else {
            throw wrongShape(
                "factors \(factors.map(\.text).joined(separator: ", ")) of \(first.text)",
                second.text)
        }
        return inputs[0]
    }

    private func inferConcatenate(_ inputs: [ValueType]) throws(ModelFormatError) -> ValueType {
        let first = inputs[0]
        var channels = 0
        try require(first, of: Self.joinable)
        for input in inputs {
            try require(input, of: [first.element])
            guard input.shape.height == first.shape.height,
                input.shape.width == first.shape.width
            else {
                throw wrongShape(
                    "values of one height and width",
                    "\(first.shape.text) and \(input.shape.text)")
            }
            // At most 200,000 inputs of at most 2^24 channels: no overflow.
            channels += input.shape.channels
        }
        return ValueType(
            shape: Shape(channels, first.shape.height, first.shape.width), element: first.element)
    }
}
