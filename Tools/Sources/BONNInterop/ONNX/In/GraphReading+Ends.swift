import BONNModelFormat

// The ends of a graph: its input and its logits.
extension GraphReading {
    /// The name of the model's input.
    var inputName: Name {
        guard case .stored(let name, _) = entries[0].form else { return "" }
        return name
    }

    /// The node of the model that holds the logits.
    mutating func finish(_ output: ONNXPort) throws(InteropError) -> Name {
        let title = "\(file.place), output '\(printable(output.name.text, limit: 60))'"
        guard case .image(let x)? = values[output.name] else {
            throw InteropError(
                .malformed,
                "\(title): expected the value of a node that depends on the image, found none")
        }
        let sizes = x.sizes(batch: batch)
        guard x.padding == nil, x.order == nil, x.shape.height == 1, x.shape.width == 1,
            sizes.count > 1, x.axes[0] == .batch, sizes[1] == x.shape.channels
        else {
            throw InteropError(
                .unsupported,
                "\(title): expected logits [N, K], found the shape \(sizes); export the network with its "
                    + "classifier")
        }
        let source = file.nodes.first { $0.outputs.contains(output.name) }
        guard let node = source ?? file.nodes.last else {
            throw InteropError(.malformed, "\(title): expected nodes, found none")
        }
        let isInteger = output.element == 6 || output.element == 7
        if isInteger, case .sums(let sums) = entries[x.id].form, sums.scale == nil {
            return try compared(x.id, node).0
        }
        if isInteger, case .stored(let name, .integer) = entries[x.id].form { return name }
        return try real(x.id, node)
    }

    /// `Softmax` and `LogSoftmax` at the end: a model file ends with the logits.
    mutating func softmax(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        let axis = node.int("axis") ?? (opset < 13 ? 1 : -1)
        guard x.shape.height == 1, x.shape.width == 1, x.axes.count == 2,
            axis == 1 || axis == -1, let name = node.outputs.first,
            name == file.outputs.first?.name, readers[name] == nil
        else {
            throw node.fail(
                .unsupported,
                "expected a Softmax of the classes at the end of the graph, found another one, which the "
                    + "model format has no operation for")
        }
        hasSoftmax = true
        try define(node, .image(x))
    }
}
