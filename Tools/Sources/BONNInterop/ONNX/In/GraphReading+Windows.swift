import BONNModelFormat

// Windows: their numbers, poolings and paddings.
extension GraphReading {
    /// The shape with the rows and columns that a `Pad` has put around it.
    func padded(_ x: ImageValue) -> Shape {
        guard let padding = x.padding else { return x.shape }
        return Shape(
            x.shape.channels, x.shape.height + padding.top + padding.bottom,
            x.shape.width + padding.left + padding.right)
    }

    /// The window of a node whose input has a shape.
    func window(
        _ node: ONNXNode, _ kernel: [Int], of shape: Shape
    ) throws(InteropError) -> Window {
        let strides = node.ints("strides") ?? [1, 1]
        let dilations = node.ints("dilations") ?? [1, 1]
        let pads = node.ints("pads") ?? [0, 0, 0, 0]
        let limit = 0...FormatLimits.window
        guard kernel.count == 2, strides.count == 2, dilations.count == 2, pads.count == 4,
            (kernel + strides + dilations + pads).allSatisfy(limit.contains),
            (kernel + strides + dilations).allSatisfy({ $0 > 0 })
        else {
            throw node.fail(
                .unsupported,
                "expected a window of rows and columns of at most \(FormatLimits.window), and a padding "
                    + "that is not negative, found kernel \(kernel.prefix(8)), strides "
                    + "\(strides.prefix(8)), dilations \(dilations.prefix(8)), pads \(pads.prefix(8))"
            )
        }
        var window = Window(
            height: kernel[0], width: kernel[1], strideHeight: strides[0], strideWidth: strides[1],
            padTop: pads[0], padBottom: pads[2], padLeft: pads[1], padRight: pads[3],
            dilationHeight: dilations[0], dilationWidth: dilations[1])
        switch node.text("auto_pad") ?? "NOTSET" {
        case "NOTSET": break
        case "VALID":
            (window.padTop, window.padBottom, window.padLeft, window.padRight) = (0, 0, 0, 0)
        case let mode where mode == "SAME_UPPER" || mode == "SAME_LOWER":
            func same(
                _ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int
            ) -> (before: Int, after: Int) {
                let outputs = (size + stride - 1) / stride
                let whole = max(0, (outputs - 1) * stride + dilation * (kernel - 1) + 1 - size)
                let small = whole / 2
                return mode == "SAME_UPPER" ? (small, whole - small) : (whole - small, small)
            }
            let rows = same(
                shape.height, window.height, window.strideHeight, window.dilationHeight)
            let columns = same(
                shape.width, window.width, window.strideWidth, window.dilationWidth)
            (window.padTop, window.padBottom) = rows
            (window.padLeft, window.padRight) = columns
        case let mode:
            throw node.fail(
                .unsupported,
                "expected auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, found "
                    + "'\(printable(mode, limit: 20))'")
        }
        return window
    }

    /// The height and width of what a window makes of a shape.
    func output(
        of window: Window, _ shape: Shape, _ node: ONNXNode
    ) throws(InteropError) -> (height: Int, width: Int) {
        do {
            return try window.outputSize(of: shape, place: node.place)
        } catch {
            throw InteropError(.malformed, error.message)
        }
    }

    /// `MaxPool`, `AveragePool`.
    mutating func pool(_ node: ONNXNode) throws(InteropError) {
        let x = try planes(node, 0)
        let isMax = node.operation == "MaxPool"
        let kernel = node.ints("kernel_shape") ?? []
        guard node.ints("dilations") ?? [1, 1] == [1, 1], node.int("storage_order") ?? 0 == 0 else {
            throw node.fail(
                .unsupported, "expected a pooling of neighbors in rows, found dilations or columns")
        }
        var window = try window(node, kernel, of: padded(x))
        if let padding = x.padding {
            // What never wins, or what is counted as zeros: the pooling's own padding.
            let isZero =
                !isMax && padding.number == 0 && window.padTop == 0
                && window.padBottom == 0 && window.padLeft == 0 && window.padRight == 0
            let isLow: Bool
            if case .levels(_, let high, let low) = entries[x.id].form {
                isLow = zip(high, low).allSatisfy { padding.number <= min($0, $1) }
            } else {
                isLow = padding.number <= -Float.greatestFiniteMagnitude
            }
            guard isMax ? isLow : isZero else {
                throw node.fail(
                    .unsupported,
                    "expected a Pad that a pooling of its own would have, found \(padding.number)")
            }
            window.padTop += padding.top
            window.padBottom += padding.bottom
            window.padLeft += padding.left
            window.padRight += padding.right
        }
        if node.int("ceil_mode") ?? 0 != 0 { try roundUp(&window, x.shape, node, isMax: isMax) }
        let size = try output(of: window, x.shape, node)
        let shape = Shape(x.shape.channels, size.height, size.width)
        guard isMax else {
            let counts = node.int("count_include_pad") ?? 0 != 0 || x.padding != nil
            let source = try real(x.id, node)
            let made = graph.add(
                graph.unique(node.outputs.first?.text ?? ""),
                .averagePool(Pool(window: window, countsPadding: counts)), [source])
            return try define(node, .stored(made, .real), like: x, shape: shape)
        }
        try maxPool(node, x, window, shape)
    }

    /// Of bits, or of real numbers. Bits that are there with their order turned are made real first.
    mutating func maxPool(
        _ node: ONNXNode, _ x: ImageValue, _ window: Window, _ shape: Shape
    ) throws(InteropError) {
        let operation = Operation.maxPool(Pool(window: window))
        let id = try resolved(x.id, node)
        if case .levels(let mask, let high, let low) = entries[id].form,
            let large = same(high), let small = same(low), large != small
        {
            var (mask, large, small) = (mask, large, small)
            var isRight = large > small
            if !isRight, let inverse = inverse(of: mask) {
                (mask, large, small, isRight) = (inverse, small, large, true)
            }
            if isRight {
                let wanted: ElementType = large == -small ? .signedBits : .unsignedBits
                let (name, element) = try stored(mask, as: wanted, node)
                let made = graph.add(
                    graph.unique(node.outputs.first?.text ?? ""), operation, [name])
                let pooled = add(.storedMask(made, element), shape, hint: made.text)
                return try define(
                    node, .levels(mask: pooled, high: [large], low: [small]), like: x, shape: shape)
            }
        }
        let made = graph.add(
            graph.unique(node.outputs.first?.text ?? ""), operation, [try real(id, node)])
        try define(node, .stored(made, .real), like: x, shape: shape)
    }

    /// Outputs at the end that a window which is not whole makes: more padding, which wins no maximum and, where it
    /// is not counted, changes no average.
    private func roundUp(
        _ window: inout Window, _ shape: Shape, _ node: ONNXNode, isMax: Bool
    ) throws(InteropError) {
        let rows = (shape.height + window.padTop + window.padBottom - window.height)
        let columns = (shape.width + window.padLeft + window.padRight - window.width)
        let (down, across) = (window.strideHeight, window.strideWidth)
        guard rows >= 0, columns >= 0 else { return }
        let below = (down - rows % down) % down
        let right = (across - columns % across) % across
        // A window that begins in the padding at the end does not count.
        let moreRows = (rows + below) < shape.height + window.padTop ? below : 0
        let moreColumns = (columns + right) < shape.width + window.padLeft ? right : 0
        guard moreRows > 0 || moreColumns > 0 else { return }
        guard isMax || node.int("count_include_pad") ?? 0 == 0,
            window.padBottom + moreRows < window.height,
            window.padRight + moreColumns < window.width
        else {
            throw node.fail(
                .unsupported,
                "expected windows that fit into the padded input, found ceil_mode with some that do not; "
                    + "export it without ceil_mode")
        }
        window.padBottom += moreRows
        window.padRight += moreColumns
    }

    /// `GlobalAveragePool`, `GlobalMaxPool`, and `ReduceMean` of rows and columns.
    mutating func reduce(_ node: ONNXNode) throws(InteropError) {
        if case .constant = try value(node, 0) { return try foldNode(node) }
        let x = try plain(node, 0).named
        var result = x
        if node.operation == "ReduceMean" {
            // An attribute up to opset 17, an input from opset 18 on.
            let given = opset < 18 ? node.ints("axes") : try constant(node, 1, "axes")?.ints
            let axes = given.flatMap { ConstantShape.axes($0, rank: x.axes.count) } ?? []
            let planes = x.axes.indices.filter { x.axes[$0] == .height || x.axes[$0] == .width }
            guard planes.count == 2, axes.sorted() == planes, x.order == nil else {
                throw node.fail(
                    .unsupported,
                    "expected a mean of rows and columns, found axes \((given ?? []).prefix(8)) of "
                        + "\(x.sizes(batch: batch))")
            }
            if node.int("keepdims") ?? 1 == 0 {
                result.axes = x.axes.filter { $0 != .height && $0 != .width }
            }
        } else {
            guard x.axes == ImageValue.planes, x.order == nil else {
                throw node.fail(
                    .unsupported,
                    "expected an input [N, C, H, W], found the shape \(x.sizes(batch: batch)) of other axes"
                )
            }
        }
        let shape = Shape(x.shape.channels, 1, 1)
        if node.operation == "GlobalMaxPool" {
            let window = Window(
                height: x.shape.height, width: x.shape.width, strideHeight: 1, strideWidth: 1,
                padTop: 0, padBottom: 0, padLeft: 0, padRight: 0)
            _ = try output(of: window, x.shape, node)
            return try maxPool(node, x, window, shape)
        }
        let source = try real(x.id, node)
        let made = graph.add(
            graph.unique(node.outputs.first?.text ?? ""), .globalAveragePool, [source])
        try define(node, .stored(made, .real), like: result, shape: shape)
    }

    /// `Pad` with one number, which waits for the window that reads it.
    mutating func pad(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0).named
        // Attributes up to opset 10, inputs from opset 11 on.
        let isOld = opset < 11
        let sizes =
            isOld ? node.ints("pads") : try constant(node, 1, "the sizes of a padding")?.ints
        var number = isOld ? node.float("value") ?? 0 : 0
        if !isOld, let given = try constant(node, 2, "the number of a padding")?.numbers.first {
            number = given
        }
        var axes = Array(x.axes.indices)
        if !isOld, let given = try constant(node, 3, "the axes of a padding")?.ints {
            axes = ConstantShape.axes(given, rank: x.axes.count) ?? []
        }
        guard node.text("mode") ?? "constant" == "constant", let sizes, !axes.isEmpty,
            sizes.count == 2 * axes.count, !number.isNaN,
            sizes.allSatisfy((0...FormatLimits.window).contains)
        else {
            throw node.fail(
                .unsupported,
                "expected a padding of one number and of 0 to \(FormatLimits.window) rows and columns, "
                    + "found another one")
        }
        var padding = ImageValue.Padding(top: 0, left: 0, bottom: 0, right: 0, number: number)
        for (place, axis) in axes.enumerated() {
            let (before, after) = (sizes[place], sizes[place + axes.count])
            switch x.axes[axis] {
            case .height: (padding.top, padding.bottom) = (before, after)
            case .width: (padding.left, padding.right) = (before, after)
            case .batch, .channel, .unit:
                guard before == 0, after == 0 else {
                    throw node.fail(
                        .unsupported,
                        "expected a padding of rows and columns alone, found one of others")
                }
            }
        }
        var value = x
        let isNothing =
            padding.top == 0 && padding.left == 0 && padding.bottom == 0 && padding.right == 0
        value.padding = isNothing ? nil : padding
        try define(node, .image(value))
    }
}
