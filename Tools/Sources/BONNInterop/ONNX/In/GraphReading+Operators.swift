import BONNModelFormat

// Which operator is read by which function.
extension GraphReading {
    /// Reads a node.
    mutating func read(_ node: ONNXNode) throws(InteropError) {
        guard node.domain.isEmpty || Self.quantizationDomains.contains(Name(node.domain)) else {
            throw unknown(node)
        }
        switch node.operation {
        case "Constant": try readConstant(node)
        case "Shape":
            guard case .image(let x) = try value(node, 0) else { return try foldShape(node) }
            try define(
                node, .constant(ONNXConstant([x.axes.count], .ints(x.sizes(batch: batch)))))
        case "Identity", "Dropout":
            if node.operation == "Dropout", opset >= 12,
                try constant(node, 2, "whether it trains")?.bools?.first == true
            {
                throw node.fail(
                    .unsupported,
                    "expected no training, found it; export the model in evaluation mode")
            }
            try define(node, try value(node, 0))
        case "Conv": try convolution(node)
        case "Gemm", "MatMul": try linear(node)
        case "BatchNormalization": try batchNorm(node)
        case "MaxPool", "AveragePool": try pool(node)
        case "GlobalAveragePool", "GlobalMaxPool", "ReduceMean": try reduce(node)
        case "Pad": try pad(node)
        case "Add", "Sub", "Mul", "Div": try arithmetic(node)
        case "Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Abs", "Neg": try activation(node)
        case "Round": try isConstant(node) ? foldNode(node) : round(node)
        case "Cast": try isConstant(node) ? foldNode(node) : cast(node)
        case "Sign": try isConstant(node) ? foldNode(node) : sign(node)
        case "Not": try isConstant(node) ? foldNode(node) : invert(node)
        case "Where": try isConstant(node) ? foldNode(node) : choose(node)
        case "BipolarQuant": try isConstant(node) ? foldNode(node) : bipolarQuant(node)
        case "And", "Or": try combine(node, isAnd: node.operation == "And")
        case "Concat": try concatenate(node)
        case "Transpose": try transpose(node)
        case "Squeeze", "Unsqueeze": try squeeze(node)
        case "Flatten", "Reshape": try reshape(node)
        case "Softmax", "LogSoftmax": try softmax(node)
        default:
            if let comparison = Comparison(operator: node.operation), try !isConstant(node) {
                return try compare(node, comparison)
            }
            guard try isConstant(node) else { throw unknown(node) }
            try foldNode(node)
        }
    }

    /// Where QONNX and older Brevitas keep `BipolarQuant`.
    private static let quantizationDomains: Set<Name> = [
        "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general",
    ]

    /// An operator that has no meaning here.
    func unknown(_ node: ONNXNode) -> InteropError {
        let domain = node.domain.isEmpty ? "" : " of '\(printable(node.domain, limit: 60))'"
        return node.fail(
            .unsupported,
            "expected an operator that the model format can compute, found "
                + "'\(printable(node.operation, limit: 60))'\(domain); Documentation/importing.md lists those "
                + "that are read")
    }

    /// Whether all inputs are constants.
    private mutating func isConstant(_ node: ONNXNode) throws(InteropError) -> Bool {
        for index in node.inputs.indices where node.input(index) != nil {
            if case .image = try value(node, index) { return false }
        }
        return !node.inputs.isEmpty
    }

    private mutating func readConstant(_ node: ONNXNode) throws(InteropError) {
        let value: ONNXConstant
        if let tensor = node.tensor("value") {
            value = try constant(of: tensor, node)
        } else if let number = node.float("value_float") {
            value = ONNXConstant([], .floats([number]))
        } else if let number = node.int("value_int") {
            value = ONNXConstant([], .ints([number]))
        } else if let numbers = node.floats("value_floats") {
            value = ONNXConstant([numbers.count], .floats(numbers))
        } else if let numbers = node.ints("value_ints") {
            value = ONNXConstant([numbers.count], .ints(numbers))
        } else {
            throw node.fail(
                .unsupported, "expected a tensor or numbers as the value, found none of them")
        }
        try define(node, .constant(value))
    }

    private mutating func foldShape(_ node: ONNXNode) throws(InteropError) {
        let shape = try numbers(node, 0, "a tensor").shape
        try define(node, .constant(ONNXConstant([shape.count], .ints(shape))))
    }
}
