import BONNModelFormat

/// Reads the nodes of an ONNX graph one after the other, and collects what the model has to compute.
///
/// A `NetworkPlan` could not hold all of these graphs: thresholds with a direction a channel, integer sums without a
/// scale and layers of signed bytes have no layer there. So the graph of the model file is built directly, and
/// judged as a whole by the format's own rules when it is complete.
struct GraphReading {
    /// A value of the ONNX graph.
    enum Value {
        case constant(ONNXConstant)
        case image(ImageValue)
    }

    /// What is known of a form: the shape of one image, and the name in ONNX that its node would have.
    struct Entry {
        var form: ValueForm
        let shape: Shape
        let hint: String
        let readers: Readers
    }

    /// The nodes that read a value of ONNX.
    struct Readers {
        var count = 0
        /// Whether all of them compare it, so that it need not be there itself.
        var areComparisons = true

        mutating func add(_ operation: String) {
            count += 1
            areComparisons =
                areComparisons
                && (Comparison(operator: operation) != nil || operation == "Sign"
                    || operation == "BipolarQuant")
        }
    }

    let file: ONNXFile
    let signOfZero: SignOfZero?
    /// Images of the graph's input; 1 where any number may come.
    let batch: Int
    let opset: Int
    var graph: ImportedGraph
    var values: [Name: Value] = [:]
    var entries: [Entry] = []
    /// Nodes of the model that hold a form as real numbers.
    var reals: [Int: Name] = [:]
    /// Nodes of the model that hold truth values as bits.
    var bits: [Int: (name: Name, element: ElementType)] = [:]
    /// Truth values that are the opposite of others.
    var inverses: [Int: Int] = [:]
    /// Sums of binary layers without the scale that others read them with.
    var bareSums: [Int: Int] = [:]
    /// Whether a `Softmax` at the end was left out.
    var hasSoftmax = false
    private(set) var readers: [Name: Readers] = [:]
    /// Of differences of constants, what was subtracted and from what.
    var constantDifferences: [Name: (from: ONNXConstant, what: Name)] = [:]
    private var defined: Set<Name> = []
    private var unread: [Name: Int] = [:]
    private var loose: [Name: ONNXTensor]

    /// Begins with the input.
    init(
        _ file: ONNXFile, input: GraphInput, axes: [ImageValue.Axis], batch: Int, opset: Int,
        signOfZero: SignOfZero?
    ) throws(InteropError) {
        self.file = file
        self.batch = batch
        self.opset = opset
        self.signOfZero = signOfZero
        loose = file.initializers
        // Weights that a graph computes itself, with a mean and a sign of each, are made in some seven steps.
        let (room, overflow) = file.bytes.count.multipliedReportingOverflow(by: 8)
        graph = ImportedGraph(room: overflow ? .max : room + 1 << 22)
        for node in file.nodes {
            for name in node.inputs { readers[name, default: Readers()].add(node.operation) }
        }
        unread = readers.mapValues(\.count)
        let name = graph.unique(input.name.text)
        try check(input.shape, file.place)
        entries.append(
            Entry(
                form: .stored(name, input.element), shape: input.shape, hint: name.text,
                readers: readers[input.name] ?? Readers()))
        values[input.name] = .image(ImageValue(id: 0, axes: axes, shape: input.shape))
        defined = [input.name]
    }

    /// Forgets the constants that no node behind this one reads: weights are there once, as the model has them.
    mutating func release(_ node: ONNXNode) {
        for name in node.inputs {
            guard let count = unread[name] else { continue }
            unread[name] = count - 1
            guard count == 1 else { continue }
            if case .constant? = values[name] { values[name] = nil }
            constantDifferences[name] = nil
        }
    }

    // MARK: Values

    /// The value of an input.
    mutating func value(_ node: ONNXNode, _ index: Int) throws(InteropError) -> Value {
        guard let name = node.input(index) else {
            throw node.fail(
                .malformed, "expected an input \(index), found \(node.inputs.count) inputs")
        }
        if let value = values[name] { return value }
        if let tensor = loose.removeValue(forKey: name) {
            let value = Value.constant(try constant(of: tensor, node))
            values[name] = value
            return value
        }
        throw node.fail(
            .malformed,
            "expected inputs that are defined before the node, found "
                + "'\(printable(name.text, limit: 60))', which is not; save the nodes in their order"
        )
    }

    /// The elements of a tensor of the file.
    mutating func constant(
        of tensor: ONNXTensor, _ node: ONNXNode
    ) throws(InteropError) -> ONNXConstant {
        try graph.reserve(tensor.count, node.place)
        return try tensor.constant(of: file.bytes)
    }

    /// An input that differs from image to image.
    mutating func image(_ node: ONNXNode, _ index: Int) throws(InteropError) -> ImageValue {
        guard case .image(let value) = try value(node, index) else {
            throw node.fail(
                .unsupported,
                "expected an input \(index) that comes from the image, found a constant")
        }
        return value
    }

    /// The same, without rows and columns around it that nothing has taken in.
    mutating func plain(_ node: ONNXNode, _ index: Int) throws(InteropError) -> ImageValue {
        let value = try image(node, index)
        guard value.padding == nil else {
            throw node.fail(
                .unsupported,
                "expected a Pad in front of a convolution or a pooling alone, found one here, where the "
                    + "model format has none")
        }
        return value
    }

    /// An input `[N, C, H, W]`.
    mutating func planes(_ node: ONNXNode, _ index: Int) throws(InteropError) -> ImageValue {
        let value = try image(node, index).named
        guard value.axes == ImageValue.planes, value.order == nil else {
            throw node.fail(
                .unsupported,
                "expected an input [N, C, H, W] of channels in their order, found the shape "
                    + "\(value.sizes(batch: batch)) of other axes")
        }
        return value
    }

    /// A constant input; nil where it is left out.
    mutating func constant(
        _ node: ONNXNode, _ index: Int, _ what: String
    ) throws(InteropError) -> ONNXConstant? {
        guard node.input(index) != nil else { return nil }
        guard case .constant(let constant) = try value(node, index) else {
            throw node.fail(
                .unsupported,
                "expected \(what) known before the network runs, found one that depends on the image"
            )
        }
        return constant
    }

    /// A constant input that must be there, as numbers.
    mutating func numbers(
        _ node: ONNXNode, _ index: Int, _ what: String
    ) throws(InteropError) -> ONNXConstant {
        guard let found = try constant(node, index, what) else {
            throw node.fail(.malformed, "expected \(what) as input \(index), found none")
        }
        return found
    }

    /// Defines the node's only output.
    mutating func define(_ node: ONNXNode, _ value: Value) throws(InteropError) {
        guard let name = node.outputs.first, !name.text.isEmpty else {
            throw node.fail(.malformed, "expected a name of the first output, found none")
        }
        if let other = node.outputs.dropFirst().first(where: { readers[$0] != nil }) {
            throw node.fail(
                .unsupported,
                "expected only the first output to be read, found a reader of "
                    + "'\(printable(other.text, limit: 60))'")
        }
        guard file.initializers[name] == nil, defined.insert(name).inserted else {
            throw node.fail(
                .malformed,
                "expected an output of a name of its own, found '\(printable(name.text, limit: 60))' once "
                    + "more")
        }
        values[name] = value
    }

    /// Defines the output as a new form in the axes of a value.
    mutating func define(
        _ node: ONNXNode, _ form: ValueForm, like value: ImageValue, shape: Shape? = nil,
        order: [Int]? = nil
    ) throws(InteropError) {
        let shape = shape ?? value.shape
        try check(shape, node.place)
        var result = value
        result.id = add(form, shape, hint: node.outputs.first?.text ?? "")
        result.shape = shape
        result.padding = nil
        if shape != value.shape { result.order = order }
        try define(node, .image(result))
    }

    /// Adds a form that is called as a value of ONNX.
    mutating func add(_ form: ValueForm, _ shape: Shape, hint: String) -> Int {
        entries.append(
            Entry(form: form, shape: shape, hint: hint, readers: readers[Name(hint)] ?? Readers()))
        return entries.count - 1
    }

    /// Keeps products of sizes from overflowing; the format's own rules judge the whole graph at the end.
    private func check(_ shape: Shape, _ place: String) throws(InteropError) {
        let (area, overflow) = shape.height.multipliedReportingOverflow(by: shape.width)
        guard shape.channels > 0, shape.height > 0, shape.width > 0, !overflow,
            shape.channels <= FormatLimits.channels, area <= FormatLimits.elements,
            shape.channels * area <= FormatLimits.elements
        else {
            throw InteropError(
                .limitExceeded,
                "\(place): expected values of 1 to \(FormatLimits.elements) elements an image, found "
                    + "[\(shape.channels), \(shape.height), \(shape.width)]")
        }
    }

    /// One number, or one a channel in the order of the model, of a constant that is broadcast to a value.
    func channels(
        _ constant: ONNXConstant, of value: ImageValue, _ node: ONNXNode
    ) throws(InteropError) -> [Float] {
        let numbers = constant.numbers
        let offset = value.axes.count - constant.shape.count
        let wide = constant.shape.indices.filter { constant.shape[$0] != 1 }
        if offset >= 0, wide.isEmpty, numbers.count == 1 { return numbers }
        guard offset >= 0, wide.count == 1, let axis = wide.first,
            value.axes[axis + offset] == .channel, constant.shape[axis] == value.shape.channels
        else {
            throw node.fail(
                .unsupported,
                "expected a constant of one number or one a channel of "
                    + "\(value.sizes(batch: batch)), found the shape \(constant.shape)")
        }
        guard let order = value.order else { return numbers }
        var result = numbers
        for (place, channel) in order.enumerated() { result[channel] = numbers[place] }
        return result
    }
}
