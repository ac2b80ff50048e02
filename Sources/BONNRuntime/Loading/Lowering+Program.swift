import BONNModelFormat
import CBONNKernels

/// What happens to the values of a producer or a source while they are in registers.
extension Lowering {
    /// The program of a step; nil if nothing happens.
    ///
    /// Appends the values that take part to the step's inputs.
    func program(
        of fused: FusedNodes, sources: inout [Int]
    ) throws(RuntimeError) -> MapProgram? {
        var steps = try scaling(of: fused.producer)
        var current = fused.producer?.name ?? fused.source!
        for node in fused.chain {
            steps.append(try step(of: node, on: current, sources: &sources))
            current = node.name
        }
        var program = MapProgram(steps: steps)
        if case .threshold(let threshold) = fused.threshold?.operation {
            program.threshold = try thresholds(threshold)
        }
        program.writesValues = fused.writesValues
        return program.steps.isEmpty && program.threshold == nil ? nil : program
    }

    /// An element-wise operation on a value.
    private func step(
        of node: Node, on current: Name, sources: inout [Int]
    ) throws(RuntimeError) -> MapProgram.Step {
        let shape = types[current]!.shape
        /// The shape of the other value and its place among the step's inputs.
        func operand() -> (shape: Shape, input: Int) {
            let other = node.inputs[0] == current ? node.inputs[1] : node.inputs[0]
            sources.append(index(of: other)!)
            return (types[other]!.shape, sources.count - 1)
        }
        switch node.operation {
        case .batchNorm(let norm):
            return .affine(scale: try store.values(norm.scale), shift: try store.values(norm.shift))
        case .prelu(let prelu):
            return .prelu(slope: try store.perChannel(prelu.slope, channels: shape.channels))
        case .relu: return .relu
        case .hardtanh: return .hardtanh
        case .sigmoid: return .sigmoid
        case .add: return .add(input: operand().input)
        case .multiply:
            let (factors, input) = operand()
            if factors == shape { return .multiply(input: input) }
            return factors == Shape(shape.channels, 1, 1)
                ? .multiplyChannels(input: input, imagePixels: shape.height * shape.width)
                : .multiplyPixels(input: input)
        case .convolution, .binaryConvolution, .linear, .binaryLinear, .threshold, .quantize,
            .maxPool, .averagePool, .globalAveragePool, .concatenate, .flatten:
            preconditionFailure("\(node.operation.name) is not element-wise")
        }
    }

    /// The scale and the bias that a binary layer applies to its sums.
    private func scaling(of producer: Node?) throws(RuntimeError) -> [MapProgram.Step] {
        guard let producer, let layer = producer.operation.binaryLayer, let scale = layer.scale
        else { return [] }
        let channels = types[producer.name]!.shape.channels
        let scales = try store.perChannel(scale, channels: channels)
        guard let bias = layer.bias else { return [.scale(scales)] }
        return [.affine(scale: scales, shift: try store.values(bias))]
    }

    private func thresholds(_ threshold: Threshold) throws(RuntimeError) -> ThresholdConstants {
        let names = [threshold.threshold, threshold.direction]
        return try store.constant(.init(form: .thresholds, tensors: names)) {
            () throws(RuntimeError) in
            try ThresholdConstants(
                store.tensor(threshold.threshold), directions: store.tensor(threshold.direction),
                store)
        }
    }
}

extension BinaryConvolution {
    /// A fully connected layer as a convolution of one pixel.
    init(_ linear: BinaryLinear) {
        self.init(
            window: Window(1), inputChannels: linear.inputFeatures, weight: linear.weight,
            scale: linear.scale, bias: linear.bias)
    }
}

extension BONNModelFormat.Operation {
    /// A binary convolution or fully connected layer; nil for everything else.
    fileprivate var binaryLayer: BinaryConvolution? {
        if case .binaryConvolution(let convolution) = self { return convolution }
        if case .binaryLinear(let linear) = self { return BinaryConvolution(linear) }
        return nil
    }
}
