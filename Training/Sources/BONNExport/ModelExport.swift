public import BONN
public import BONNModelFormat
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
    ///   - batches: normalised images `[N, C, H, W]`, at least one batch; the first is also used to
    ///     compare every 1-bit layer alone.
    ///   - kernels: the kernel sets that must agree.
    ///   - threads: the numbers of threads that must agree, bit for bit.
    /// - Throws: `ExportError`; with code `parity` when the file does not compute what the network
    ///   computes.
    public init(
        _ network: Network, height: Int, width: Int, preprocessing: Preprocessing? = nil,
        classNames: [Name] = [], provenance: [Name: String] = [:], batches: [Tensor],
        kernels: [KernelSet] = KernelSet.available, threads: [Int] = [1, 2]
    ) throws(ExportError) {
        guard let first = batches.first else {
            throw ExportError(.parity, "an export needs at least one batch of images to compare")
        }
        let lowering = try Lowering(
            network, height: height, width: width, preprocessing: preprocessing,
            classNames: classNames, provenance: provenance)
        let file = try Self.readBack(lowering.file)
        let models = try runtime("the model") { () throws(RuntimeError) in
            try kernels.map { set throws(RuntimeError) in try Model(file, kernels: set) }
        }
        let layers = try LayerParity(lowering)
        var layerValues = 0
        for set in kernels { layerValues += try layers.compare(set, first) }
        var check = try ParityCheck(
            models, threads: threads, batch: batches.map { $0.shape[0] }.max() ?? 1)
        for batch in batches { try check.compare(network, batch) }
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
