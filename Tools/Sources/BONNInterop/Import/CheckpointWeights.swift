import BONNModelFormat
import BONNNetworks

/// The numbers of a network in somebody's checkpoint.
struct CheckpointWeights: WeightSource {
    private let checkpoint: Checkpoint
    private let tensors: NamedTensors
    private let source: ImportSource
    private let plan: NetworkPlan

    /// The numbers of a plan.
    ///
    /// - Throws: `.mismatch` where the tensors are not those of the plan.
    init(
        _ checkpoint: Checkpoint, of source: ImportSource, plan: NetworkPlan, place: String
    ) throws(InteropError) {
        self.checkpoint = checkpoint
        self.source = source
        self.plan = plan
        tensors = try NamedTensors(plan, of: source, in: checkpoint, place: place)
    }

    /// How many tensors the network has.
    var count: Int { tensors.entries.count }

    func values(_ parameter: Name) throws(LoweringError) -> [Float] {
        let layer = parameter.layer
        guard let planned = plan[layer] else {
            throw LoweringError(.source, "\(parameter): the plan has no layer \(layer)")
        }
        if layer.isNamed(after: .pad) {
            return SequenceBlock.padding(plan.weightShape(of: planned))
        }
        let values = try read(parameter).values
        // One number for all channels.
        guard values.count == 1, planned.layer.hasChannelParameter else { return values }
        return [Float](repeating: values[0], count: planned.shape.channels)
    }

    /// gamma / sqrt(variance + epsilon) and beta - mean * scale, in float64 and rounded once.
    func affine(_ batchNorm: Name) throws(LoweringError) -> (scale: [Float], shift: [Float]) {
        let channels = plan[batchNorm]?.shape.channels ?? 0
        let isBare = source.isBare(batchNorm)
        let gamma =
            isBare ? [Float](repeating: 1, count: channels) : try values("\(batchNorm).weight")
        let beta =
            isBare ? [Float](repeating: 0, count: channels) : try values("\(batchNorm).bias")
        let mean = try values("\(batchNorm).running_mean")
        let (key, variance) = try read("\(batchNorm).running_var")
        var (scale, shift): ([Float], [Float]) = ([], [])
        for channel in gamma.indices {
            guard variance[channel] >= 0 else {
                throw LoweringError(
                    .source,
                    "\(key): expected variances of at least 0, found \(variance[channel]) in channel "
                        + "\(channel); the file is damaged")
            }
            let exact =
                Double(gamma[channel]) / (Double(variance[channel]) + source.epsilon).squareRoot()
            scale.append(Float(exact))
            shift.append(Float(Double(beta[channel]) - Double(mean[channel]) * exact))
            guard scale[channel].isFinite, shift[channel].isFinite else {
                throw LoweringError(
                    .notFinite,
                    "\(key): expected a batch norm whose scale and shift are float32, found "
                        + "\(scale[channel]) and \(shift[channel]) in channel \(channel); the file is "
                        + "damaged, or its training failed")
            }
        }
        return (scale, shift)
    }

    func kernel(_ layer: Name) throws(LoweringError) -> DeployedKernel {
        let (key, weights) = try read("\(layer).\(source.kernels.tensor)")
        guard let planned = plan[layer] else {
            throw LoweringError(.source, "\(layer): the plan has no such layer")
        }
        guard source.kernels.scale != .real else { return .real(weights) }
        let shape = plan.weightShape(of: planned)
        let length = shape.dropFirst().reduce(1, *)
        var (signs, scales): ([Float], [Float]) = ([], [])
        for (channel, start) in stride(from: 0, to: weights.count, by: length).enumerated() {
            let filter = try DeployedFilter(
                weights[start..<start + length], channels: shape[1], of: source,
                place: (key, channel))
            signs += filter.signs
            if let scale = filter.scale { scales.append(scale) }
        }
        if source.kernels.scale == .learned {
            scales = try read("\(layer).\(source.kernels.scaleTensor)").values
        }
        let isOne = scales.allSatisfy { $0 == scales.first }
        return .binary([KernelTerm(signs: signs, scale: isOne ? Array(scales.prefix(1)) : scales)])
    }

    /// A sum with a bias is at least 0 where the value is at least the bias turned round: a rounded sum never has
    /// another sign than the exact one.
    func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation {
        guard quantizer.isNamed(after: .rsign) else { return .planes([.sign]) }
        return .planes([Plane(level: try values("\(quantizer).bias").map { -$0 })])
    }

    /// A tensor, with the name that it has in the file.
    private func read(
        _ parameter: Name
    ) throws(LoweringError) -> (key: String, values: [Float]) {
        guard let entry = tensors.entries[parameter] else {
            throw LoweringError(.source, "\(parameter): the network has no such parameter")
        }
        let key = printable(entry.name.text, limit: 60)
        let values = checkpoint.floats(entry)
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw LoweringError(
                .notFinite,
                "\(key): expected numbers of float32, found \(values[bad]) as element \(bad); the file is "
                    + "damaged, or its training failed")
        }
        return (key, values)
    }
}

extension Name {
    /// Of a parameter `LAYER.weight`, `LAYER`.
    fileprivate var layer: Name {
        Name(text.utf8.lastIndex(of: UInt8(ascii: ".")).map { String(text[..<$0]) } ?? text)
    }
}

extension LayerPlan {
    /// Whether the layer has one number a channel, for which checkpoints may have one for all of them.
    var hasChannelParameter: Bool {
        switch self {
        case .prelu, .bias, .scale, .quantize: true
        case .convolution, .linear, .batchNorm, .relu, .hardtanh, .absolute, .stopGradient,
            .maxPool, .averagePool, .globalAveragePool, .add, .multiply, .concatenate, .flatten,
            .dropout:
            false
        }
    }
}
