public import BONNModelFormat

/// A network as C99 for devices without an operating system: a header, a source and the kernels.
///
/// The source holds the weights as const tables and one function of straight calls; what is left of the
/// kernels in a program is what the network calls. It allocates nothing: the caller lends an arena whose
/// size the header states. The logits are the bits of the runtime. `Documentation/c-export.md` shows how
/// to build and to call it.
public struct CExport: Sendable {
    /// A file of the export.
    public struct File: Sendable {
        /// Its name, without a folder.
        public let name: String
        /// Its contents.
        public let bytes: [UInt8]
    }

    /// The kernels first, the network's source, and its header last.
    public let files: [File]
    /// What the const tables take in flash, in bytes; the code comes on top.
    public let tableBytes: Int
    /// What the caller lends the network, in bytes; the image and the logits are besides.
    public let arenaBytes: Int
    /// Multiply-accumulates of bits for one image.
    public let binaryMACs: Int
    /// Multiply-accumulates of real numbers and signed bytes for one image.
    public let realMACs: Int

    /// The longest class name, in bytes: what a string literal of C99 may hold.
    public static let mostClassNameBytes = 4_000

    /// Writes a network in C.
    ///
    /// - Parameters:
    ///   - model: any model that `ModelFile` reads; every operation of the format is supported.
    ///   - name: the prefix of the identifiers and the name of the files.
    /// - Throws: `.malformed` for a model that is not valid, `.limitExceeded` for tables of more than
    ///   32 MiB and for a class name of more than 4,000 bytes.
    public init(_ model: ModelFile, name: CName) throws(InteropError) {
        let types: [Name: ValueType]
        let digest: SHA256.Digest
        do {
            types = try model.validate()
            digest = try model.networkDigest()
        } catch {
            throw InteropError(.malformed, error.message)
        }
        let graph = model.metadata.graph
        let nodes = graph.nodesOfOutput
        let interface = try CInterface(model, types, name: name, digest: digest)
        let arena = CArena(nodes, types, graph, staged: interface.normalizes)
        var tables = CTables(name: name, tensors: model.tensors)
        let pixelTables = try interface.pixelTables(&tables)
        var steps = CSteps(graph, types, arena, tables: tables)
        for node in nodes { try steps.add(node) }

        tableBytes = steps.tables.byteCount + interface.classNameBytes
        arenaBytes = 4 * arena.wordCount
        binaryMACs = steps.binaryMACs
        realMACs = steps.realMACs
        let header = interface.header(
            tableBytes: tableBytes, arenaBytes: arenaBytes, binaryMACs: binaryMACs,
            realMACs: realMACs)
        let source = interface.source(
            tables: steps.tables.text, calls: steps.calls,
            pixels: pixelTables, stagedAt: arena.offsets[graph.input.name] ?? 0)
        files =
            Self.kernels + [
                File(name: "\(name.text).c", bytes: Array(source.utf8)),
                File(name: "\(name.text).h", bytes: Array(header.utf8)),
            ]
    }

    private static let kernels = [
        File(name: "bonn_arithmetic.h", bytes: PackageResources.bonn_arithmetic_h),
        File(name: "bonn_layers.h", bytes: PackageResources.bonn_layers_h),
        File(name: "bonn_elements.h", bytes: PackageResources.bonn_elements_h),
    ]
}

extension Graph {
    /// The nodes that the output depends on, in their order.
    fileprivate var nodesOfOutput: [Node] {
        var needed: Set<Name> = [output]
        var result: [Node] = []
        for node in nodes.reversed() where needed.contains(node.name) {
            needed.formUnion(node.inputs)
            result.append(node)
        }
        return result.reversed()
    }
}
