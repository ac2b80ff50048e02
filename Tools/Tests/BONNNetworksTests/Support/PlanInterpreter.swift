import BONNModelFormat
import BONNNetworks

/// A plan in deployment arithmetic, as plain loops over one image: the definition that lowering and the
/// runtime are compared with. It knows no threshold, no packed word and no node of a graph.
struct PlanInterpreter<Source: WeightSource> {
    /// A value `[C, H, W]`: real, or a weighted sum of planes.
    enum Value {
        case real([Float])
        case planes([(levels: [Float], weight: Float)])
    }

    let plan: NetworkPlan
    let weights: Source

    /// The logits of an image.
    func logits(_ image: [Float]) throws -> [Float] {
        var values: [Name: Value] = [NetworkPlan.input: .real(image)]
        for layer in plan.layers {
            values[layer.name] = try value(of: layer, layer.inputs.map { values[$0]! })
        }
        return try real(values[plan.output]!, plan.output)
    }

    private func real(_ value: Value, _ reader: Name) throws -> [Float] {
        guard case .real(let numbers) = value else {
            throw PlanError("\(reader): the interpreter reads no bits as numbers")
        }
        return numbers
    }

    private func value(of layer: PlannedLayer, _ inputs: [Value]) throws -> Value {
        let name = layer.name
        let shape = plan.shape(of: layer.inputs[0])!
        let pixels = shape.height * shape.width
        func map(_ function: (Float, _ channel: Int) -> Float) throws -> Value {
            let x = try real(inputs[0], name)
            return .real(x.indices.map { function(x[$0], $0 / pixels) })
        }
        func each(_ function: ([Float]) -> [Float]) -> Value {
            switch inputs[0] {
            case .real(let x): .real(function(x))
            case .planes(let planes): .planes(planes.map { (function($0.levels), $0.weight) })
            }
        }
        switch layer.layer {
        case .convolution(let convolution):
            let geometry = SlidingWindow(
                convolution.window, shape, layer.shape, groups: convolution.groups)
            return .real(
                try sums(
                    layer, convolution.weights, geometry, convolution.padding, inputs[0],
                    hasBias: convolution.hasBias))
        case .linear(let linear):
            let geometry = SlidingWindow(Window(1), shape, layer.shape, groups: 1)
            return .real(
                try sums(
                    layer, linear.weights, geometry, .zero, inputs[0], hasBias: linear.hasBias))
        case .quantize:
            guard case .planes(let planes) = try weights.activation(name) else { return inputs[0] }
            let x = try real(inputs[0], name)
            return .planes(
                planes.map { plane in
                    let low: Float = plane.levels == .signedBits ? -1 : 0
                    let levels = x.indices.map { index in
                        let level = plane.level[plane.level.count == 1 ? 0 : index / pixels]
                        return x[index] >= level ? 1 : low
                    }
                    return (levels, plane.weight)
                })
        case .batchNorm:
            let (scale, shift) = try weights.affine(name)
            return try map { x, channel in
                let product = x * scale[channel]
                return product + shift[channel]
            }
        case .bias:
            let bias = try weights.values("\(name).bias")
            return try map { $0 + bias[$1] }
        case .scale:
            let scale = try weights.values("\(name).weight")
            return try map { $0 * scale[$1] + 0 }
        case .relu: return try map { x, _ in x > 0 ? x : 0 }
        case .hardtanh: return try map { x, _ in min(1, max(-1, x)) }
        case .prelu:
            let slope = try weights.values("\(name).weight")
            return try map { $0 >= 0 ? $0 : slope[$1] * $0 }
        case .absolute: return try map { x, _ in x >= 0 ? x : -x }
        case .maxPool(let pool):
            let geometry = SlidingWindow(pool.window, shape, layer.shape, groups: 1)
            return each { x in geometry.pooled(x) { values in values.max()! } }
        case .averagePool(let pool):
            let geometry = SlidingWindow(pool.window, shape, layer.shape, groups: 1)
            let area = pool.window.height * pool.window.width
            return .real(
                geometry.pooled(try real(inputs[0], name)) { values in
                    Self.mean(values, of: pool.countsPadding ? area : values.count)
                })
        case .globalAveragePool:
            let x = try real(inputs[0], name)
            return .real(
                (0..<shape.channels).map {
                    Self.mean(Array(x[$0 * pixels..<($0 + 1) * pixels]), of: pixels)
                })
        case .add:
            return .real(zip(try real(inputs[0], name), try real(inputs[1], name)).map { $0 + $1 })
        case .multiply:
            let factors = try real(inputs[1], name)
            let other = plan.shape(of: layer.inputs[1])!
            return .real(
                try real(inputs[0], name).enumerated().map { index, number in
                    let (channel, pixel) = (index / pixels, index % pixels)
                    let row = other.channels == 1 ? 0 : channel
                    let size = other.height * other.width
                    return number * factors[row * size + (size == 1 ? 0 : pixel)]
                })
        case .concatenate: return .real(try inputs.flatMap { try real($0, name) })
        case .flatten, .stopGradient, .dropout: return inputs[0]
        }
    }

    private static func mean(_ values: [Float], of count: Int) -> Float {
        Float(values.reduce(0.0) { $0 + Double($1) } / Double(count))
    }
}

// MARK: Layers with weights

extension PlanInterpreter {
    private func sums(
        _ layer: PlannedLayer, _ kind: Weights, _ window: SlidingWindow, _ padding: PaddingValue,
        _ input: Value, hasBias: Bool
    ) throws -> [Float] {
        let bias = hasBias ? try weights.values("\(layer.name).bias") : nil
        if kind == .quantized, case .binary(let terms) = try weights.kernel(layer.name) {
            let sum = try self.sum(layer, terms, window, padding, input)
            guard let bias else { return sum }
            return sum.indices.map { sum[$0] + bias[window.channel(ofOutput: $0)] }
        }
        let x = try real(input, layer.name)
        if kind == .real, let form = try weights.bytes(layer.name) {
            return sums(form, x, window, bias)
        }
        let kernel: [Float]
        switch kind {
        case .real: kernel = try weights.values("\(layer.name).weight")
        case .binomial:
            let row: [Float] = [0.25, 0.5, 0.25]
            let blur = row.flatMap { a in row.map { a * $0 } }
            kernel = (0..<layer.shape.channels).flatMap { _ in blur }
        case .mean:
            let shape = plan.weightShape(of: layer)
            let products = shape.dropFirst().reduce(1, *)
            kernel = [Float](repeating: 1 / Float(products), count: shape[0] * products)
        case .quantized:
            guard case .real(let numbers) = try weights.kernel(layer.name) else { return [] }
            kernel = numbers
        }
        return window.chain(x, kernel, bias: bias)
    }

    /// Kernel terms outside, planes inside, in the order of `DeployedKernel`.
    private func sum(
        _ layer: PlannedLayer, _ terms: [KernelTerm], _ window: SlidingWindow,
        _ padding: PaddingValue, _ input: Value
    ) throws -> [Float] {
        var total: [Float]?
        func add(_ part: [Float]) { total = total.map { zip($0, part).map { $0 + $1 } } ?? part }
        let outside: Float = padding == .zero ? 0 : padding == .plusOne ? 1 : -1
        for term in terms {
            let signs: [Float] = term.signs.map { $0 >= 0 ? 1 : -1 }
            func scale(_ output: Int) -> Float { term.scale[term.scale.count == 1 ? 0 : output] }
            switch input {
            case .real(let x):
                let depth = signs.count / layer.shape.channels
                add(window.chain(x, signs.indices.map { signs[$0] * scale($0 / depth) }, bias: nil))
            case .planes(let planes):
                for plane in planes {
                    let sums = window.integers(plane.levels, signs, outside: outside)
                    add(
                        sums.indices.map {
                            Float(sums[$0])
                                * (scale(window.channel(ofOutput: $0)) * plane.weight)
                        })
                }
            }
        }
        return total ?? []
    }

    /// A layer with weights of signed bytes.
    private func sums(
        _ form: Int8Form, _ x: [Float], _ window: SlidingWindow, _ bias: [Float]?
    ) -> [Float] {
        let steps = form.weights.map(Float.init)
        guard let inverse = form.inverseInputScale else {
            let depth = steps.count / form.shape[0]
            let kernel = steps.indices.map { form.weightScale[$0 / depth] * steps[$0] }
            return window.chain(x, kernel, bias: bias)
        }
        let bytes = x.map { min(127, max(-127, ($0 * inverse).rounded(.toNearestOrEven))) }
        let sums = window.integers(bytes, steps, outside: 0)
        return sums.indices.map { index in
            let channel = window.channel(ofOutput: index)
            let scaled = Float(sums[index]) * form.sumScale[channel]
            return bias.map { scaled + $0[channel] } ?? scaled
        }
    }
}
