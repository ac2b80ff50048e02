public import BONNModelFormat

/// A model as an ONNX file, in operators that every runtime has: signs and convolutions.
///
/// Bits, sums and signed bytes are whole float32 numbers, exact below 2^24. Behind each sum of such numbers
/// stands a `Round`: it changes nothing, but a runtime that sees a convolution and a product side by side
/// multiplies them into one, and the scaled sum is then rounded otherwise than the format says.
/// Documentation/exporting.md has the table of operators.
///
/// Opset 13 and IR 7 are the oldest that have all of these operators in their present form (ONNX 1.8, 2020).
public struct ONNXExport: Sendable {
    /// The version of the operators.
    public static let opset = 13
    /// The version of the file format.
    public static let version = 7
    /// A message of protocol buffers has fewer than 2^31 bytes; nodes, names and metadata need a few of them.
    static let maximumConstantBytes = (1 << 31) - (1 << 27)

    /// The file.
    public let bytes: [UInt8]

    /// Writes a model.
    ///
    /// - Throws: `InteropError` with `.malformed` for a model that is not valid, `.limitExceeded` for one that
    ///   is larger than an ONNX file may be.
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
        let graph = file.metadata.graph
        var lowering = ONNXLowering(file, types, maximumConstantBytes: maximumConstantBytes)
        for node in graph.nodes { try lowering.add(node) }
        let output = lowering.finish()
        let shape = graph.input.shape
        bytes = lowering.graph.model(
            version: Self.version, opset: Self.opset,
            input: (
                graph.input.name.text, graph.input.element == .byte ? .uint8 : .float,
                [shape.channels, shape.height, shape.width]
            ), output: output, metadata: texts)
    }
}
