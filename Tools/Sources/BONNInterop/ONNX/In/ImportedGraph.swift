import BONNModelFormat

/// The nodes and tensors of the model while a graph of ONNX is read, with names that are each used once.
struct ImportedGraph {
    private(set) var nodes: [Node] = []
    private(set) var tensors: [Name: ModelTensor] = [:]
    private var names = UniqueNames([])
    /// Elements that may still be made of the file's, so that no file costs more than a few times its size.
    private var room: Int

    /// An empty graph.
    init(room: Int) { self.room = room }

    /// Insists on room for numbers, before memory is taken for them.
    mutating func reserve(_ count: Int, _ place: String) throws(InteropError) {
        guard count <= room else {
            throw InteropError(
                .limitExceeded,
                "\(place): expected a graph whose numbers are about as many as those of its file, found many "
                    + "times more; the file is damaged or hostile")
        }
        room -= count
    }

    /// A name that nothing has yet, as near to one of ONNX as the format allows.
    mutating func unique(_ text: String) -> Name {
        var name = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            // Room for a number and for the names of tensors behind it.
            guard bytes <= FormatLimits.nameBytes - 64 else { break }
            name.unicodeScalars.append(isPrintable(scalar) ? scalar : "_")
        }
        if name.isEmpty { name = "value" }
        return Name(names.unique(name))
    }

    /// Adds a node and returns the name of its value.
    mutating func add(_ name: Name, _ operation: Operation, _ inputs: [Name]) -> Name {
        nodes.append(Node(name, operation, inputs: inputs))
        return name
    }

    /// Stores real numbers, all finite.
    mutating func store(
        _ name: Name, _ values: [Float], shape: [Int]? = nil, _ place: String
    ) throws(InteropError) -> Name {
        try reserve(values.count, place)
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw InteropError(
                .mismatch,
                "\(place): expected finite numbers, found \(values[bad]) as element \(bad); the file is "
                    + "damaged, or its training failed")
        }
        tensors[name] = ModelTensor(f32: values, shape: shape ?? [values.count])
        return name
    }

    /// Stores a tensor of another type.
    mutating func store(
        _ name: Name, _ tensor: ModelTensor, _ place: String
    ) throws(InteropError) -> Name {
        try reserve(tensor.bytes.count / 4, place)
        tensors[name] = tensor
        return name
    }

    /// Stores the signs of weights `[K, C, kh, kw]` or `[K, C]`.
    mutating func bits(
        _ name: Name, _ signs: [Float], _ shape: [Int], _ place: String
    ) throws(InteropError) -> Name {
        try reserve(signs.count, place)
        let window = Array(shape.dropFirst(2))
        tensors[name] = ModelTensor(
            u64: BitLayout.packKernels(
                oihw: signs, outputs: shape[0], channels: shape[1], height: window.first ?? 1,
                width: window.last ?? 1),
            shape: [shape[0]] + window + [BitLayout.words(forChannels: shape[1])])
        return name
    }
}
