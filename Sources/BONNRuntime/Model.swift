public import BONNModelFormat

/// A loaded network: validated, its weights packed for the kernels, immutable.
///
/// A model is shared: any number of sessions on any threads may run it at the same time.
///
/// Its weights are in the order that one kernel set reads; all sets compute the same bits.
///
///     let model = try Model(path: "network.bonn")
///     var session = try InferenceSession(model)
///     let logits = try session.run(pixels: pixels)
public struct Model: Sendable {
    /// Graph, preprocessing, class names, provenance and parity certificate.
    public let metadata: ModelMetadata
    /// `[C, H, W]` of one input image.
    public let inputShape: Shape
    /// What the elements of the input are: `.real` or `.byte`.
    public let inputElement: ElementType
    /// How many logits there are.
    public let classCount: Int

    /// The kernels that run the network.
    public let kernels: KernelSet
    /// What the model and its sessions may cost.
    public let limits: ResourceLimits

    /// What the bytes of pixels become; nil where the file does not say how images are prepared.
    let pixels: PixelTable?
    /// The values that are stored; the first one is the input.
    let values: [ModelValue]
    /// The steps in order.
    let steps: [ModelStep]
    /// The index of the logits in `values`.
    let output: Int
    /// The indices of the values that stay intact until after the last step.
    let exposed: Set<Int>

    /// Loads a model file.
    ///
    /// - Parameters:
    ///   - path: a `.bonn` file.
    ///   - kernels: the kernels to run it with.
    ///   - names: names of values of the graph that `InferenceSession.values(of:input:)` will
    ///     be asked for. Everything else may be computed without ever being stored.
    ///   - limits: what the model and its sessions may cost; a file that asks for more is refused
    ///     before it gets it.
    /// - Throws: `RuntimeError` with `.fileNotFound`, `.notAFile`, `.unreadableFile`,
    ///   `.fileTooLarge`, `.invalidModel`, `.unknownValue`, `.limitExceeded` or `.outOfMemory`.
    public init(
        path: String, kernels: KernelSet = .best, exposing names: [Name] = [],
        limits: ResourceLimits = .standard
    ) throws(RuntimeError) {
        try self.init(Source(path: path), kernels: kernels, exposing: names, limits: limits)
    }

    /// Loads a model that is in memory already.
    ///
    /// - Throws: `RuntimeError` with `.invalidModel`, `.unknownValue`, `.limitExceeded` or
    ///   `.outOfMemory`.
    public init(
        _ file: ModelFile, kernels: KernelSet = .best, exposing names: [Name] = [],
        limits: ResourceLimits = .standard
    ) throws(RuntimeError) {
        let types: [Name: ValueType]
        do {
            types = try file.metadata.graph.validate(tensors: file.tensors)
        } catch {
            throw RuntimeError(.invalidModel, error.message)
        }
        try self.init(file, types, kernels: kernels, exposing: names, limits: limits)
    }

    init(
        _ file: ModelFile, _ types: [Name: ValueType], kernels: KernelSet, exposing names: [Name],
        limits: ResourceLimits
    ) throws(RuntimeError) {
        let graph = file.metadata.graph
        if let unknown = names.first(where: { types[$0] == nil }) {
            throw RuntimeError(
                .unknownValue, "no value of the graph is named \"\(printable(unknown.text))\"")
        }
        var lowering = Lowering(
            types: types, store: ConstantStore(file.tensors, limits), input: graph.input.name,
            kernels: kernels)
        for step in Fusion.steps(of: graph, types: types, exposed: Set(names)) {
            try lowering.append(step)
        }
        self.kernels = kernels
        self.limits = limits
        metadata = file.metadata
        inputShape = graph.input.shape
        inputElement = graph.input.element
        pixels = Self.pixels(of: metadata)
        values = lowering.values
        steps = lowering.steps
        output = lowering.index(of: graph.output)!
        exposed = Set(names.compactMap { lowering.index(of: $0) })
        classCount = lowering.values[output].shape.channels
    }

    private static func pixels(of metadata: ModelMetadata) -> PixelTable? {
        let input = metadata.graph.input
        let channels = input.shape.channels
        guard let rule = metadata.preprocessing, rule.mean.count == channels,
            rule.std.count == channels
        else { return nil }
        return input.element == .byte ? PixelTable(unchanged: channels) : PixelTable(rule)
    }
}

/// A value of a loaded network.
struct ModelValue: Sendable {
    /// The name in the graph; nil for a value that only the runtime knows.
    let name: Name?
    /// `[C, H, W]` of one image.
    let shape: Shape
    /// What the elements are.
    let element: ElementType
    /// Bytes of one image.
    let byteCount: Int

    init(name: Name, type: ValueType) {
        self.name = name
        shape = type.shape
        element = type.element
        let pixels = type.shape.height * type.shape.width
        switch type.element {
        // Bytes are kept as real numbers: pixels are converted once, where they enter.
        case .real, .integer, .byte: byteCount = 4 * type.shape.count
        case .signedByte: byteCount = type.shape.count
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
    /// The first node that it belongs to.
    let node: Name
    /// The names of its operations in the format, joined by "+", or one of the runtime's own.
    let operation: String
    /// Indices of the values that it reads.
    let inputs: [Int]
    /// Indices of the values that it defines.
    let outputs: [Int]
    /// How it is executed.
    let body: any Operator
}
