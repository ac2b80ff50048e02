public import BONNModelFormat

/// A model as OpenVINO's intermediate representation (IR): a graph in XML and the bytes of its constants.
///
/// Binary layers whose channels are a multiple of 8 are `BinaryConvolution`, which the CPU plugin compiles to
/// xor and population count; Documentation/exporting.md says which are not, and what is exact.
public struct OpenVINOExport: Sendable {
    /// The version of the format.
    public static let version = 11
    /// What the constants may have together.
    static let maximumConstantBytes = 1 << 31

    /// The .xml file.
    public let graph: [UInt8]
    /// The .bin file, which must have the name of the other one.
    public let constants: [UInt8]
    /// How many layers are `BinaryConvolution`.
    public let binaryLayers: Int

    /// Writes a model.
    ///
    /// - Throws: `InteropError` with `.malformed` for a model that is not valid, `.unsupported` for text that
    ///   XML cannot hold, `.limitExceeded` for weights that are too many.
    public init(_ file: ModelFile) throws(InteropError) {
        try self.init(file, maximumConstantBytes: Self.maximumConstantBytes)
    }

    init(_ file: ModelFile, maximumConstantBytes: Int) throws(InteropError) {
        let types: [Name: ValueType]
        let texts: [(key: Name, value: String)]
        do throws(ModelFormatError) {
            types = try file.validate()
            texts = try file.texts(["preprocessing", "class_names", "provenance"])
        } catch {
            throw InteropError(.malformed, error.message)
        }
        for text in types.keys.map(\.text).sorted() + texts.map(\.value)
        where !OpenVINOGraph.canHold(text) {
            throw InteropError(
                .unsupported,
                "'\(printable(text, limit: 60))': XML has no form for one of its characters; name it "
                    + "without U+FFFE, U+FFFF and control characters")
        }
        var lowering = OpenVINOLowering(file, types, maximumConstantBytes: maximumConstantBytes)
        for node in file.metadata.graph.nodes { try lowering.add(node) }
        lowering.finish()
        graph = lowering.graph.document(version: Self.version, metadata: texts)
        constants = lowering.graph.constants
        binaryLayers = lowering.binaryLayers
    }
}
