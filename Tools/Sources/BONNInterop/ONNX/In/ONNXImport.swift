public import BONNModelFormat

/// A network of an ONNX file as a model file.
///
/// The file describes its own graph, so no source is needed. What of ONNX is read, and what of it exactly, is in
/// Documentation/importing.md.
public struct ONNXImport: Sendable {
    /// What the graph does not say.
    public struct Options: Sendable {
        /// Height and width of the images, where the file leaves them open; else nil, or the file's.
        public var inputSize: (height: Int, width: Int)?
        /// What `Sign` is at 0; nil: a graph in which it matters is refused.
        public var signOfZero: SignOfZero?
        /// How images are prepared; nil: as a file of `bonn-run export` says, or nothing is known.
        public var preparation: Preparation?
        /// What the file says of its origin, beside what is known of it.
        public var provenance: [Name: String] = [:]

        /// Options that choose nothing.
        public init() {}
    }

    /// How images become the input, whose size and channels the graph says.
    public struct Preparation: Sendable {
        /// One of each channel, in units of a full-scale pixel.
        public var mean: [Float], std: [Float]
        /// How images are brought to size.
        public var resize: Preprocessing.Resize

        /// Creates a preparation.
        public init(mean: [Float], std: [Float], resize: Preprocessing.Resize) {
            self.mean = mean
            self.std = std
            self.resize = resize
        }
    }

    /// The versions of the operators that are read.
    public static let opsets = 7...28
    /// The model file.
    public let file: ModelFile
    /// How many nodes the graph of the file has.
    public let nodeCount: Int
    /// How many logits there are.
    public let classCount: Int
    /// How many layers have 1-bit weights and read 1-bit activations.
    public let bitLayerCount: Int
    /// Whether a `Softmax` behind the logits was left out.
    public let hasSoftmax: Bool

    /// Whether a file is of this kind, by how it begins.
    public static func begins(_ bytes: [UInt8]) -> Bool { ONNXFile.begins(bytes) }

    /// Imports a file.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - place: its name, for messages.
    /// - Throws: `InteropError`: `.malformed` for a damaged file, `.unsupported` for what the model format does not
    ///   compute, with the node and what to do.
    public init(
        _ bytes: [UInt8], place: String, options: Options = Options()
    ) throws(InteropError) {
        let place = printable(place)
        let onnx = try ONNXFile(bytes, place: place)
        guard let opset = onnx.opsets[""], Self.opsets.contains(opset) else {
            let found = onnx.opsets[""].map { "\($0)" } ?? "none"
            throw InteropError(
                .unsupported,
                "\(place): expected operators of opset \(Self.opsets.lowerBound) to "
                    + "\(Self.opsets.upperBound), found \(found); convert it (onnx.version_converter)"
            )
        }
        let (input, axes, batch) = try onnx.input(options.inputSize)
        guard onnx.outputs.count == 1, let output = onnx.outputs.first else {
            throw InteropError(
                .unsupported,
                "\(place): expected one output, the logits, found \(onnx.outputs.count); export the network "
                    + "with one")
        }
        var reading = try GraphReading(
            onnx, input: input, axes: axes, batch: batch, opset: opset,
            signOfZero: options.signOfZero)
        for node in onnx.nodes {
            try reading.read(node)
            reading.release(node)
        }
        let logits = try reading.finish(output)
        var graphInput = input
        graphInput.name = reading.inputName
        let facts: [Name: String] = [
            "imported_as": "onnx", "producer": printable(onnx.producer, limit: 60),
        ]
        let model = ModelFile(
            metadata: ModelMetadata(
                graph: Graph(input: graphInput, nodes: reading.graph.nodes, output: logits),
                provenance: options.provenance.merging(facts) { $1 }),
            tensors: reading.graph.tensors)
        do {
            file = try model.completed(onnx, options)
            classCount = try file.validate()[logits]?.shape.channels ?? 0
        } catch {
            throw InteropError(.unsupported, "\(place), as a model file: \(error.message)")
        }
        nodeCount = onnx.nodes.count
        hasSoftmax = reading.hasSoftmax
        bitLayerCount = reading.graph.nodes.count { $0.operation.kind.family == .binaryLayer }
    }
}

/// What ONNX's `Sign`, which is 0 at 0, becomes where only -1 and +1 are left.
public enum SignOfZero: String, Sendable, CaseIterable {
    /// sign(0) = +1, as in most 1-bit networks.
    case plus
    /// sign(0) = -1.
    case minus
}

extension ModelFile {
    /// With the preparation that was chosen and, in a file of this project, the preparation and the class names that it
    /// holds as texts of a model file.
    ///
    /// Nodes that nothing reads are left out, with their tensors: an operator may have become part of another one's
    /// node after its own was made.
    fileprivate func completed(
        _ onnx: ONNXFile, _ options: ONNXImport.Options
    ) throws(ModelFormatError) -> ModelFile {
        var model = self
        model.removeUnread()
        if let preparation = options.preparation {
            let shape = metadata.graph.input.shape
            model.metadata.preprocessing = Preprocessing(
                width: shape.width, height: shape.height, resize: preparation.resize,
                channels: shape.channels == 1 ? .gray : .rgb, mean: preparation.mean,
                std: preparation.std)
        }
        try model.validate()
        guard onnx.producer == ONNXGraph.producer else { return model }
        let texts = try Safetensors.read(try model.serialized(digest: false)).metadata
        var merged = texts
        for (key, value) in onnx.metadata
        where ["preprocessing", "class_names"].contains(key) && texts[Name(key)] == nil {
            merged[Name(key)] = value
        }
        guard merged != texts else { return model }
        // The format's own reader judges the texts.
        let bytes = try Safetensors.write(
            metadata: merged.map { ($0.key, $0.value) },
            tensors: model.tensors.map { name, tensor in
                Safetensors.Tensor(
                    name: name, elementType: .init(tensor.elementType), shape: tensor.shape,
                    bytes: tensor.bytes.withUnsafeBytes { Array($0) })
            }, digest: false)
        return try ModelFile(bytes: bytes)
    }

    private mutating func removeUnread() {
        var read: Set<Name> = [metadata.graph.output]
        var nodes: [Node] = []
        for node in metadata.graph.nodes.reversed() where read.contains(node.name) {
            read.formUnion(node.inputs)
            nodes.append(node)
        }
        metadata.graph.nodes = nodes.reversed()
        let used = Set(nodes.flatMap(\.operation.tensors))
        tensors = tensors.filter { used.contains($0.key) }
    }
}

extension Operation {
    /// The names of the tensors that it uses.
    fileprivate var tensors: [Name] {
        switch self {
        case .convolution(let layer):
            [layer.weight, layer.weightScale, layer.bias].compactMap { $0 }
        case .binaryConvolution(let layer):
            [layer.weight, layer.scale, layer.bias].compactMap { $0 }
        case .linear(let layer): [layer.weight, layer.weightScale, layer.bias].compactMap { $0 }
        case .binaryLinear(let layer): [layer.weight, layer.scale, layer.bias].compactMap { $0 }
        case .batchNorm(let norm): [norm.scale, norm.shift]
        case .threshold(let threshold): [threshold.threshold, threshold.direction]
        case .quantize(let quantize): [quantize.inverseScale]
        case .prelu(let prelu): [prelu.slope]
        case .maxPool, .averagePool, .globalAveragePool, .relu, .hardtanh, .sigmoid, .add,
            .multiply,
            .concatenate, .flatten:
            []
        }
    }
}

extension Safetensors.ElementType {
    fileprivate init(_ type: ModelTensor.ElementType) {
        switch type {
        case .u64: self = .u64
        case .f32: self = .f32
        case .i32: self = .i32
        case .i8: self = .i8
        }
    }
}
