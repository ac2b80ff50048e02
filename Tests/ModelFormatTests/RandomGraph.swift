import BONNModelFormat
import BONNTestSupport

/// A valid model of random operations, with the types of its values kept by the generator's own
/// bookkeeping (outputs of a window are counted by walking over the input, not by a formula).
struct RandomGraph {
    private(set) var nodes: [Node] = []
    private(set) var tensors: [Name: ModelTensor] = [:]
    private(set) var types: [Name: ValueType] = [:]
    private var generator: SeededGenerator
    private let input: GraphInput

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        input = GraphInput(
            name: "image",
            shape: Shape(
                Int.random(in: 1...70, using: &generator), Int.random(in: 1...9, using: &generator),
                Int.random(in: 1...9, using: &generator)),
            element: Bool.random(using: &generator) ? .real : .byte)
        types[input.name] = ValueType(shape: input.shape, element: input.element)
        for _ in 0..<Int.random(in: 1...12, using: &generator) { addRandomNode() }
        addHead()
    }

    var model: ModelFile {
        ModelFile(
            metadata: ModelMetadata(
                graph: Graph(input: input, nodes: nodes, output: nodes[nodes.count - 1].name)),
            tensors: tensors)
    }

    // MARK: Choices

    private mutating func pick(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &generator)
    }

    private mutating func flip() -> Bool { Bool.random(using: &generator) }

    private mutating func add(
        _ operation: BONNModelFormat.Operation, _ inputs: [Name], _ shape: Shape,
        _ element: BONNModelFormat.ElementType
    ) {
        let name: Name = "\(operation.name).\(nodes.count)"
        nodes.append(Node(name, operation, inputs: inputs))
        types[name] = ValueType(shape: shape, element: element)
    }

    private mutating func tensor(_ tensor: ModelTensor) -> Name {
        let name: Name = "tensor.\(tensors.count)"
        tensors[name] = tensor
        return name
    }

    private mutating func floats(_ shape: [Int]) -> Name {
        tensor(Sample.floats(shape, &generator))
    }

    private mutating func floatsOrNil(_ shape: [Int]) -> Name? { flip() ? floats(shape) : nil }

    /// A window that fits the shape, and what it makes of it.
    private mutating func window(for shape: Shape, pooling: Bool) -> (Window, Int, Int) {
        while true {
            let (height, width) = (pick(1...4), pick(1...4))
            let window = Window(
                height: height, width: width, strideHeight: pick(1...3), strideWidth: pick(1...3),
                padTop: pick(0...(pooling ? height - 1 : 3)),
                padBottom: pick(0...(pooling ? height - 1 : 3)),
                padLeft: pick(0...(pooling ? width - 1 : 3)),
                padRight: pick(0...(pooling ? width - 1 : 3)),
                dilationHeight: pooling ? 1 : pick(1...3),
                dilationWidth: pooling ? 1 : pick(1...3))
            let rows = Self.positions(
                -window.padTop..<shape.height + window.padBottom, taps: height,
                stride: window.strideHeight, dilation: window.dilationHeight)
            let columns = Self.positions(
                -window.padLeft..<shape.width + window.padRight, taps: width,
                stride: window.strideWidth, dilation: window.dilationWidth)
            if rows > 0 && columns > 0 { return (window, rows, columns) }
        }
    }

    private static func positions(
        _ padded: Range<Int>, taps: Int, stride: Int, dilation: Int
    ) -> Int {
        var count = 0
        var start = padded.lowerBound
        while (0..<taps).allSatisfy({ padded.contains(start + $0 * dilation) }) {
            count += 1
            start += stride
        }
        return count
    }

    // MARK: Nodes

    private mutating func addRandomNode() {
        let name = types.keys.sorted()[pick(0...types.count - 1)]
        guard let type = types[name] else { return }
        let shape = type.shape
        switch type.element {
        case .real:
            switch pick(0...14) {
            case 0: addConvolution(name, type)
            case 10: add(.quantize(Quantize(inverseScale: floats([1]))), [name], shape, .signedByte)
            case 1: addThreshold(name, type)
            case 2: addPool(name, type)
            case 3: add(.globalAveragePool, [name], Shape(shape.channels, 1, 1), .real)
            case 4: add(.relu, [name], shape, .real)
            case 5: add(.hardtanh, [name], shape, .real)
            case 6:
                let slope = floats([flip() ? 1 : shape.channels])
                add(.prelu(PReLU(slope: slope)), [name], shape, .real)
            case 7: add(.add, [name, name], shape, .real)
            case 8: addBatchNorm(name, shape)
            case 9: add(.flatten, [name], Shape(shape.count, 1, 1), .real)
            case 11: add(.sigmoid, [name], shape, .real)
            case 12: addProduct(name, shape)
            default: addConcatenation(name, type)
            }
        case .integer: flip() ? addBatchNorm(name, shape) : addThreshold(name, type)
        case .signedByte: addConvolution(name, type)
        case .byte: flip() ? addConvolution(name, type) : addThreshold(name, type)
        case .signedBits, .unsignedBits:
            switch pick(0...4) {
            case 0...2: addBinaryConvolution(name, type)
            case 3: addPool(name, type)
            default: addConcatenation(name, type)
            }
        }
    }

    private mutating func addProduct(_ name: Name, _ shape: Shape) {
        let factors = types.keys.sorted().filter {
            guard let type = types[$0], type.element == .real else { return false }
            let isOfChannels = type.shape.height == 1 && type.shape.width == 1
            let isOfPixels = type.shape.height == shape.height && type.shape.width == shape.width
            return type.shape == shape || type.shape.channels == shape.channels && isOfChannels
                || type.shape.channels == 1 && isOfPixels
        }
        add(.multiply, [name, factors[pick(0...factors.count - 1)]], shape, .real)
    }

    private mutating func addConvolution(_ name: Name, _ type: ValueType) {
        let shape = type.shape
        let (window, rows, columns) = window(for: shape, pooling: false)
        let groups = shape.channels % 2 == 0 && flip() ? 2 : 1
        let outputs = groups * pick(1...5)
        let weight = [outputs, shape.channels / groups, window.height, window.width]
        var convolution = Convolution(window: window, groups: groups, weight: "")
        if type.element != .signedByte && flip() {
            convolution.weight = floats(weight)
        } else if type.element != .signedByte && flip() {
            convolution.weight = tensor(
                Sample.kernels(
                    outputs, window.height, window.width, channels: shape.channels / groups,
                    &generator))
            convolution.weightScale = floats([flip() ? 1 : outputs])
        } else {
            convolution.weight = tensor(Sample.bytes(weight, &generator))
            convolution.weightScale = floats([outputs])
        }
        convolution.bias = floatsOrNil([outputs])
        add(.convolution(convolution), [name], Shape(outputs, rows, columns), .real)
    }

    private mutating func addBinaryConvolution(_ name: Name, _ type: ValueType) {
        let shape = type.shape
        let (window, rows, columns) = window(for: shape, pooling: false)
        let groups = shape.channels % 3 == 0 && flip() ? 3 : 1
        let outputs = groups * pick(1...25)
        let paddings: [PaddingValue] =
            type.element == .signedBits ? [.zero, .plusOne, .minusOne] : [.zero, .plusOne]
        let weight = tensor(
            Sample.kernels(
                outputs, window.height, window.width, channels: shape.channels / groups,
                &generator))
        let scale = flip() ? floats([flip() ? 1 : outputs]) : nil
        let bias = scale == nil ? nil : floatsOrNil([outputs])
        add(
            .binaryConvolution(
                BinaryConvolution(
                    window: window, paddingValue: paddings[pick(0...paddings.count - 1)],
                    groups: groups, inputChannels: shape.channels, weight: weight, scale: scale,
                    bias: bias)), [name], Shape(outputs, rows, columns),
            scale == nil ? .integer : .real)
    }

    private mutating func addThreshold(_ name: Name, _ type: ValueType) {
        let channels = type.shape.channels
        let threshold =
            type.element == .integer
            ? tensor(ModelTensor(i32: (0..<channels).map { Int32($0 - 3) }, shape: [channels]))
            : floats([channels])
        let direction = tensor(Sample.directions(channels))
        let levels: BONNModelFormat.ElementType = flip() ? .signedBits : .unsignedBits
        add(
            .threshold(Threshold(threshold: threshold, direction: direction, levels: levels)),
            [name], type.shape, levels)
    }

    private mutating func addBatchNorm(_ name: Name, _ shape: Shape) {
        let batchNorm = BatchNorm(
            scale: floats([shape.channels]), shift: floats([shape.channels]))
        add(.batchNorm(batchNorm), [name], shape, .real)
    }

    private mutating func addPool(_ name: Name, _ type: ValueType) {
        let (window, rows, columns) = window(for: type.shape, pooling: true)
        let shape = Shape(type.shape.channels, rows, columns)
        if type.element == .real && flip() {
            let pool = Pool(window: window, countsPadding: flip())
            add(.averagePool(pool), [name], shape, .real)
        } else {
            add(.maxPool(Pool(window: window)), [name], shape, type.element)
        }
    }

    private mutating func addConcatenation(_ name: Name, _ type: ValueType) {
        let partners = types.keys.sorted().filter {
            types[$0]?.element == type.element && types[$0]?.shape.height == type.shape.height
                && types[$0]?.shape.width == type.shape.width
        }
        var names = [name]
        for _ in 0..<pick(1...2) { names.append(partners[pick(0...partners.count - 1)]) }
        let channels = names.reduce(0) { $0 + (types[$1]?.shape.channels ?? 0) }
        guard channels < 500 else { return }
        add(
            .concatenate, names, Shape(channels, type.shape.height, type.shape.width), type.element)
    }

    /// Whatever the last value is, a fully connected layer of it.
    private mutating func addHead() {
        var name = nodes.last?.name ?? input.name
        guard var type = types[name] else { return }
        if type.element == .signedByte {
            addConvolution(name, type)
            name = nodes[nodes.count - 1].name
            type = types[name] ?? type
        }
        add(.flatten, [name], Shape(type.shape.count, 1, 1), type.element)
        if type.element == .integer || type.element == .byte {
            addThreshold(nodes[nodes.count - 1].name, types[nodes[nodes.count - 1].name] ?? type)
        }
        let last = nodes[nodes.count - 1].name
        type = types[last] ?? type
        let outputs = pick(1...7)
        let features = type.shape.channels
        if type.element == .real && flip() {
            add(.quantize(Quantize(inverseScale: floats([1]))), [last], type.shape, .signedByte)
            let linear = Linear(
                weight: tensor(Sample.bytes([outputs, features], &generator)),
                weightScale: floats([outputs]), bias: floatsOrNil([outputs]))
            add(.linear(linear), [nodes[nodes.count - 1].name], Shape(outputs, 1, 1), .real)
        } else if type.element == .real && flip() {
            let linear = Linear(
                weight: tensor(Sample.rows(outputs, channels: features, &generator)),
                weightScale: floats([flip() ? 1 : outputs]), bias: floatsOrNil([outputs]))
            add(.linear(linear), [last], Shape(outputs, 1, 1), .real)
        } else if type.element == .real {
            let linear = Linear(weight: floats([outputs, features]), bias: floatsOrNil([outputs]))
            add(.linear(linear), [last], Shape(outputs, 1, 1), .real)
        } else {
            let weight = tensor(Sample.rows(outputs, channels: features, &generator))
            let scale = floatsOrNil([1])
            add(
                .binaryLinear(BinaryLinear(inputFeatures: features, weight: weight, scale: scale)),
                [last], Shape(outputs, 1, 1), scale == nil ? .integer : .real)
        }
    }
}
