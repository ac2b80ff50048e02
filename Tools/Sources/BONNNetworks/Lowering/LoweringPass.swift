import BONNModelFormat

/// One walk over a plan.
struct LoweringPass<Weights: WeightSource> {
    let plan: NetworkPlan
    let weights: Weights
    var writer = GraphWriter()
    private(set) var bitLayers: [LoweredLayer] = []
    /// The node that holds a real value of the plan.
    private var reals: [Name: Name] = [NetworkPlan.input: NetworkPlan.input]
    /// The planes that hold a value of few bits.
    private var bits: [Name: LoweredPlanes] = [:]
    /// Batch norms that only quantizers read: they become part of thresholds.
    private var pending: [Name: (scale: [Float], shift: [Float], input: Name)] = [:]

    init(_ plan: NetworkPlan, _ weights: Weights) {
        self.plan = plan
        self.weights = weights
    }

    /// Lowers all layers.
    ///
    /// - Returns: the node of the logits.
    mutating func run() throws(LoweringError) -> Name {
        for layer in plan.layers { try lower(layer) }
        return try real(plan.output, for: plan.output)
    }

    private mutating func lower(_ layer: PlannedLayer) throws(LoweringError) {
        let name = layer.name
        let input = layer.inputs[0]
        switch layer.layer {
        case .convolution(let plan):
            try lower(plan, layer)
        case .linear(let plan):
            try lower(plan, layer)
        case .quantize:
            try quantize(layer)
        case .batchNorm:
            let affine = try weights.affine(name)
            let source = try real(input, for: name)
            let readers = plan.readers(of: name)
            if !readers.isEmpty, readers.allSatisfy({ $0.layer == .quantize }) {
                pending[name] = (affine.scale, affine.shift, source)
            } else {
                reals[name] = try writer.batchNorm(
                    name, scale: affine.scale, shift: affine.shift, source)
            }
        case .bias:
            let shift = try weights.values("\(name).bias")
            reals[name] = try writer.batchNorm(
                name, scale: [Float](repeating: 1, count: shift.count), shift: shift,
                try real(input, for: name))
        case .scale:
            let scale = try weights.values("\(name).weight")
            reals[name] = try writer.batchNorm(
                name, scale: scale, shift: [Float](repeating: 0, count: scale.count),
                try real(input, for: name))
        case .prelu:
            let slope = try writer.store("\(name).slope", try weights.values("\(name).weight"))
            try add(layer, .prelu(PReLU(slope: slope)))
        case .absolute:
            let slope = try writer.store("\(name).slope", [-1])
            try add(layer, .prelu(PReLU(slope: slope)))
        case .maxPool(let pool): try each(layer, .maxPool(pool))
        case .flatten: try each(layer, .flatten)
        case .averagePool(let pool): try add(layer, .averagePool(pool))
        case .globalAveragePool: try add(layer, .globalAveragePool)
        case .relu: try add(layer, .relu)
        case .hardtanh: try add(layer, .hardtanh)
        case .add: try add(layer, .add)
        case .multiply: try add(layer, .multiply)
        case .concatenate: try add(layer, .concatenate)
        case .stopGradient, .dropout:
            reals[name] = reals[input]
            bits[name] = bits[input]
        }
    }

    /// An operation on real values.
    private mutating func add(
        _ layer: PlannedLayer, _ operation: Operation
    ) throws(LoweringError) {
        var inputs: [Name] = []
        for input in layer.inputs { inputs.append(try real(input, for: layer.name)) }
        reals[layer.name] = writer.add(layer.name, operation, inputs: inputs)
    }

    /// The node that holds a value as real numbers.
    private func real(_ value: Name, for reader: Name) throws(LoweringError) -> Name {
        if let node = reals[value] { return node }
        throw LoweringError(
            .unsupported,
            "\(reader) reads the bits of \(value) as numbers, for which model files have no operation: "
                + "only quantized layers, max pooling and flattening may read them")
    }

    /// An operation on a real value, or on each plane of bits.
    private mutating func each(
        _ layer: PlannedLayer, _ operation: Operation
    ) throws(LoweringError) {
        let name = layer.name
        guard var planes = bits[layer.inputs[0]] else { return try add(layer, operation) }
        if case .maxPool = layer.layer {
            try Plane.requirePoolable(planes.planes.map(\.weight), name)
        }
        let isOne = planes.planes.count == 1
        for index in planes.planes.indices {
            planes.planes[index].name = writer.add(
                isOne ? name : "\(name).\(index)", operation, planes.planes[index].name)
        }
        bits[name] = planes
    }

    private mutating func quantize(_ layer: PlannedLayer) throws(LoweringError) {
        let name = layer.name
        let value = layer.inputs[0]
        let norm = pending[value]
        guard case .planes(let planes) = try weights.activation(name) else {
            if let norm, reals[value] == nil {
                reals[value] = try writer.batchNorm(
                    value, scale: norm.scale, shift: norm.shift, norm.input)
            }
            reals[name] = try real(value, for: name)
            return
        }
        let channels = layer.shape.channels
        let source: Name
        if let norm { source = norm.input } else { source = try real(value, for: name) }
        var made: [(name: Name, weight: Float)] = []
        for (index, plane) in planes.enumerated() {
            let thresholds = (0..<channels).map { channel in
                let level = plane.level.count == 1 ? plane.level[0] : plane.level[channel]
                guard let norm else { return ExactThreshold(level: level) }
                return ExactThreshold(
                    scale: norm.scale[channel], shift: norm.shift[channel], level: level)
            }
            let node = writer.threshold(
                planes.count == 1 ? name : "\(name).\(index)", thresholds, levels: plane.levels,
                source)
            made.append((node, plane.weight))
        }
        bits[name] = LoweredPlanes(
            planes: made, quantizer: name, norm: norm == nil ? nil : value, source: source,
            made: made.map(\.name))
    }
}

// MARK: Layers with weights

extension LoweringPass {
    private mutating func lower(
        _ plan: ConvolutionPlan, _ layer: PlannedLayer
    ) throws(LoweringError) {
        let input = layer.inputs[0]
        let channels = self.plan.shape(of: input)?.channels ?? 0
        guard plan.padding == .zero || bits[input] != nil else {
            throw LoweringError(
                .unsupported,
                "\(layer.name): expected a padding of zeros in front of numbers, found "
                    + "\(plan.padding.rawValue), which model files have in front of bits alone")
        }
        try lower(
            layer, plan.weights, hasBias: plan.hasBias
        ) { (weight, scale, bias) in
            .convolution(
                Convolution(
                    window: plan.window, groups: plan.groups, weight: weight, weightScale: scale,
                    bias: bias))
        } binary: { (weight, scale) in
            .binaryConvolution(
                BinaryConvolution(
                    window: plan.window, paddingValue: plan.padding, groups: plan.groups,
                    inputChannels: channels, weight: weight, scale: scale))
        }
    }

    private mutating func lower(_ plan: LinearPlan, _ layer: PlannedLayer) throws(LoweringError) {
        let features = self.plan.shape(of: layer.inputs[0])?.channels ?? 0
        try lower(
            layer, plan.weights, hasBias: plan.hasBias
        ) { (weight, scale, bias) in
            .linear(Linear(weight: weight, weightScale: scale, bias: bias))
        } binary: { (weight, scale) in
            .binaryLinear(BinaryLinear(inputFeatures: features, weight: weight, scale: scale))
        }
    }

    /// A layer with weights, as one of its operations.
    private mutating func lower(
        _ layer: PlannedLayer, _ kind: BONNNetworks.Weights, hasBias: Bool,
        real operation: (_ weight: Name, _ scale: Name?, _ bias: Name?) -> Operation,
        binary: (_ weight: Name, _ scale: Name) -> Operation
    ) throws(LoweringError) {
        let name = layer.name
        let shape = plan.weightShape(of: layer)
        let bias =
            hasBias ? try writer.store("\(name).bias", weights.values("\(name).bias")) : nil
        let values: [Float]
        switch kind {
        case .real, .binomial, .mean:
            if let fixed = kind.fixed(shape) {
                values = fixed
            } else {
                values = try weights.values("\(name).weight")
            }
        case .quantized:
            switch try weights.kernel(name) {
            case .real(let kernel): values = kernel
            case .binary(let terms):
                return try lower(
                    layer, terms, shape: shape, bias: bias, real: operation, binary: binary)
            }
        }
        let source = try real(layer.inputs[0], for: name)
        if kind == .real, let form = try weights.bytes(name) {
            let (scale, bytes) = writer.bytes(name, form, source)
            reals[name] = writer.add(name, operation("\(name).weight", scale, bias), bytes)
        } else {
            let weight = try writer.store("\(name).weight", values, shape: shape)
            reals[name] = writer.add(name, operation(weight, nil, bias), source)
        }
    }

    private mutating func lower(
        _ layer: PlannedLayer, _ terms: [KernelTerm], shape: [Int], bias: Name?,
        real operation: (_ weight: Name, _ scale: Name?, _ bias: Name?) -> Operation,
        binary: (_ weight: Name, _ scale: Name) -> Operation
    ) throws(LoweringError) {
        let name = layer.name
        let planes = bits[layer.inputs[0]]
        let inputs: [(name: Name, weight: Float)]
        if let planes {
            inputs = planes.planes
        } else {
            inputs = [(try real(layer.inputs[0], for: name), 1)]
        }
        let isOne = terms.count * inputs.count == 1
        var sum: Name?
        for (m, term) in terms.enumerated() {
            let prefix: Name = terms.count == 1 ? name : "\(name).\(m)"
            let weight = writer.bits("\(prefix).weight", term.signs, shape: shape)
            for (n, plane) in inputs.enumerated() {
                let place: Name = inputs.count == 1 ? prefix : "\(prefix).\(n)"
                let scale = try writer.store(
                    "\(place).scale", term.scale.map { $0 * plane.weight })
                let node =
                    planes == nil
                    ? operation(weight, scale, nil) : binary(weight, scale)
                let isLast = m == terms.count - 1 && n == inputs.count - 1
                let part = writer.add(
                    isOne && bias == nil ? name : "\(place).part", node, plane.name)
                guard let before = sum else {
                    sum = part
                    continue
                }
                sum = writer.add(
                    isLast && bias == nil ? name : "\(place).sum", .add, before, part)
            }
        }
        guard var result = sum else { return }
        if let bias {
            let ones = try writer.store("\(name).ones", [Float](repeating: 1, count: shape[0]))
            result = writer.add(name, .batchNorm(BatchNorm(scale: ones, shift: bias)), result)
        }
        reals[name] = result
        guard let planes else { return }
        bitLayers.append(
            LoweredLayer(
                layer: name, quantizer: planes.quantizer, norm: planes.norm, source: planes.source,
                planes: planes.made))
    }
}
