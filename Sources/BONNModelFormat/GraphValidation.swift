/// The shape and the element type of a value.
public struct ValueType: Sendable, Equatable, Hashable {
    /// `[C, H, W]` of one image.
    public var shape: Shape
    /// What the elements are.
    public var element: ElementType

    /// Creates a value type.
    public init(shape: Shape, element: ElementType) {
        self.shape = shape
        self.element = element
    }
}

extension Graph {
    /// Checks the graph against the tensors that it names and infers the type of every value.
    ///
    /// Checked: names, definition before use, element types, shapes of values and tensors, the
    /// contents of tensors (finite numbers, directions, tail bits), that every tensor is used, the
    /// output, and `FormatLimits`. What passes can be run: no operation of it can fail.
    ///
    /// - Parameter tensors: the tensors of the file by name.
    /// - Returns: the type of every value by name, the input's included.
    /// - Throws: `ModelFormatError` for the first thing that is wrong.
    public func validate(
        tensors: [Name: ModelTensor]
    ) throws(ModelFormatError) -> [Name: ValueType] {
        var values = ValueTable()
        try values.define(
            input.name, ValueType(shape: input.shape, element: input.element),
            place: "graph input '\(abbreviated(input.name))'")
        guard input.element == .real || input.element == .byte else {
            throw ModelFormatError(
                .inputElement, "graph input '\(abbreviated(input.name))'",
                expected: "'real' or 'byte'", found: "'\(input.element.rawValue)'",
                fix: "networks read pixels or preprocessed pixels")
        }
        guard nodes.count <= FormatLimits.nodes else {
            throw ModelFormatError(
                .limitExceeded, "graph", expected: "at most \(FormatLimits.nodes) nodes",
                found: "\(nodes.count)", fix: "no network needs so many")
        }
        var inference = GraphInference(values: values, tensors: TensorTable(tensors))
        for node in nodes { try inference.define(node) }
        try checkOutput(inference.values)
        try inference.tensors.checkAllUsed()
        return inference.values.types
    }

    private func checkOutput(_ values: ValueTable) throws(ModelFormatError) {
        let place = "graph output '\(abbreviated(output))'"
        guard let type = values.types[output] else {
            throw ModelFormatError(
                .undefinedValue, place, expected: "the name of a value", found: "no such value",
                fix: "name a node of the graph")
        }
        guard type.element == .real || type.element == .integer,
            type.shape.height == 1, type.shape.width == 1
        else {
            throw ModelFormatError(
                .graphOutput, place, expected: "real or integer logits [K, 1, 1]",
                found: "\(type.element.rawValue) \(type.shape.text)",
                fix: "end the graph with a fully connected layer or a global pooling")
        }
    }
}

extension Shape {
    /// `[C, H, W]` for messages.
    var text: String { "[\(channels), \(height), \(width)]" }
}

/// The values defined so far, and what they cost.
struct ValueTable {
    private(set) var types: [Name: ValueType] = [:]
    private var elements = 0
    private var work = 0

    mutating func define(
        _ name: Name, _ type: ValueType, place: String
    ) throws(ModelFormatError) {
        try checkName(name, place: place)
        guard types[name] == nil else {
            throw ModelFormatError(
                .duplicateName, place, expected: "a name of its own",
                found: "a value of this name before it", fix: "rename one of the two")
        }
        try check(type.shape, place: place)
        elements += type.shape.count
        guard elements <= FormatLimits.totalElements else {
            throw limit(
                place, "at most \(FormatLimits.totalElements) elements in all values together",
                "\(elements) up to here")
        }
        types[name] = type
    }

    mutating func add(work: Int, place: String) throws(ModelFormatError) {
        let (total, overflow) = self.work.addingReportingOverflow(work)
        guard !overflow, total <= FormatLimits.work else {
            throw limit(place, "at most \(FormatLimits.work) steps for one image", "more")
        }
        self.work = total
    }

    private func check(_ shape: Shape, place: String) throws(ModelFormatError) {
        guard (1...FormatLimits.channels).contains(shape.channels),
            (1...FormatLimits.side).contains(shape.height),
            (1...FormatLimits.side).contains(shape.width),
            let count = checkedProduct([shape.channels, shape.height, shape.width]),
            count <= FormatLimits.elements
        else {
            throw limit(
                place,
                "a shape [C, H, W] of at most [\(FormatLimits.channels), \(FormatLimits.side), "
                    + "\(FormatLimits.side)] and \(FormatLimits.elements) elements",
                shape.text)
        }
    }

    private func limit(
        _ place: String, _ expected: String, _ found: String
    ) -> ModelFormatError {
        ModelFormatError(
            .limitExceeded, place, expected: expected, found: found,
            fix: "no 1-bit network needs so much; the file is damaged or hostile")
    }
}

/// A name is not empty, not too long, and can be printed.
func checkName(_ name: Name, place: String) throws(ModelFormatError) {
    let bytes = name.text.utf8
    guard !bytes.isEmpty, bytes.count <= FormatLimits.nameBytes,
        bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else {
        throw ModelFormatError(
            .invalidName, place,
            expected: "a name of 1 to \(FormatLimits.nameBytes) bytes without control characters",
            found: "'\(abbreviated(name))'", fix: "rename it")
    }
}
