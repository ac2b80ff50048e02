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
    public let parity: ParityCheck
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
        classNames: [String] = [], provenance: [String: String] = [:], batches: [Tensor],
        kernels: [KernelSet] = KernelSet.available, threads: [Int] = [1, 2]
    ) throws(ExportError) {
        guard let first = batches.first else {
            throw ExportError(.parity, "an export needs at least one batch of images to compare")
        }
        let lowering = try Lowering(
            network, height: height, width: width, preprocessing: preprocessing,
            classNames: classNames, provenance: provenance)
        var file = try Self.readBack(lowering.file)
        var parity = try ParityCheck(file, kernels: kernels, threads: threads)
        layerValues = try parity.compareLayers(lowering, first)
        for batch in batches { try parity.compare(network, batch) }
        try parity.require()
        file.metadata.parity = parity.certificate
        do {
            bytes = try file.serialized()
        } catch {
            throw ExportError(.format, error.message)
        }
        self.parity = parity
    }

    /// What a user would load: the bytes, parsed again.
    private static func readBack(_ file: ModelFile) throws(ExportError) -> ModelFile {
        do {
            return try ModelFile(bytes: file.serialized())
        } catch {
            throw ExportError(.format, error.message)
        }
    }
}

extension ParityCheck {
    /// Throws `ExportError` of code `parity` unless every configuration agrees with the network.
    public func require() throws(ExportError) {
        guard !passed else { return }
        let lines = entries.map {
            "\($0.kernels) with \($0.threads) thread\($0.threads == 1 ? "" : "s"): "
                + "\($0.agreeing) of \(images) top-1 agree, largest relative difference "
                + "\($0.maxRelativeDifference), \($0.differingFromFirst) images differ in bits "
                + "from the first configuration"
        }
        throw ExportError(
            .parity,
            "the model file does not compute what the network computes; expected all top-1 to "
                + "agree and differences up to \(Self.tolerance). " + lines.joined(separator: "; "))
    }
}
