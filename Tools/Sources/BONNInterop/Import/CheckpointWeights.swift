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
        try read(parameter).values
    }

    /// gamma / sqrt(variance + epsilon) and beta - mean * scale, in float64 and rounded once.
    func affine(_ batchNorm: Name) throws(LoweringError) -> (scale: [Float], shift: [Float]) {
        let gamma = try values("\(batchNorm).weight")
        let beta = try values("\(batchNorm).bias")
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
        let (key, weights) = try read("\(layer).\(source.kernels.parameter)")
        guard let planned = plan[layer] else {
            throw LoweringError(.source, "\(layer): the plan has no such layer")
        }
        let length = plan.weightShape(of: planned).dropFirst().reduce(1, *)
        var scales: [Float] = []
        for (channel, start) in stride(from: 0, to: weights.count, by: length).enumerated() {
            let filter = weights[start..<start + length]
            switch source.kernels {
            case .deployed: scales.append(try magnitude(filter, of: key, channel))
            case .latentColumn: scales.append(try meanMagnitude(filter, of: key, channel))
            }
        }
        let isOne = scales.allSatisfy { $0 == scales.first }
        return .binary([KernelTerm(signs: weights, scale: isOne ? Array(scales.prefix(1)) : scales)]
        )
    }

    func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation {
        .planes([.sign])
    }

    /// The one magnitude of a filter.
    private func magnitude(
        _ filter: ArraySlice<Float>, of key: String, _ channel: Int
    ) throws(LoweringError) -> Float {
        let alpha = abs(filter.first ?? 0)
        guard let other = filter.first(where: { abs($0) != alpha }) else { return alpha }
        throw LoweringError(
            .source,
            "\(key): expected one magnitude times signs in each output channel, as \(source.name) is "
                + "deployed, found the magnitudes \(alpha) and \(abs(other)) in channel \(channel); "
                + "latent weights have to be made 1-bit ones by their training code, and saved then"
        )
    }

    /// mean |w|, in float64 and rounded once. A zero among other numbers is no sign in PyTorch, and so in no
    /// bit.
    private func meanMagnitude(
        _ filter: ArraySlice<Float>, of key: String, _ channel: Int
    ) throws(LoweringError) -> Float {
        let sum = filter.reduce(0.0) { $0 + Double(abs($1)) }
        guard sum == 0 || !filter.contains(0) else {
            throw LoweringError(
                .source,
                "\(key): expected latent weights with signs, found a 0 in channel \(channel), whose sign "
                    + "is 0 in PyTorch and cannot be a bit; set it to a number of the wanted sign")
        }
        return Float(sum / Double(filter.count))
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
