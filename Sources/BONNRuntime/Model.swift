public import BONNModelFormat

/// A loaded network: validated, its weights packed for the kernels, immutable.
///
/// A model is shared: any number of sessions on any threads may run it at the same time.
///
///     let model = try Model(path: "network.bonn")
///     var session = try InferenceSession(model)
///     let logits = try session.run(pixels)
public struct Model: Sendable {
    /// Graph, preprocessing, class names, provenance and parity certificate.
    public let metadata: ModelMetadata
    /// `[C, H, W]` of one input image.
    public let inputShape: Shape
    /// What the elements of the input are: `.real` or `.byte`.
    public let inputElement: ElementType
    /// How many logits there are.
    public let classCount: Int

    /// The values of the network; the first one is the input.
    let values: [ModelValue]
    /// The operations in order.
    let steps: [ModelStep]
    /// The index of the logits in `values`.
    let output: Int

    /// Loads a model file.
    ///
    /// - Parameter path: a `.bonn` file.
    /// - Throws: `RuntimeError` with `.fileNotFound`, `.notAFile`, `.unreadableFile`,
    ///   `.fileTooLarge` or `.invalidModel`.
    public init(path: String) throws(RuntimeError) {
        let bytes = try FileReader.bytes(path: path)
        do {
            let file = try ModelFile(bytes: bytes)
            try self.init(validating: file)
        } catch {
            throw RuntimeError(.invalidModel, "\(path): \(error.message)")
        }
    }

    /// Loads a model that is in memory already.
    ///
    /// - Throws: `RuntimeError` with `.invalidModel`.
    public init(_ file: ModelFile) throws(RuntimeError) {
        do {
            try self.init(validating: file)
        } catch {
            throw RuntimeError(.invalidModel, error.message)
        }
    }

    private init(validating file: ModelFile) throws(ModelFormatError) {
        let graph = file.metadata.graph
        var lowering = Lowering(
            types: try graph.validate(tensors: file.tensors), tensors: file.tensors,
            input: graph.input.name)
        for node in graph.nodes { lowering.append(node) }
        metadata = file.metadata
        inputShape = graph.input.shape
        inputElement = graph.input.element
        values = lowering.values
        steps = lowering.steps
        output = lowering.index(of: graph.output)
        classCount = lowering.values[output].shape.channels
    }
}

/// A value of a loaded network.
struct ModelValue: Sendable {
    /// The name in the graph; nil for a value that only the runtime knows.
    let name: String?
    /// `[C, H, W]` of one image.
    let shape: Shape
    /// What the elements are.
    let element: ElementType
    /// Bytes of one image.
    let byteCount: Int

    init(name: String, type: ValueType) {
        self.name = name
        shape = type.shape
        element = type.element
        let pixels = type.shape.height * type.shape.width
        switch type.element {
        // Bytes are kept as real numbers: pixels are converted once, where they enter.
        case .real, .integer, .byte: byteCount = 4 * type.shape.count
        case .signedBits, .unsignedBits:
            byteCount = 8 * BitLayout.words(forChannels: type.shape.channels) * pixels
        }
    }

    /// Bits of `shape` in `pixelWords` words a pixel.
    init(bits shape: Shape, pixelWords: Int) {
        name = nil
        self.shape = shape
        element = .signedBits
        byteCount = 8 * pixelWords * shape.height * shape.width
    }
}

/// An operation of a loaded network.
struct ModelStep: Sendable {
    /// The node that it belongs to.
    let node: String
    /// The operation's name in the format, or one of the runtime's own.
    let operation: String
    /// Indices of the values that it reads.
    let inputs: [Int]
    /// Index of the value that it defines.
    let output: Int
    /// How it is executed.
    let body: any Operator
}
