public import BONNMethods
import BONNModelFormat
public import BONNNetworks

/// What a network costs where it is deployed, counted as the field does (methods.md 3.5).
///
/// Parameters are numbers of 1 bit and numbers of 32 bits. Work is multiply-accumulates of convolutions and fully
/// connected layers for one image, over bits (BOPs) and over real numbers (FLOPs); batch norms, activations,
/// poolings and additions count for nothing. A layer of M kernel terms that reads N planes has M weights of 1 bit
/// for each of its weights, and M x N times the work. Weights of 1 bit that read real numbers do real work.
///
/// Poolings of shortcuts stand in front of their 1x1 convolutions, as they are deployed.
public struct NetworkCost: Sendable, Equatable, Codable {
    /// Numbers of 1 bit.
    public var binaryParameters = 0
    /// Numbers of 32 bits.
    public var realParameters = 0
    /// Multiply-accumulates over bits.
    public var binaryMacs = 0
    /// Multiply-accumulates over real numbers.
    public var realMacs = 0

    /// All parameters.
    public var parameters: Int { binaryParameters + realParameters }
    /// 10^6 bits: 32 for each real parameter, 1 for each binary one.
    public var megabits: Double { (32 * Double(realParameters) + Double(binaryParameters)) / 1e6 }
    /// OPs = BOPs / 64 + FLOPs.
    public var operations: Double { Double(binaryMacs) / 64 + Double(realMacs) }

    /// Nothing.
    init() {}

    /// Counts a network.
    public init(_ network: Network) {
        self.init(network.plan, weights: TrainedWeights(network))
    }

    /// Counts a plan with what its layers are deployed as. A layer whose method has no deployed form counts as
    /// one of real numbers.
    public init(_ plan: NetworkPlan, weights: some WeightSource) {
        let plan = plan.poolingFirst()
        for layer in plan.layers {
            switch layer.layer {
            case .convolution(let convolution):
                add(
                    layer, in: plan, weights, kind: convolution.weights,
                    hasBias: convolution.hasBias)
            case .linear(let linear):
                add(layer, in: plan, weights, kind: linear.weights, hasBias: linear.hasBias)
            case .batchNorm: realParameters += 2 * layer.shape.channels
            case .bias, .scale, .prelu: realParameters += layer.shape.channels
            case .quantize: realParameters += Self.numbers(of: weights.planes(layer.name))
            case .relu, .hardtanh, .maxPool, .averagePool, .globalAveragePool, .absolute,
                .stopGradient, .add, .multiply, .concatenate, .flatten, .dropout:
                break
            }
        }
    }

    /// Adds a layer of weights.
    private mutating func add(
        _ layer: PlannedLayer, in plan: NetworkPlan, _ weights: some WeightSource, kind: Weights,
        hasBias: Bool
    ) {
        let count = plan.weightShape(of: layer).reduce(1, *)
        let macs = plan.macs(of: layer)
        if hasBias { realParameters += layer.shape.channels }
        let terms = kind == .quantized ? weights.terms(layer.name) : nil
        if let terms {
            binaryParameters += terms.count * count
            realParameters += terms.reduce(0) { $0 + $1.scale.count }
        } else if kind == .real || kind == .quantized {
            realParameters += count
        }
        if let terms,
            let planes = plan.quantizer(before: layer).flatMap({ weights.planes($0.name) })
        {
            binaryMacs += terms.count * planes.count * macs
        } else {
            realMacs += macs
        }
    }

    /// The numbers that planes are made of: levels other than 0 for all, and weights other than 1.
    private static func numbers(of planes: [Plane]?) -> Int {
        (planes ?? []).reduce(0) {
            $0 + ($1.level == [0] ? 0 : $1.level.count) + ($1.weight == 1 ? 0 : 1)
        }
    }
}

extension WeightSource {
    /// The terms of a kernel; nil: real numbers.
    fileprivate func terms(_ layer: Name) -> [KernelTerm]? {
        guard case .binary(let terms) = try? kernel(layer) else { return nil }
        return terms
    }

    /// The planes of a quantizer; nil: real numbers.
    fileprivate func planes(_ quantizer: Name) -> [Plane]? {
        guard case .planes(let planes) = try? activation(quantizer) else { return nil }
        return planes
    }
}
