public import BONNModelFormat
public import BONNNetworks
public import Torch

/// A trained network in the arithmetic of the deployed model (see `Operation` of BONNModelFormat), a function
/// a layer: real sums as chains of float32 fused multiply-adds (computed on the CPU, whatever the device),
/// averages in float64, rounded once, and binary sums as exact integers. What the runtime computes agrees
/// with it bit for bit. It reads the deployed forms and nothing else of a method, and has no gradient.
public struct DeployedNetwork {
    /// What is computed: poolings stand where they are deployed.
    public let plan: NetworkPlan
    private let weights: TrainedWeights
    /// Where sums of bits are computed.
    public let device: Device
    private let prepared = Prepared()

    /// What was made of the weights already: they are asked for once, and not for every batch.
    private final class Prepared {
        var kernels: [Name: Kernel] = [:]
        var activations: [Name: DeployedActivation] = [:]
        var tensors: [Name: [Tensor]] = [:]
    }

    /// The weights of a layer as they are multiplied.
    private enum Kernel {
        case real(Tensor)
        case bytes(Int8Form)
        /// In front of bits the signs and the scale of each term; in front of real numbers their product.
        case terms([(weight: Tensor, scale: [Float])])
    }

    private func prepared(_ name: Name, _ make: () throws -> [Tensor]) throws -> [Tensor] {
        if let made = prepared.tensors[name] { return made }
        let made = try make()
        prepared.tensors[name] = made
        return made
    }

    /// The arithmetic of a network as it is now.
    ///
    /// - Parameter limits: those of the signed bytes in which the first and the last layer compute; nil:
    ///   they are real.
    public init(_ network: Network, int8 limits: Int8Limits? = nil) {
        plan = network.plan.poolingFirst()
        weights = TrainedWeights(network, int8: limits)
        device = network.store.device
    }

    /// A value of the plan: real, or a weighted sum of bit planes.
    private enum Value {
        case real(Tensor)
        case planes([(bits: Tensor, weight: Float)])
    }

    /// `images`: [N, C, H, W], normalised.
    public func callAsFunction(_ images: Tensor) throws -> NetworkOutput {
        var values: [Name: Value] = [NetworkPlan.input: .real(images)]
        try withoutGradient { () throws in
            for layer in plan.layers {
                values[layer.name] = try value(of: layer, layer.inputs.map { values[$0]! })
            }
        }
        return NetworkOutput(
            logits: try Self.real(values[plan.output]!, plan.output).asRows(),
            features: try Self.real(values[plan.features]!, plan.features).flatten(from: 1))
    }

    /// What a batch norm makes of a real value; the value itself where there is none.
    public func normalized(_ norm: Name?, _ source: Tensor) throws -> Tensor {
        try norm.map { try affine($0, source) } ?? source
    }

    /// The bit planes that a quantizer makes of a real value.
    public func planes(
        _ quantizer: Name, of value: Tensor
    ) throws -> [(bits: Tensor, weight: Float)] {
        guard case .planes(let planes) = try quantize(quantizer, value) else { return [] }
        return planes
    }

    /// What a quantized layer makes of the bit planes of a quantizer, with the poolings and flattenings in
    /// between.
    ///
    /// - Returns: the planes that the layer reads, and its sums.
    public func sums(
        _ layer: Name, of planes: [(bits: Tensor, weight: Float)], from quantizer: Name
    ) throws -> (read: [(bits: Tensor, weight: Float)], sums: Tensor) {
        var between: [PlannedLayer] = []
        var name = layer
        while name != quantizer, let planned = plan[name] {
            between.append(planned)
            name = planned.inputs[0]
        }
        var read = Value.planes(planes)
        for planned in between.dropFirst().reversed() { read = try value(of: planned, [read]) }
        guard case .planes(let bits) = read, let planned = between.first else {
            preconditionFailure("\(layer) does not read the bits of \(quantizer)")
        }
        return (bits, try Self.real(value(of: planned, [read]), layer))
    }

    private static func real(_ value: Value, _ reader: Name) throws -> Tensor {
        guard case .real(let tensor) = value else {
            throw LoweringError(
                .unsupported, "\(reader) reads bits as numbers, for which there is no operation")
        }
        return tensor
    }

    private func value(of layer: PlannedLayer, _ inputs: [Value]) throws -> Value {
        let name = layer.name
        func x(_ index: Int = 0) throws -> Tensor { try Self.real(inputs[index], name) }
        func each(_ body: (Tensor) throws -> Tensor) throws -> Value {
            switch inputs[0] {
            case .real(let tensor): .real(try body(tensor))
            case .planes(let planes): .planes(try planes.map { (try body($0.bits), $0.weight) })
            }
        }
        switch layer.layer {
        case .convolution(let plan):
            return .real(
                try weighted(layer, plan.weights, plan.window, plan.groups, plan.padding, inputs[0])
            )
        case .linear(let plan):
            let rows = try each { try $0.asRows().reshape([$0.shape[0], -1, 1, 1]) }
            return .real(
                try weighted(layer, plan.weights, Window(1), 1, .zero, rows).asRows())
        case .quantize: return try quantize(name, try x())
        case .batchNorm: return .real(try affine(name, try x()))
        case .bias: return .real(try x() + number("\(name).bias", of: try x()))
        case .scale: return .real(try x() * number("\(name).weight", of: try x()) + 0.0)
        case .relu: return .real(try x().relu())
        case .hardtanh: return .real(try x().clamp(min: -1, max: 1))
        case .prelu: return .real(try x().prelu(number("\(name).weight")))
        // Zeros keep their sign, as they do in the runtime.
        case .absolute: return .real(try x() * signOrPlusOne(x()))
        case .maxPool(let pool):
            if case .planes(let planes) = inputs[0] {
                try Plane.requirePoolable(planes.map(\.weight), name)
            }
            return try each { try $0.maxPool(pool.window) }
        case .averagePool(let pool):
            return .real(try x().to(.float64).averagePool(pool).to(.float32))
        case .globalAveragePool:
            return .real(try x().to(.float64).mean([2, 3]).to(.float32))
        case .add: return .real(try x(0) + x(1))
        case .multiply: return .real(try x(0).multiplied(by: x(1)))
        case .concatenate:
            return .real(try Tensor.cat(inputs.map { try Self.real($0, name) }, dim: 1))
        case .flatten: return try each { try $0.contiguous().flatten(from: 1) }
        case .stopGradient, .dropout: return inputs[0]
        }
    }

    // MARK: Channels

    private func number(_ parameter: Name) throws -> Tensor {
        try prepared(parameter) {
            let values = try weights.values(parameter)
            return [try Tensor(values, shape: [values.count], device: device)]
        }[0]
    }

    private func number(_ parameter: Name, of x: Tensor) throws -> Tensor {
        try number(parameter).perChannel(of: x)
    }

    /// Two operations, hence two roundings, as the runtime does it.
    private func affine(_ norm: Name, _ x: Tensor) throws -> Tensor {
        let numbers = try prepared(norm) {
            let (scale, shift) = try weights.affine(norm)
            return try [scale, shift].map { try Tensor($0, shape: [$0.count], device: device) }
        }
        return try x * numbers[0].perChannel(of: x) + numbers[1].perChannel(of: x)
    }

    private func quantize(_ quantizer: Name, _ x: Tensor) throws -> Value {
        let activation = try prepared.activations[quantizer] ?? weights.activation(quantizer)
        prepared.activations[quantizer] = activation
        guard case .planes(let planes) = activation else { return .real(x) }
        return .planes(
            try planes.map { plane in
                let level = try Tensor(
                    plane.level, shape: [plane.level.count], device: device
                ).perChannel(of: x)
                let isHigh = try x.ge(level).to(.float32)
                return (
                    plane.levels == .unsignedBits ? isHigh : try isHigh * 2.0 - 1.0, plane.weight
                )
            })
    }

    // MARK: Sums

    private func weighted(
        _ layer: PlannedLayer, _ kind: Weights, _ window: Window, _ groups: Int,
        _ padding: PaddingValue, _ input: Value
    ) throws -> Tensor {
        let bias = layer.layer.hasBias ? try number("\(layer.name).bias") : nil
        switch try kernel(layer, kind, input) {
        case .real(let weight):
            return try Self.real(input, layer.name).chained(weight, bias: bias, window, groups)
        case .bytes(let form):
            return try form(Self.real(input, layer.name), bias: bias, window, groups)
        case .terms(let terms):
            var parts: [Tensor] = []
            for term in terms {
                switch input {
                case .real(let x):
                    parts.append(try x.chained(term.weight, bias: nil, window, groups))
                case .planes(let planes):
                    for plane in planes {
                        // Integers far below 2^24: any order of the sum is exact.
                        let sums = try plane.bits.convolution(
                            term.weight, window, groups: groups, padding: padding.number)
                        let scale = term.scale.map { $0 * plane.weight }
                        parts.append(
                            try sums
                                * Tensor(scale, shape: [scale.count], device: device)
                                .perChannel(of: sums))
                    }
                }
            }
            // The order of addition that `DeployedKernel` states.
            var sum = parts[0]
            for part in parts.dropFirst() { sum = try sum + part }
            return try bias.map { try sum + $0.perChannel(of: sum) } ?? sum
        }
    }

    private func kernel(_ layer: PlannedLayer, _ kind: Weights, _ input: Value) throws -> Kernel {
        if let kernel = prepared.kernels[layer.name] { return kernel }
        let kernel = try made(layer, kind, input)
        prepared.kernels[layer.name] = kernel
        return kernel
    }

    private func made(_ layer: PlannedLayer, _ kind: Weights, _ input: Value) throws -> Kernel {
        let name = layer.name
        let stored = plan.weightShape(of: layer)
        let shape = stored + [Int](repeating: 1, count: 4 - stored.count)
        switch kind {
        case .quantized:
            switch try weights.kernel(name) {
            case .real(let values): return .real(try Tensor(values, shape: shape))
            case .binary(let terms):
                return .terms(
                    try terms.map { term in
                        if case .real = input {
                            return (try Tensor(term.products, shape: shape), term.scale)
                        }
                        let signs = term.signs.map { $0 >= 0 ? Float(1) : -1 }
                        return (try Tensor(signs, shape: shape, device: device), term.scale)
                    })
            }
        case .real:
            if let form = try weights.bytes(name) { return .bytes(form) }
            return .real(try Tensor(try weights.values("\(name).weight"), shape: shape))
        case .binomial, .mean:
            return .real(try Tensor(kind.fixed(stored) ?? [], shape: shape))
        }
    }
}

extension KernelTerm {
    /// Each sign times the scale of its output.
    fileprivate var products: [Float] {
        let depth = signs.count / scale.count
        return signs.indices.map { signs[$0] >= 0 ? scale[$0 / depth] : -scale[$0 / depth] }
    }
}

extension LayerPlan {
    fileprivate var hasBias: Bool {
        switch self {
        case .convolution(let plan): plan.hasBias
        case .linear(let plan): plan.hasBias
        default: false
        }
    }
}

extension Tensor {
    /// A real convolution in deployment arithmetic, on the CPU, group by group.
    func chained(
        _ weight: Tensor, bias: Tensor?, _ window: Window, _ groups: Int
    ) throws(TorchError) -> Tensor {
        let pads = [window.padLeft, window.padRight, window.padTop, window.padBottom]
        let isEven = Set(pads).count == 1
        let x = isEven ? self : try pad(pads)
        let padding = isEven ? pads[0] : 0
        guard groups > 1 else {
            return try Fused.chainedConv2d(
                x, weight, bias: bias, stride: window.strideHeight, padding: padding,
                dilation: window.dilationHeight)
        }
        let inputs = x.shape[1] / groups
        let outputs = weight.shape[0] / groups
        var parts: [Tensor] = []
        for group in 0..<groups {
            parts.append(
                try Fused.chainedConv2d(
                    x.narrow(dim: 1, start: group * inputs, length: inputs).contiguous(),
                    weight.narrow(dim: 0, start: group * outputs, length: outputs).contiguous(),
                    bias: bias?.narrow(dim: 0, start: group * outputs, length: outputs),
                    stride: window.strideHeight, padding: padding,
                    dilation: window.dilationHeight))
        }
        return try Tensor.cat(parts, dim: 1)
    }
}

extension Int8Form {
    /// The layer in deployment arithmetic: [N, C, H, W] to [N, K, H', W'], on the CPU.
    func callAsFunction(
        _ x: Tensor, bias: Tensor?, _ window: Window, _ groups: Int
    ) throws(TorchError) -> Tensor {
        let kernel = shape + [Int](repeating: 1, count: 4 - shape.count)
        guard let inverseInputScale else {
            let depth = weights.count / shape[0]
            let values = weights.indices.map { weightScale[$0 / depth] * Float(weights[$0]) }
            return try x.chained(Tensor(values, shape: kernel), bias: bias, window, groups)
        }
        let steps = try (x.to(.cpu) * Double(inverseInputScale)).round().clamp(min: -127, max: 127)
        // Integers far below 2^53: any order of the sum is exact. + 0 makes a -0 the 0 that it is.
        let sums = try steps.to(.float64).convolution(
            Tensor(weights.map(Float.init), shape: kernel).to(.float64), window, groups: groups)
        let scaled =
            try (sums + 0).to(.float32) * Tensor(sumScale, shape: [1, shape[0], 1, 1])
        guard let bias else { return try scaled.to(x.device) }
        return try (scaled + bias.detached().to(.cpu).reshape([1, -1, 1, 1])).to(x.device)
    }
}
