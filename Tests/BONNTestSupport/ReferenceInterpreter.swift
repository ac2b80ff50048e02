public import BONNModelFormat

/// Runs a model with the reference operations: the oracle of the whole runtime.
public struct ReferenceInterpreter {
    private let file: ModelFile

    /// Creates an interpreter of a valid model.
    public init(_ file: ModelFile) { self.file = file }

    /// All values of the graph for one image `[C, H, W]`.
    public func values(of image: [Float]) -> [Name: ReferenceValue] {
        let graph = file.metadata.graph
        var values = [graph.input.name: ReferenceValue(graph.input.shape, image)]
        var elements = [graph.input.name: graph.input.element]
        for node in graph.nodes {
            let inputs = node.inputs.map { values[$0]! }
            let element = elements[node.inputs[0]]!
            values[node.name] = evaluate(node.operation, inputs, element)
            elements[node.name] = resultElement(node.operation, element)
        }
        return values
    }

    private func resultElement(
        _ operation: BONNModelFormat.Operation, _ input: ElementType
    ) -> ElementType {
        switch operation {
        case .threshold(let threshold): threshold.levels
        case .quantize: .signedByte
        case .binaryConvolution(let convolution): convolution.scale == nil ? .integer : .real
        case .binaryLinear(let linear): linear.scale == nil ? .integer : .real
        case .maxPool, .concatenate, .flatten: input
        case .convolution, .linear, .batchNorm, .averagePool, .globalAveragePool, .relu, .prelu,
            .hardtanh, .sigmoid, .add, .multiply:
            .real
        }
    }

    private func evaluate(
        _ operation: BONNModelFormat.Operation, _ inputs: [ReferenceValue], _ element: ElementType
    ) -> ReferenceValue {
        let input = inputs[0]
        switch operation {
        case .convolution(let convolution) where element == .signedByte:
            return Reference.byteConvolution(
                input, weights: file.tensors[convolution.weight]!.int8s(),
                outputs: file.tensors[convolution.weight]!.shape[0], window: convolution.window,
                groups: convolution.groups, scale: floats(convolution.weightScale!),
                bias: convolution.bias.map(floats))
        case .linear(let linear) where element == .signedByte:
            return Reference.byteConvolution(
                input, weights: file.tensors[linear.weight]!.int8s(),
                outputs: file.tensors[linear.weight]!.shape[0], window: Window(1),
                scale: floats(linear.weightScale!), bias: linear.bias.map(floats))
        case .quantize(let quantize):
            return Reference.quantize(input, inverseScale: floats(quantize.inverseScale)[0])
        case .convolution(let convolution):
            return Reference.convolution(
                input,
                weights: realWeights(
                    convolution.weight, convolution.weightScale,
                    channels: input.shape.channels / convolution.groups),
                outputs: file.tensors[convolution.weight]!.shape[0], window: convolution.window,
                groups: convolution.groups, bias: convolution.bias.map(floats))
        case .binaryConvolution(let convolution): return evaluate(convolution, input)
        case .linear(let linear):
            return Reference.convolution(
                input,
                weights: realWeights(
                    linear.weight, linear.weightScale, channels: input.shape.channels),
                outputs: file.tensors[linear.weight]!.shape[0], window: Window(1),
                bias: linear.bias.map(floats))
        case .binaryLinear(let linear):
            let weight = file.tensors[linear.weight]!
            let signs = BitLayout.unpackSigned(weight.words(), channels: linear.inputFeatures)
            let sums = Reference.convolution(
                input, weights: signs, outputs: weight.shape[0], window: Window(1))
            return scaled(sums, linear.scale, linear.bias)
        case .batchNorm(let norm):
            return Reference.batchNorm(
                input, scale: floats(norm.scale), shift: floats(norm.shift))
        case .threshold(let threshold): return evaluate(threshold, input, element)
        case .maxPool(let pool): return Reference.maxPool(input, pool.window)
        case .averagePool(let pool):
            return Reference.averagePool(
                input, pool.window, countsPadding: pool.countsPadding)
        case .globalAveragePool:
            return ReferenceValue(Shape(input.shape.channels, 1, 1)) { c, _, _ in
                let area = input.shape.height * input.shape.width
                let sum = input.values[c * area..<(c + 1) * area].reduce(0.0) { $0 + Double($1) }
                return Float(sum / Double(area))
            }
        case .relu: return Reference.map(input) { x, _ in x < 0 ? 0 : x }
        case .prelu(let prelu):
            let slopes = floats(prelu.slope)
            return Reference.map(input) { x, c in
                x >= 0 ? x : slopes[slopes.count == 1 ? 0 : c] * x
            }
        case .hardtanh: return Reference.map(input) { x, _ in x < -1 ? -1 : x > 1 ? 1 : x }
        case .sigmoid: return Reference.map(input) { x, _ in Reference.sigmoid(x) }
        case .add: return Reference.add(input, inputs[1])
        case .multiply: return Reference.multiply(input, inputs[1])
        case .concatenate: return Reference.concatenate(inputs)
        case .flatten: return ReferenceValue(Shape(input.shape.count, 1, 1), input.values)
        }
    }

    private func evaluate(
        _ convolution: BinaryConvolution, _ input: ReferenceValue
    ) -> ReferenceValue {
        let weight = file.tensors[convolution.weight]!
        let signs = BitLayout.unpackKernels(
            weight.words(), outputs: weight.shape[0],
            channels: convolution.inputChannels / convolution.groups, height: weight.shape[1],
            width: weight.shape[2])
        let padding: Float =
            switch convolution.paddingValue {
            case .zero: 0
            case .plusOne: 1
            case .minusOne: -1
            }
        let sums = Reference.convolution(
            input, weights: signs, outputs: weight.shape[0], window: convolution.window,
            groups: convolution.groups, padding: padding)
        return scaled(sums, convolution.scale, convolution.bias)
    }

    private func evaluate(
        _ threshold: Threshold, _ input: ReferenceValue, _ element: ElementType
    ) -> ReferenceValue {
        let tensor = file.tensors[threshold.threshold]!
        let thresholds =
            element == .integer
            ? tensor.int32s().map(Double.init) : tensor.floats().map(Double.init)
        return Reference.threshold(
            input, thresholds: thresholds, directions: file.tensors[threshold.direction]!.int8s(),
            low: threshold.levels == .signedBits ? -1 : 0)
    }

    /// Integer sums times a scale, plus a bias, each rounded.
    private func scaled(
        _ sums: ReferenceValue, _ scale: Name?, _ bias: Name?
    ) -> ReferenceValue {
        guard let scale else { return sums }
        let scales = floats(scale)
        let biases = bias.map(floats)
        return Reference.map(sums) { sum, c in
            let product: Float = sum * scales[scales.count == 1 ? 0 : c]
            return biases.map { product + $0[c] } ?? product
        }
    }

    /// Weights `[K, C, kh, kw]` or `[K, C]`, whatever they are stored as.
    private func realWeights(_ weight: Name, _ scale: Name?, channels: Int) -> [Float] {
        let tensor = file.tensors[weight]!
        guard let scale else { return tensor.floats() }
        let scales = floats(scale)
        let integers: [Float]
        if tensor.elementType == .u64 {
            let isConvolution = tensor.shape.count == 4
            integers = BitLayout.unpackKernels(
                tensor.words(), outputs: tensor.shape[0], channels: channels,
                height: isConvolution ? tensor.shape[1] : 1,
                width: isConvolution ? tensor.shape[2] : 1)
        } else {
            integers = tensor.int8s().map(Float.init)
        }
        return integers.indices.map { index in
            scales[index / (integers.count / scales.count)] * integers[index]
        }
    }

    private func floats(_ name: Name) -> [Float] { file.tensors[name]!.floats() }
}
