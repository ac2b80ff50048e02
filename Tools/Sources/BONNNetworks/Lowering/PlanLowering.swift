public import BONNModelFormat

/// Lowering: a plan and its numbers to the graph and tensors of a model file.
///
/// The only place where latent weights become bits and a batch norm with a quantizer becomes thresholds.
/// Every step is exact in deployment arithmetic, so the file computes what the network computes in it, bit
/// for bit.
public struct PlanLowering {
    /// The lowered network.
    public let file: ModelFile
    /// What became of each quantized layer that reads bits, in order of execution.
    public let bitLayers: [LoweredLayer]

    /// Lowers a plan.
    ///
    /// - Throws: `LoweringError` for weights that are not finite, and for what the runtime has no
    ///   operation for.
    public init(
        _ plan: NetworkPlan, weights: some WeightSource, preprocessing: Preprocessing? = nil,
        classNames: [Name] = [], provenance: [Name: String] = [:]
    ) throws(LoweringError) {
        var lowering = LoweringPass(plan.poolingFirst(), weights)
        let output = try lowering.run()
        bitLayers = lowering.bitLayers
        let graph = Graph(
            input: GraphInput(name: NetworkPlan.input, shape: plan.input, element: .real),
            nodes: lowering.writer.nodes, output: output)
        do {
            _ = try graph.validate(tensors: lowering.writer.tensors)
        } catch {
            throw LoweringError(.format, error.message)
        }
        file = ModelFile(
            metadata: ModelMetadata(
                graph: graph, preprocessing: preprocessing, classNames: classNames,
                provenance: provenance),
            tensors: lowering.writer.tensors)
    }
}

/// The values of the graph around a quantized layer that reads bits.
public struct LoweredLayer: Sendable, Equatable {
    /// The layer in the plan; also the value of its scaled sums.
    public let layer: Name
    /// The activation quantizer in the plan.
    public let quantizer: Name
    /// The batch norm in the plan that became part of the thresholds; nil: none.
    public let norm: Name?
    /// The real value that the thresholds read.
    public let source: Name
    /// The bits, a value a plane, as the quantizer makes them.
    public let planes: [Name]
}

/// The bit planes that stand for one value of the plan.
struct LoweredPlanes {
    var planes: [(name: Name, weight: Float)]
    /// Where they come from.
    let quantizer: Name
    let norm: Name?
    let source: Name
    let made: [Name]
}
