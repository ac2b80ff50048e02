import BONNData
import BONNModelFormat
import BONNNetworks

/// Numbers for a plan that depend on the seed and the names of layers alone.
struct SeededWeights: WeightSource {
    /// What quantized layers and quantizers are.
    enum Forms {
        /// One term and one plane: signs.
        case signs
        /// Drawn for each: up to two terms and two planes of every kind, and real numbers.
        case drawn
    }

    let plan: NetworkPlan
    var seed: UInt64 = 1
    var forms = Forms.signs
    /// Whether the first and the last layer multiply signed bytes, and other real layers have such weights.
    var isInt8 = false

    func values(_ parameter: Name) throws(LoweringError) -> [Float] {
        let (layer, isBias) = try layer(of: parameter)
        switch layer.layer {
        case .convolution, .linear:
            let shape = plan.weightShape(of: layer)
            if isBias { return uniform(parameter, shape[0], -0.5, 0.5) }
            let radius = (3 / Double(plan.fanIn(layer))).squareRoot()
            return uniform(parameter, shape.reduce(1, *), -radius, radius)
        case .bias:
            return uniform(parameter, layer.shape.channels, -0.5, 0.5)
        case .scale, .prelu:
            return uniform(parameter, layer.shape.channels, -0.4, 1)
        default:
            throw LoweringError(.source, "\(parameter): the layer has no such parameter")
        }
    }

    /// Scales of both signs, some of them zero.
    func affine(_ batchNorm: Name) throws(LoweringError) -> (scale: [Float], shift: [Float]) {
        let channels = plan[batchNorm]?.shape.channels ?? 0
        let kept = uniform("\(batchNorm).kept", channels, 0, 1)
        let scale = uniform("\(batchNorm).scale", channels, -0.7, 1.7)
        return (
            zip(scale, kept).map { $1 < 0.05 ? 0 : $0 },
            uniform("\(batchNorm).shift", channels, -0.4, 0.4)
        )
    }

    func kernel(_ layer: Name) throws(LoweringError) -> DeployedKernel {
        let (planned, _) = try self.layer(of: "\(layer).weight")
        let shape = plan.weightShape(of: planned)
        let count = shape.reduce(1, *)
        let size = 1 / Double(plan.fanIn(planned)).squareRoot()
        guard forms == .drawn else {
            let scale = [Float(size)]
            return .binary([KernelTerm(signs: uniform(layer, count, -1, 1), scale: scale)])
        }
        var random = generator("\(layer).forms")
        let source = plan.quantizer(before: planned)
        let readsBits = source.map { planes($0.name) != nil } ?? false
        if !readsBits, random.chance(0.3) { return .real(uniform(layer, count, -size, size)) }
        return .binary(
            (0..<1 + random.integer(below: 2)).map { index in
                let scales = random.chance(0.5) ? 1 : shape[0]
                return KernelTerm(
                    signs: uniform("\(layer).signs.\(index)", count, -1, 1),
                    scale: uniform("\(layer).scales.\(index)", scales, -size, size))
            })
    }

    func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation {
        planes(quantizer).map { .planes($0) } ?? .real
    }

    func bytes(_ layer: Name) throws(LoweringError) -> Int8Form? {
        guard isInt8 else { return nil }
        let (planned, _) = try self.layer(of: "\(layer).weight")
        let limit: Float? =
            if planned.inputs == [NetworkPlan.input] { 2 } else { layer == plan.output ? 3 : nil }
        return Int8Form(
            try values("\(layer).weight"), shape: plan.weightShape(of: planned), inputLimit: limit)
    }

    /// The planes of a quantizer; nil: real numbers.
    private func planes(_ quantizer: Name) -> [Plane]? {
        guard forms == .drawn, let planned = plan[quantizer] else { return [.sign] }
        var random = generator("\(quantizer).planes")
        let paddings = plan.layers.compactMap { layer -> PaddingValue? in
            guard case .convolution(let convolution) = layer.layer,
                plan.quantizer(before: layer)?.name == quantizer
            else { return nil }
            return convolution.padding
        }
        // Only bits have a padding of ones, and only signed ones a -1.
        if !paddings.contains(where: { $0 != .zero }), random.chance(0.2) { return nil }
        return (0..<1 + random.integer(below: 2)).map { index in
            let levels = random.chance(0.5) ? 1 : planned.shape.channels
            let isSigned = paddings.contains(.minusOne) || random.chance(0.5)
            return Plane(
                level: uniform("\(quantizer).level.\(index)", levels, -0.5, 0.5),
                levels: isSigned ? .signedBits : .unsignedBits,
                weight: Float(random.uniform(0.3, 1.3)))
        }
    }

    private func layer(of parameter: Name) throws(LoweringError) -> (PlannedLayer, isBias: Bool) {
        let path = parameter.text.split(separator: ".")
        guard let layer = plan[Name(path.dropLast().joined(separator: "."))] else {
            throw LoweringError(.source, "\(parameter): the plan has no such layer")
        }
        return (layer, path.last == "bias")
    }

    private func generator(_ name: Name) -> SeededGenerator {
        let stream = name.text.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
        return SeededGenerator(seed: seed, stream: stream)
    }

    private func uniform(_ name: Name, _ count: Int, _ low: Double, _ high: Double) -> [Float] {
        var random = generator(name)
        return (0..<count).map { _ in Float(random.uniform(low, high)) }
    }
}

extension NetworkPlan {
    func fanIn(_ layer: PlannedLayer) -> Int { weightShape(of: layer).dropFirst().reduce(1, *) }
}
