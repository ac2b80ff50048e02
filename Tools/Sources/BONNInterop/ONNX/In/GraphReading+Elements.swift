import BONNModelFormat

// Operators that map each element by itself.
extension GraphReading {
    /// `Add`, `Sub`, `Mul`, `Div` of a value and a constant, or of two values.
    mutating func arithmetic(_ node: ONNXNode) throws(InteropError) {
        let first = try value(node, 0)
        let second = try value(node, 1)
        switch (first, second) {
        case (.constant, .constant): try foldNode(node)
        case (.image, .constant(let constant)): try affine(node, 0, constant, isFirst: false)
        case (.constant(let constant), .image): try affine(node, 1, constant, isFirst: true)
        case (.image, .image): try join(node)
        }
    }

    /// A value and a constant.
    private mutating func affine(
        _ node: ONNXNode, _ index: Int, _ constant: ONNXConstant, isFirst: Bool
    ) throws(InteropError) {
        let x = try plain(node, index)
        let numbers = try channels(constant, of: x, node)
        try graph.reserve(2 * numbers.count, node.place)
        func apply(_ level: Float, _ number: Float) -> Float {
            switch node.operation {
            case "Add": level + number
            case "Mul": level * number
            case "Sub": isFirst ? number - level : level - number
            default: isFirst ? number / level : level / number
            }
        }
        if try mapLevels(node, x, numbers, apply) { return }
        let isDivided = node.operation == "Div"
        guard numbers.allSatisfy({ $0.isFinite && (!isDivided || (1 / $0).isFinite) }) else {
            throw node.fail(
                .mismatch,
                "expected finite numbers\(isDivided ? " whose reciprocals are so too" : ""), found others"
            )
        }
        switch node.operation {
        case "Add": try define(node, try sum(x.id, numbers, node), like: x)
        case "Mul": try define(node, try product(x.id, numbers, node), like: x)
        case "Sub" where isFirst:
            let negative = add(
                try product(x.id, [-1], node), x.shape, hint: "\(entries[x.id].hint).negative")
            try define(node, try sum(negative, numbers, node), like: x)
        case "Sub": try define(node, try sum(x.id, numbers.map(-), node), like: x)
        case "Div" where !isFirst:
            try define(node, try product(x.id, numbers.map { 1 / $0 }, node), like: x)
        default:
            throw node.fail(
                .unsupported,
                "expected a value divided by a constant, found a constant divided by it")
        }
    }

    /// One of two or three numbers: the same numbers, mapped. False for other values.
    private mutating func mapLevels(
        _ node: ONNXNode, _ x: ImageValue, _ numbers: [Float], _ map: (Float, Float) -> Float
    ) throws(InteropError) -> Bool {
        func mapped(_ levels: [Float]) -> [Float] {
            (0..<max(levels.count, numbers.count)).map {
                map(levels[levels.count == 1 ? 0 : $0], numbers[numbers.count == 1 ? 0 : $0])
            }
        }
        switch entries[x.id].form {
        case .levels(let mask, let high, let low):
            try graph.reserve(2 * max(high.count, low.count), node.place)
            try define(node, .levels(mask: mask, high: mapped(high), low: mapped(low)), like: x)
        case .steps(let base, let below, let at, let above):
            try graph.reserve(3 * max(below.count, at.count, above.count), node.place)
            try define(
                node,
                .steps(base: base, below: mapped(below), at: mapped(at), above: mapped(above)),
                like: x)
        default: return false
        }
        return true
    }

    /// Whether a value waits for one reader alone, so that it may become part of that one's node.
    private func isPart(_ id: Int) -> Bool { reals[id] == nil && entries[id].readers.count <= 1 }

    /// A form times one number or one a channel.
    private mutating func product(
        _ id: Int, _ numbers: [Float], _ node: ONNXNode
    ) throws(InteropError) -> ValueForm {
        switch entries[id].form {
        case .sums(var sums) where sums.scale == nil && isPart(id):
            sums.scale = numbers
            return .sums(sums)
        case .bytes(var sums) where sums.scale == nil && sums.bias == nil && isPart(id):
            sums.scale = numbers
            return .bytes(sums)
        default: return .affine(base: try arithmetical(id, node), scale: numbers, shift: nil)
        }
    }

    /// A form plus one number or one a channel.
    private mutating func sum(
        _ id: Int, _ numbers: [Float], _ node: ONNXNode
    ) throws(InteropError) -> ValueForm {
        let outputs = entries[id].shape.channels
        switch entries[id].form {
        case .sums(var sums) where sums.bias == nil && isPart(id):
            try graph.reserve(outputs, node.place)
            sums.scale = sums.scale ?? [1]
            sums.bias = filled(numbers, outputs)
            return .sums(sums)
        case .bytes(var sums) where sums.bias == nil && isPart(id):
            sums.bias = numbers
            return .bytes(sums)
        case .affine(let base, let scale, nil) where isPart(id):
            return .affine(base: base, scale: scale, shift: numbers)
        default: return .affine(base: try arithmetical(id, node), scale: [1], shift: numbers)
        }
    }

    /// A form that a batch norm reads: real, or integer sums.
    private mutating func arithmetical(_ id: Int, _ node: ONNXNode) throws(InteropError) -> Int {
        if case .stored(_, .integer) = entries[id].form { return id }
        _ = try real(id, node)
        return id
    }

    /// `BatchNormalization`: a product and a sum, in float64 and rounded once.
    mutating func batchNorm(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0).named
        guard node.int("training_mode") ?? 0 == 0, node.int("spatial") ?? 1 == 1 else {
            throw node.fail(
                .unsupported,
                "expected a batch norm of channels with the statistics that it has learned, found one of "
                    + "training or without them; export the model in evaluation mode")
        }
        var parts: [[Double]] = []
        for (index, what) in ["scales", "shifts", "means", "variances"].enumerated() {
            let numbers = try numbers(node, index + 1, what).numbers
            guard numbers.count == x.shape.channels, x.axes.count > 1, x.axes[1] == .channel,
                x.order == nil
            else {
                throw node.fail(
                    .mismatch,
                    "expected \(x.shape.channels) \(what) for channels on axis 1, found "
                        + "\(numbers.count) for the axes of \(x.sizes(batch: batch))")
            }
            parts.append(numbers.map(Double.init))
        }
        let epsilon = Double(node.float("epsilon") ?? 1e-5)
        let exact = zip(parts[0], parts[3]).map { $0 / ($1 + epsilon).squareRoot() }
        let scale = exact.map { Float($0) }
        let shift = exact.indices.map { Float(parts[1][$0] - parts[2][$0] * exact[$0]) }
        guard scale.allSatisfy(\.isFinite), shift.allSatisfy(\.isFinite) else {
            throw node.fail(
                .mismatch,
                "expected a batch norm whose scale and shift are float32, found others; the file is "
                    + "damaged, or its training failed")
        }
        let scaled = add(
            try product(x.id, scale, node), x.shape, hint: "\(entries[x.id].hint).scaled")
        try define(node, try sum(scaled, shift, node), like: x)
    }

    /// `Relu`, `LeakyRelu`, `PRelu`, `Clip`, `Sigmoid`, `Abs`, `Neg`.
    mutating func activation(_ node: ONNXNode) throws(InteropError) {
        if case .constant = try value(node, 0) { return try foldNode(node) }
        let x = try plain(node, 0)
        switch node.operation {
        case "Relu": try map(node, x, .relu) { x, _ in max(x, 0) }
        case "Neg":
            if try mapLevels(node, x, [-1], *) { return }
            try define(node, try product(x.id, [-1], node), like: x)
        case "Abs": try rectifier(node, x, [-1])
        case "LeakyRelu": try rectifier(node, x, [node.float("alpha") ?? 0.01])
        case "PRelu":
            try rectifier(node, x, try channels(try numbers(node, 1, "slopes"), of: x, node))
        case "Sigmoid": try map(node, x, .sigmoid) { x, _ in DeploymentArithmetic.sigmoid(x) }
        default: try clip(node, x)
        }
    }

    private mutating func rectifier(
        _ node: ONNXNode, _ x: ImageValue, _ slopes: [Float]
    ) throws(InteropError) {
        if try mapLevels(node, x, slopes, { $0 >= 0 ? $0 : $1 * $0 }) { return }
        let source = try real(x.id, node)
        let name = graph.unique(node.outputs.first?.text ?? "")
        let slope = try graph.store("\(name).slope", slopes, node.place)
        let made = graph.add(name, .prelu(PReLU(slope: slope)), [source])
        try define(node, .stored(made, .real), like: x)
    }

    /// An operation without numbers.
    private mutating func map(
        _ node: ONNXNode, _ x: ImageValue, _ operation: Operation, _ level: (Float, Float) -> Float
    ) throws(InteropError) {
        if try mapLevels(node, x, [0], level) { return }
        let source = try real(x.id, node)
        let made = graph.add(graph.unique(node.outputs.first?.text ?? ""), operation, [source])
        try define(node, .stored(made, .real), like: x)
    }

    private mutating func clip(_ node: ONNXNode, _ x: ImageValue) throws(InteropError) {
        // Attributes up to opset 10, inputs from opset 11 on; left out, there is no limit.
        let least = try limit(node, 1, "min") ?? -.greatestFiniteMagnitude
        let most = try limit(node, 2, "max") ?? .greatestFiniteMagnitude
        if case .rounded(let base, let rate) = entries[x.id].form, least == -127, most == 127 {
            let source = try real(base, node)
            let name = graph.unique(node.outputs.first?.text ?? "")
            let inverse = try graph.store("\(name).inverse_scale", [rate], node.place)
            let made = graph.add(name, .quantize(Quantize(inverseScale: inverse)), [source])
            return try define(node, .stored(made, .signedByte), like: x)
        }
        if try mapLevels(node, x, [0], { level, _ in min(max(level, least), most) }) { return }
        switch (least, most) {
        case (-1, 1): try map(node, x, .hardtanh) { x, _ in x }
        case (0, .greatestFiniteMagnitude...): try map(node, x, .relu) { x, _ in x }
        case (...(-Float.greatestFiniteMagnitude), .greatestFiniteMagnitude...):
            try define(node, .image(x))
        default:
            throw node.fail(
                .unsupported,
                "expected a Clip to -1...1, to at least 0, or to -127...127 behind a product and a Round, "
                    + "found \(least) to \(most)")
        }
    }

    private mutating func limit(
        _ node: ONNXNode, _ index: Int, _ name: Name
    ) throws(InteropError) -> Float? {
        if opset < 11 { return node.float(name) }
        guard let constant = try constant(node, index, "a limit") else { return nil }
        guard let number = constant.numbers.first, constant.count == 1 else {
            throw node.fail(.malformed, "expected one number as \(name), found \(constant.count)")
        }
        return number
    }

    /// `Round`, ties to even: nothing for sums of whole numbers; the first step to signed bytes behind a product.
    mutating func round(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        switch entries[x.id].form {
        case let form where form.isWhole: try define(node, .image(x))
        case .affine(let base, let scale, nil) where scale.count == 1:
            try define(node, .rounded(base: base, rate: scale[0]), like: x)
        default:
            throw node.fail(
                .unsupported,
                "expected a Round of whole numbers, or between a product with one number and a Clip to "
                    + "-127...127, found another one")
        }
    }

    /// `Cast` to float or, of whole numbers, to integers.
    mutating func cast(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        let type = node.int("to").flatMap(ONNXElement.init)
        switch (type, entries[x.id].form) {
        case (.float, .mask), (.float, .storedMask):
            try define(node, .levels(mask: x.id, high: [1], low: [0]), like: x)
        case (.float, _): try define(node, .image(x))
        case (.int32, let form) where form.isWhole, (.int64, let form) where form.isWhole:
            try define(node, .image(x))
        default:
            throw node.fail(
                .unsupported,
                "expected a Cast of numbers or truth values to FLOAT, or of whole numbers to INT32 or "
                    + "INT64, found type \(node.int("to") ?? 0)")
        }
    }
}

extension ValueForm {
    /// Whether all elements are whole numbers, which rounding does not change.
    fileprivate var isWhole: Bool {
        switch self {
        case .sums(let sums): sums.scale == nil
        case .bytes(let sums): sums.scale == nil && sums.bias == nil
        case .stored(_, let element): element != .real
        case .affine, .difference, .rounded, .mask, .storedMask, .levels, .steps: false
        }
    }
}
