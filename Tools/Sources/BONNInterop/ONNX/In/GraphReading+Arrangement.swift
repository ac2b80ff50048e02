import BONNModelFormat

// Operators that only change which axis is which, and flattening.
extension GraphReading {
    /// `Transpose`.
    mutating func transpose(_ node: ONNXNode) throws(InteropError) {
        if case .constant = try value(node, 0) { return try foldNode(node) }
        var x = try image(node, 0)
        let given = node.ints("perm") ?? Array(x.axes.indices.reversed())
        let order = ConstantShape.axes(given, rank: x.axes.count) ?? []
        guard order.count == x.axes.count else {
            throw node.fail(
                .malformed,
                "expected an order of \(x.axes.count) axes, found \(given.prefix(8))")
        }
        x.axes = order.map { x.axes[$0] }
        try define(node, .image(x))
    }

    /// `Squeeze` and `Unsqueeze`.
    mutating func squeeze(_ node: ONNXNode) throws(InteropError) {
        if case .constant = try value(node, 0) { return try foldNode(node) }
        var x = try plain(node, 0)
        // An attribute up to opset 12, an input from opset 13 on.
        let given = opset < 13 ? node.ints("axes") : try constant(node, 1, "axes")?.ints
        guard let given else {
            throw node.fail(.unsupported, "expected the axes, found none; name them")
        }
        let isSqueeze = node.operation == "Squeeze"
        let rank = x.axes.count + (isSqueeze ? 0 : given.count)
        guard rank <= ONNXTensor.mostDimensions, let axes = ConstantShape.axes(given, rank: rank)
        else {
            throw node.fail(
                .malformed, "expected different axes below \(rank), found \(given.prefix(8))")
        }
        for axis in axes.sorted(by: isSqueeze ? (>) : (<)) {
            guard isSqueeze else {
                x.axes.insert(.unit, at: axis)
                continue
            }
            guard x.axes[axis] != .batch, x.size(x.axes[axis], batch: batch) == 1 else {
                throw node.fail(
                    .unsupported,
                    "expected axes of one element, not that of the images, found axis \(axis) of "
                        + "\(x.sizes(batch: batch))")
            }
            x.axes.remove(at: axis)
        }
        try define(node, .image(x))
    }

    /// `Flatten` and `Reshape`.
    mutating func reshape(_ node: ONNXNode) throws(InteropError) {
        if case .constant = try value(node, 0) { return try foldNode(node) }
        let x = try plain(node, 0)
        let sizes = x.sizes(batch: batch)
        let target: [Int]?
        if node.operation == "Flatten" {
            let axis = node.int("axis") ?? 1
            target =
                axis == 1 || axis == 1 - sizes.count
                ? [batch, x.shape.count] : nil
        } else {
            let given = try numbers(node, 1, "a shape").ints ?? []
            target =
                given.isEmpty || given.count > ONNXTensor.mostDimensions
                ? nil
                : ConstantShape.reshape(
                    sizes, to: given, allowsZero: node.int("allowzero") ?? 0 != 0)
        }
        guard let target, target.first == batch, x.axes.first == .batch else {
            throw node.fail(
                .unsupported,
                "expected a shape of the same elements that keeps those of an image together, found one "
                    + "of \(sizes) that does not")
        }
        let rest = x.axes.dropFirst().filter { x.size($0, batch: batch) != 1 }
        let wide = target.dropFirst().filter { $0 != 1 }
        if wide == rest.map({ x.size($0, batch: batch) }) {
            // The same axes, with others of one element between them.
            var names = rest[...]
            var result = x
            result.axes =
                [.batch] + target.dropFirst().map { $0 == 1 ? .unit : names.removeFirst() }
            // Alone, they are the channels of a vector.
            if wide.count <= 1, result.axes.count == 2, !result.axes.contains(.channel) {
                return try flatten(node, x, axes: [.batch, .channel], rest)
            }
            return try define(node, .image(result))
        }
        guard wide.count == 1, x.order == nil else {
            throw node.fail(
                .unsupported,
                "expected a shape of one row an image, or of the same axes, found \(target) of \(sizes)"
            )
        }
        let axes = target.dropFirst().map { $0 == 1 ? ImageValue.Axis.unit : .channel }
        try flatten(node, x, axes: [.batch] + axes, rest)
    }

    /// One vector an image; where channels are not outermost, their order is remembered.
    private mutating func flatten(
        _ node: ONNXNode, _ x: ImageValue, axes: [ImageValue.Axis], _ wide: [ImageValue.Axis]
    ) throws(InteropError) {
        let shape = Shape(x.shape.count, 1, 1)
        var order: [Int]?
        let natural = [ImageValue.Axis.channel, .height, .width].filter { wide.contains($0) }
        if wide != natural {
            try graph.reserve(2 * shape.channels, node.place)
            let steps: [ImageValue.Axis: Int] = [
                .channel: x.shape.height * x.shape.width, .height: x.shape.width, .width: 1,
            ]
            order = ConstantShape.places(
                wide.map { x.size($0, batch: batch) }, strides: wide.map { steps[$0] ?? 0 })
        }
        var result = x
        result.axes = axes
        guard shape != x.shape else { return try define(node, .image(result)) }
        let form = try rearranged([x.id], node) { (inputs, graph, hint) in
            graph.add(graph.unique(hint), .flatten, inputs)
        }
        try define(node, form, like: result, shape: shape, order: order)
    }
}
