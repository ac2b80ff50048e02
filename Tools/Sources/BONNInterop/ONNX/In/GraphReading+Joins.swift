import BONNModelFormat

// Operators of two or more values.
extension GraphReading {
    /// `Add`, `Sub`, `Mul` of two values.
    mutating func join(_ node: ONNXNode) throws(InteropError) {
        let (a, b) = (try plain(node, 0), try plain(node, 1))
        guard a.order == b.order, a.axes.count == b.axes.count else {
            throw node.fail(
                .unsupported,
                "expected two values of one order, found a flattened one beside another")
        }
        if node.operation == "Mul" { return try multiply(node, a.named, b.named) }
        guard node.operation != "Div" else {
            throw node.fail(.unsupported, "expected a constant to divide by, found a value")
        }
        guard a.named.axes == b.named.axes, a.shape == b.shape else {
            throw node.fail(
                .unsupported,
                "expected two values of one shape, found \(a.sizes(batch: batch)) and "
                    + "\(b.sizes(batch: batch))")
        }
        if node.operation == "Add" {
            if let value = straightThrough(a, b) ?? straightThrough(b, a) {
                return try define(node, .image(value))
            }
            if let sums = try together(a.id, b.id, node) {
                return try define(node, .bytes(sums), like: a)
            }
            return try addNode(node, a, b.id)
        }
        // fl(a - b) is fl(a + -b), and -b is exact.
        let negative = add(
            .affine(base: b.id, scale: [-1], shift: nil), b.shape,
            hint: "\(entries[b.id].hint).negative")
        // Made only where it is needed: see `straightThrough`.
        try define(node, .difference(of: a.id, and: negative), like: a)
    }

    private mutating func addNode(
        _ node: ONNXNode, _ a: ImageValue, _ b: Int
    ) throws(InteropError) {
        let inputs = [try real(a.id, node), try real(b, node)]
        let made = graph.add(graph.unique(node.outputs.first?.text ?? ""), .add, inputs)
        try define(node, .stored(made, .real), like: a)
    }

    /// a of (a - b) + b: how training code that passes gradients through a sign (`sign.detach() -
    /// clip.detach() + clip`) looks in a graph. The sum is meant to be a, and is a but for its roundings.
    private func straightThrough(_ sum: ImageValue, _ b: ImageValue) -> ImageValue? {
        guard case .difference(let first, let second) = entries[sum.id].form,
            case .affine(b.id, _, _) = entries[second].form
        else { return nil }
        var value = sum
        value.id = first
        return value
    }

    /// The sum of two layers that read the same signed bytes, as one layer.
    private mutating func together(
        _ a: Int, _ b: Int, _ node: ONNXNode
    ) throws(InteropError) -> ByteSums? {
        guard case .bytes(var sums) = entries[a].form, case .bytes(let other) = entries[b].form,
            sums.input == other.input, sums.window == other.window, sums.groups == other.groups,
            sums.shape == other.shape, sums.scale == nil, other.scale == nil, sums.bias == nil,
            other.bias == nil
        else { return nil }
        try graph.reserve(sums.weights.count, node.place)
        for (index, weight) in other.weights.enumerated() { sums.weights[index] += weight }
        return sums.weights.allSatisfy((-128...127).contains) ? sums : nil
    }

    /// A product of two values, one of which may have one factor a channel or a pixel.
    private mutating func multiply(
        _ node: ONNXNode, _ a: ImageValue, _ b: ImageValue
    ) throws(InteropError) {
        func factors(_ shape: Shape) -> [Shape] {
            [shape, Shape(shape.channels, 1, 1), Shape(1, shape.height, shape.width)]
        }
        let (wide, narrow) = factors(a.shape).contains(b.shape) ? (a, b) : (b, a)
        guard factors(wide.shape).contains(narrow.shape), wide.axes == narrow.axes else {
            throw node.fail(
                .unsupported,
                "expected two values of one shape, or one factor a channel or a pixel, found "
                    + "\(a.sizes(batch: batch)) and \(b.sizes(batch: batch))")
        }
        let inputs = [try real(wide.id, node), try real(narrow.id, node)]
        let made = graph.add(graph.unique(node.outputs.first?.text ?? ""), .multiply, inputs)
        try define(node, .stored(made, .real), like: wide)
    }

    /// `Concat` along the channels.
    mutating func concatenate(_ node: ONNXNode) throws(InteropError) {
        var images: [ImageValue] = []
        for index in node.inputs.indices {
            if images.isEmpty, case .constant = try value(node, index) {
                return try foldNode(node)
            }
            images.append(try plain(node, index))
        }
        guard let first = images.first else {
            throw node.fail(.malformed, "expected inputs, found none")
        }
        let axis = ConstantShape.axes([node.int("axis") ?? 1], rank: first.axes.count)?.first
        guard let axis, first.axes[axis] == .channel else {
            throw node.fail(
                .unsupported, "expected values joined along their channels, found another axis")
        }
        var channels = 0
        for value in images {
            guard value.axes == first.axes, value.order == nil,
                value.shape.height == first.shape.height, value.shape.width == first.shape.width
            else {
                throw node.fail(
                    .unsupported,
                    "expected values of one height and width and channels in their order, found "
                        + "\(first.sizes(batch: batch)) and \(value.sizes(batch: batch))")
            }
            channels += value.shape.channels
        }
        let shape = Shape(channels, first.shape.height, first.shape.width)
        guard images.count > 1 else { return try define(node, .image(first)) }
        let form = try rearranged(images.map(\.id), node) { (inputs, graph, hint) in
            graph.add(graph.unique(hint), .concatenate, inputs)
        }
        try define(node, form, like: first, shape: shape)
    }

    /// Values in another order of their elements: as bits, bytes or sums where all of them are, else as real numbers.
    ///
    /// - Parameter arrange: adds the operation that puts the elements in order.
    mutating func rearranged(
        _ ids: [Int], _ node: ONNXNode,
        _ arrange: (_ inputs: [Name], _ graph: inout ImportedGraph, _ hint: String) -> Name
    ) throws(InteropError) -> ValueForm {
        let hint = node.outputs.first?.text ?? ""
        var inputs: [Name] = []
        var operands: [(bits: Name, element: ElementType, factor: Float)] = []
        for id in ids {
            if let operand = try operand(id, node) { operands.append(operand) }
        }
        if operands.count == ids.count, let first = operands.first,
            operands.allSatisfy({ $0.element == first.element && $0.factor == first.factor })
        {
            let name = arrange(operands.map(\.bits), &graph, hint)
            let mask = add(.storedMask(name, first.element), entries[ids[0]].shape, hint: "")
            let low = first.element == .signedBits ? -first.factor : 0
            return .levels(mask: mask, high: [first.factor], low: [low])
        }
        let elements = ids.compactMap { id -> ElementType? in
            switch entries[id].form {
            case .stored(_, let element): element == .signedByte ? nil : element
            case .sums(let sums): sums.scale == nil && reals[id] == nil ? .integer : nil
            default: nil
            }
        }
        if elements.count == ids.count, let element = elements.first, element != .real,
            elements.allSatisfy({ $0 == element })
        {
            for id in ids { inputs.append(try compared(id, node).0) }
            return .stored(arrange(inputs, &graph, hint), element)
        }
        for id in ids { inputs.append(try real(id, node)) }
        return .stored(arrange(inputs, &graph, hint), .real)
    }
}
