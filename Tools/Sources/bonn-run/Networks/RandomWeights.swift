import BONNData
import BONNModelFormat
import BONNNetworks

/// Random numbers for a plan, which depend on the seed and the name of a layer alone.
///
/// They keep the values of a layer at about the size of its inputs, so that no layer is timed on infinities
/// or denormal numbers.
struct RandomWeights: WeightSource {
    private let plan: NetworkPlan
    private let seed: UInt64
    private let isInt8: Bool

    /// The numbers of a plan.
    ///
    /// - Parameter isInt8: whether the first and the last layer multiply signed bytes, and other real
    ///   convolutions have such weights.
    init(_ plan: NetworkPlan, isInt8: Bool = false, seed: UInt64 = 1) {
        self.plan = plan
        self.isInt8 = isInt8
        self.seed = seed
    }

    func values(_ parameter: Name) throws(LoweringError) -> [Float] {
        let (layer, isBias) = try layer(of: parameter)
        switch layer.layer {
        case .convolution, .linear:
            let outputs = layer.shape.channels
            if isBias { return numbers(parameter, outputs, around: 0, by: 0.1) }
            let fanIn = fanIn(layer)
            return numbers(
                parameter, outputs * fanIn, around: 0, by: (3 / Double(fanIn)).squareRoot())
        case .bias:
            return numbers(parameter, layer.shape.channels, around: 0, by: 0.1)
        case .scale, .prelu:
            return numbers(parameter, layer.shape.channels, around: 0.25, by: 0.1)
        case .quantize, .batchNorm, .relu, .hardtanh, .absolute, .stopGradient, .maxPool,
            .averagePool, .globalAveragePool, .add, .multiply, .concatenate, .flatten, .dropout:
            throw LoweringError(.source, "\(parameter): the layer has no such parameter")
        }
    }

    func affine(_ batchNorm: Name) throws(LoweringError) -> (scale: [Float], shift: [Float]) {
        let channels = plan[batchNorm]?.shape.channels ?? 0
        return (
            numbers("\(batchNorm).scale", channels, around: 1, by: 0.25),
            numbers("\(batchNorm).shift", channels, around: 0, by: 0.25)
        )
    }

    func kernel(_ layer: Name) throws(LoweringError) -> DeployedKernel {
        let (planned, _) = try self.layer(of: "\(layer).weight")
        let fanIn = fanIn(planned)
        let signs = numbers("\(layer).weight", planned.shape.channels * fanIn, around: 0, by: 1)
        return .binary([KernelTerm(signs: signs, scale: [1 / Float(fanIn).squareRoot()])])
    }

    func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation {
        .planes([.sign])
    }

    func bytes(_ layer: Name) throws(LoweringError) -> Int8Form? {
        guard isInt8 else { return nil }
        let values = try values("\(layer).weight")
        let (planned, _) = try self.layer(of: "\(layer).weight")
        let shape = plan.weightShape(of: planned)
        if planned.inputs == [NetworkPlan.input] {
            return Int8Form(values, shape: shape, inputLimit: 1)
        }
        return Int8Form(values, shape: shape, inputLimit: layer == plan.output ? 4 : nil)
    }

    private func layer(of parameter: Name) throws(LoweringError) -> (PlannedLayer, isBias: Bool) {
        let path = parameter.text.split(separator: ".")
        let name = Name(path.dropLast().joined(separator: "."))
        guard let layer = plan[name] else {
            throw LoweringError(.source, "\(parameter): the plan has no layer \(name)")
        }
        return (layer, path.last == "bias")
    }

    private func fanIn(_ layer: PlannedLayer) -> Int {
        plan.weightShape(of: layer).dropFirst().reduce(1, *)
    }

    private func numbers(
        _ name: Name, _ count: Int, around center: Double, by radius: Double
    ) -> [Float] {
        let stream = name.text.utf8.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
        var generator = SeededGenerator(seed: seed, stream: stream)
        return (0..<count).map { _ in
            Float(generator.uniform(center - radius, center + radius))
        }
    }
}
