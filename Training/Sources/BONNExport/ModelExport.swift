public import BONNMethods
public import BONNModelFormat
public import BONNNetworks
public import BONNRuntime
public import Torch

/// A network as a model file whose certificate has been earned.
///
/// Lowering, writing, reading back, and the parity check, in this order; nothing is returned unless
/// all of them succeed.
public struct ModelExport: Sendable {
    /// The file, certificate included.
    public let bytes: [UInt8]
    /// What was compared.
    public let parity: Parity
    /// Bits and sums of 1-bit layers that were compared one by one.
    public let layerValues: Int

    /// Exports `network`.
    ///
    /// - Parameters:
    ///   - limits: lets the first and the last layer compute in signed bytes; nil: in float32.
    ///   - batches: normalised images `[N, C, H, W]`, at least one batch; the first is also used to
    ///     compare every 1-bit layer alone.
    ///   - kernels: the kernel sets that must agree.
    ///   - threads: the numbers of threads that must agree, bit for bit.
    /// - Throws: `ExportError`; with code `parity` when the file does not compute what the network
    ///   computes.
    public init(
        _ network: Network, int8 limits: Int8Limits? = nil, preprocessing: Preprocessing? = nil,
        classNames: [Name] = [], provenance: [Name: String] = [:], batches: [Tensor],
        kernels: [KernelSet] = KernelSet.available, threads: [Int] = [1, 2]
    ) throws(ExportError) {
        guard let first = batches.first else {
            throw ExportError(.parity, "an export needs at least one batch of images to compare")
        }
        let lowering = try network.lowered(
            int8: limits, preprocessing: preprocessing, classNames: classNames,
            provenance: provenance)
        let arithmetic = DeployedNetwork(network, int8: limits)
        let file = try Self.readBack(lowering.file)
        let models = try runtime("the model") { () throws(RuntimeError) in
            try kernels.map { set throws(RuntimeError) in try Model(file, kernels: set) }
        }
        let layers = try LayerParity(lowering)
        var layerValues = 0
        for set in kernels { layerValues += try layers.compare(network, arithmetic, set, first) }
        var check = try ParityCheck(
            models, threads: threads, batch: batches.map { $0.shape[0] }.max() ?? 1)
        for batch in batches { try check.compare(arithmetic, batch) }
        try check.parity.require()
        do {
            bytes = try file.serialized(earning: check.parity.certificate)
        } catch {
            throw ExportError(.format, error.message)
        }
        self.layerValues = layerValues
        parity = check.parity
    }

    /// What a user would load: the bytes, parsed again. Nothing can have damaged them in between, so
    /// they need no digest.
    private static func readBack(_ file: ModelFile) throws(ExportError) -> ModelFile {
        do {
            return try ModelFile(bytes: file.serialized(digest: false))
        } catch {
            throw ExportError(.format, error.message)
        }
    }
}

extension Network {
    /// The network as a model file without a certificate, for images of the size of its plan.
    ///
    /// - Parameter limits: lets the first and the last layer compute in signed bytes; nil: in float32.
    /// - Throws: `ExportError` for weights that are not finite, and for what the runtime has no operation
    ///   for.
    public func lowered(
        int8 limits: Int8Limits? = nil, preprocessing: Preprocessing? = nil,
        classNames: [Name] = [], provenance: [Name: String] = [:]
    ) throws(ExportError) -> PlanLowering {
        try deployment("lowering") {
            try PlanLowering(
                plan, weights: TrainedWeights(self, int8: limits), preprocessing: preprocessing,
                classNames: classNames, provenance: provenance)
        }
    }
}
