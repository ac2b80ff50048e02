import BONNModelFormat

// What follows from constants alone: weights that a graph computes, and shapes.
extension GraphReading {
    /// Computes a node whose inputs are all constant.
    mutating func foldNode(_ node: ONNXNode) throws(InteropError) {
        var inputs: [ONNXConstant?] = []
        for index in node.inputs.indices {
            inputs.append(try constant(node, index, "an input"))
        }
        guard let first = inputs.first.flatMap({ $0 }) else {
            throw node.fail(.malformed, "expected an input, found none")
        }
        if node.operation == "Add", let value = straightThrough(node) {
            return try define(node, .constant(value))
        }
        try define(node, .constant(try fold(node, first, inputs)))
        guard node.operation == "Sub", node.inputs.count == 2, let name = node.outputs.first else {
            return
        }
        constantDifferences[name] = (from: first, what: node.inputs[1])
    }

    /// a of (a - b) + b, as of values: `GraphReading.straightThrough` of two images.
    private func straightThrough(_ node: ONNXNode) -> ONNXConstant? {
        guard node.inputs.count == 2 else { return nil }
        for (difference, other) in [(0, 1), (1, 0)] {
            if let found = constantDifferences[node.inputs[difference]],
                found.what == node.inputs[other], case .constant(let what)? = values[found.what],
                ConstantShape.broadcast(found.from.shape, what.shape) == found.from.shape
            {
                return found.from
            }
        }
        return nil
    }

    private mutating func fold(
        _ node: ONNXNode, _ x: ONNXConstant, _ inputs: [ONNXConstant?]
    ) throws(InteropError) -> ONNXConstant {
        func input(_ index: Int) throws(InteropError) -> ONNXConstant {
            guard index < inputs.count, let input = inputs[index] else {
                throw node.fail(
                    .malformed, "expected an input \(index), found \(inputs.count) inputs")
            }
            return input
        }
        switch node.operation {
        case "Identity", "Dropout": return x
        case "Neg", "Abs", "Sign", "Sqrt", "Relu", "Round", "Floor", "Ceil", "Sigmoid":
            try graph.reserve(2 * x.count, node.place)
            if let ints = x.ints, node.operation == "Neg" {
                return ONNXConstant(x.shape, .ints(ints.map { 0 &- $0 }))
            }
            return ONNXConstant(
                x.shape, .floats(x.numbers.map { Self.map(node.operation, $0) }))
        case "Not":
            try graph.reserve(x.count, node.place)
            return ONNXConstant(x.shape, .bools((x.bools ?? []).map { !$0 }))
        case "Add", "Sub", "Mul", "Div", "Min", "Max", "Greater", "GreaterOrEqual", "Less",
            "LessOrEqual", "Equal", "And", "Or":
            return try combine(node, x, try input(1))
        case "Where":
            let (high, low) = (try input(1), try input(2))
            let (mask, first) = try together(node, x, high)
            let (condition, _) = try together(node, mask, low)
            let whole = condition.shape
            let (a, b) = (try spread(node, first, whole), try spread(node, low, whole))
            let flags = condition.numbers
            try graph.reserve(2 * flags.count, node.place)
            if let high = a.ints, let low = b.ints {
                return ONNXConstant(
                    whole, .ints(flags.indices.map { flags[$0] != 0 ? high[$0] : low[$0] }))
            }
            let (high1, low1) = (a.numbers, b.numbers)
            return ONNXConstant(
                whole, .floats(flags.indices.map { flags[$0] != 0 ? high1[$0] : low1[$0] }))
        case "Cast": return try cast(node, x)
        case "Clip":
            try graph.reserve(x.count, node.place)
            let low = inputs.count > 1 ? inputs[1]?.numbers.first : node.float("min")
            let high = inputs.count > 2 ? inputs[2]?.numbers.first : node.float("max")
            return ONNXConstant(
                x.shape,
                .floats(x.numbers.map { min(max($0, low ?? -.infinity), high ?? .infinity) }))
        case "BipolarQuant":
            let (values, scale) = try together(node, x, try input(1))
            let (a, b) = (values.numbers, scale.numbers)
            try graph.reserve(a.count, node.place)
            return ONNXConstant(
                values.shape, .floats(a.indices.map { a[$0] >= 0 ? b[$0] : -b[$0] }))
        case "ReduceMean": return try mean(node, x, inputs)
        default: return try arrange(node, x, inputs)
        }
    }

    private static func map(_ operation: String, _ x: Float) -> Float {
        switch operation {
        case "Neg": -x
        case "Abs": abs(x)
        case "Sign": sign(x)
        case "Sqrt": x.squareRoot()
        case "Relu": max(x, 0)
        case "Round": x.rounded(.toNearestOrEven)
        case "Floor": x.rounded(.down)
        case "Ceil": x.rounded(.up)
        default: DeploymentArithmetic.sigmoid(x)
        }
    }

    /// A constant as one of a larger shape.
    private mutating func spread(
        _ node: ONNXNode, _ x: ONNXConstant, _ shape: [Int]
    ) throws(InteropError) -> ONNXConstant {
        guard x.shape != shape else { return x }
        guard shape.count <= ONNXTensor.mostDimensions,
            ConstantShape.broadcast(x.shape, shape) == shape,
            let count = ConstantShape.count(shape, atMost: FormatLimits.elements)
        else {
            throw node.fail(
                .malformed, "expected shapes that fit, found \(x.shape) and \(shape)")
        }
        try graph.reserve(2 * count, node.place)
        let strides = ConstantShape.strides(x.shape, broadcastTo: shape)
        return x.picking(ConstantShape.places(shape, strides: strides), shape)
    }

    /// Two constants as ones of one shape.
    private mutating func together(
        _ node: ONNXNode, _ a: ONNXConstant, _ b: ONNXConstant
    ) throws(InteropError) -> (ONNXConstant, ONNXConstant) {
        guard let shape = ConstantShape.broadcast(a.shape, b.shape) else {
            throw node.fail(
                .malformed, "expected shapes that fit, found \(a.shape) and \(b.shape)")
        }
        return (try spread(node, a, shape), try spread(node, b, shape))
    }

    private mutating func combine(
        _ node: ONNXNode, _ a: ONNXConstant, _ b: ONNXConstant
    ) throws(InteropError) -> ONNXConstant {
        let (a, b) = try together(node, a, b)
        try graph.reserve(3 * a.count, node.place)
        if let first = a.ints, let second = b.ints,
            let values = try Self.integers(node, first, second)
        {
            return ONNXConstant(a.shape, .ints(values))
        }
        let (first, second) = (a.numbers, b.numbers)
        func flags(_ holds: (Float, Float) -> Bool) -> ONNXConstant {
            ONNXConstant(a.shape, .bools(zip(first, second).map(holds)))
        }
        func floats(_ value: (Float, Float) -> Float) -> ONNXConstant {
            ONNXConstant(a.shape, .floats(zip(first, second).map(value)))
        }
        if let comparison = Comparison(operator: node.operation) {
            return flags(comparison.holds)
        }
        switch node.operation {
        case "Equal": return flags(==)
        case "And": return flags { $0 != 0 && $1 != 0 }
        case "Or": return flags { $0 != 0 || $1 != 0 }
        case "Add": return floats(+)
        case "Sub": return floats(-)
        case "Mul": return floats(*)
        case "Div": return floats(/)
        case "Min": return floats { min($0, $1) }
        default: return floats { max($0, $1) }
        }
    }

    /// Integers wrap around as ONNX's do; nil for operators that compare.
    private static func integers(
        _ node: ONNXNode, _ a: [Int], _ b: [Int]
    ) throws(InteropError) -> [Int]? {
        switch node.operation {
        case "Add": return zip(a, b).map { $0 &+ $1 }
        case "Sub": return zip(a, b).map { $0 &- $1 }
        case "Mul": return zip(a, b).map { $0 &* $1 }
        case "Min": return zip(a, b).map { min($0, $1) }
        case "Max": return zip(a, b).map { max($0, $1) }
        case "Div":
            guard !b.contains(0) else {
                throw node.fail(.malformed, "expected integers to divide by, found a 0")
            }
            return zip(a, b).map { $0.dividedReportingOverflow(by: $1).partialValue }
        default: return nil
        }
    }

    private mutating func cast(
        _ node: ONNXNode, _ x: ONNXConstant
    ) throws(InteropError) -> ONNXConstant {
        try graph.reserve(2 * x.count, node.place)
        switch node.int("to").flatMap(ONNXElement.init) {
        case .float, .double: return ONNXConstant(x.shape, .floats(x.numbers))
        case .bool: return ONNXConstant(x.shape, .bools(x.numbers.map { $0 != 0 }))
        case .some(let element):
            let values: [Int?] =
                x.ints ?? x.numbers.map { Int(exactly: $0.rounded(.towardZero)) }
            let whole = values.compactMap { $0.flatMap { element.range.contains($0) ? $0 : nil } }
            guard whole.count == values.count else {
                throw node.fail(
                    .malformed, "expected numbers that the type of the Cast has, found others")
            }
            return ONNXConstant(x.shape, .ints(whole))
        case nil:
            throw node.fail(
                .unsupported,
                "expected a Cast to FLOAT, DOUBLE, BOOL or an integer type, found type "
                    + "\(node.int("to") ?? 0)")
        }
    }

    /// A mean over axes, in float64 and rounded once.
    private mutating func mean(
        _ node: ONNXNode, _ x: ONNXConstant, _ inputs: [ONNXConstant?]
    ) throws(InteropError) -> ONNXConstant {
        let given = opset < 18 ? node.ints("axes") : inputs.count > 1 ? inputs[1]?.ints : nil
        let axes = ConstantShape.axes(given ?? Array(x.shape.indices), rank: x.shape.count)
        guard let axes, x.count > 0 else {
            throw node.fail(.malformed, "expected axes of \(x.shape), found others")
        }
        try graph.reserve(4 * x.count, node.place)
        let kept = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
        var sums = [Double](repeating: 0, count: kept.reduce(1, *))
        let strides = ConstantShape.strides(kept, broadcastTo: x.shape)
        let numbers = x.numbers
        for (index, place) in ConstantShape.places(x.shape, strides: strides).enumerated() {
            sums[place] += Double(numbers[index])
        }
        let share = Double(x.count / sums.count)
        let shape =
            node.int("keepdims") ?? 1 != 0
            ? kept : x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
        return ONNXConstant(shape, .floats(sums.map { Float($0 / share) }))
    }

    /// Operators that put elements elsewhere.
    private mutating func arrange(
        _ node: ONNXNode, _ x: ONNXConstant, _ inputs: [ONNXConstant?]
    ) throws(InteropError) -> ONNXConstant {
        let rank = x.shape.count
        let second = inputs.count > 1 ? inputs[1] : nil
        switch node.operation {
        case "Transpose":
            let order = ConstantShape.axes(
                node.ints("perm") ?? Array((0..<rank).reversed()), rank: rank)
            guard let order, order.count == rank else { break }
            try graph.reserve(2 * x.count, node.place)
            let strides = ConstantShape.strides(x.shape)
            let shape = order.map { x.shape[$0] }
            return x.picking(
                ConstantShape.places(shape, strides: order.map { strides[$0] }), shape)
        case "Reshape":
            let shape = ConstantShape.reshape(
                x.shape, to: second?.ints ?? [], allowsZero: node.int("allowzero") ?? 0 != 0)
            guard let shape, shape.count <= ONNXTensor.mostDimensions else { break }
            return x.reshaped(shape)
        case "Squeeze", "Unsqueeze":
            let given = opset < 13 ? node.ints("axes") : second?.ints
            if node.operation == "Squeeze" {
                let ones = x.shape.indices.filter { x.shape[$0] == 1 }
                let axes = ConstantShape.axes(given ?? ones, rank: rank)
                guard let axes, axes.allSatisfy({ x.shape[$0] == 1 }) else { break }
                return x.reshaped(
                    x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
            }
            guard let given, rank + given.count <= ONNXTensor.mostDimensions,
                let axes = ConstantShape.axes(given, rank: rank + given.count)
            else { break }
            var shape = x.shape
            for axis in axes.sorted() { shape.insert(1, at: axis) }
            return x.reshaped(shape)
        case "Flatten":
            let axis = node.int("axis") ?? 1
            guard (0...rank).contains(axis) else { break }
            return x.reshaped([
                x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *),
            ])
        case "Concat":
            let parts = inputs.compactMap { $0 }
            guard parts.allSatisfy({ $0.shape.count == 1 && ($0.ints != nil) == (x.ints != nil) })
            else { break }
            let count = parts.reduce(0) { $0 + $1.count }
            try graph.reserve(count, node.place)
            if x.ints != nil {
                return ONNXConstant([count], .ints(parts.flatMap { $0.ints ?? [] }))
            }
            return ONNXConstant([count], .floats(parts.flatMap(\.numbers)))
        case "Gather":
            guard rank == 1, let second, let places = second.ints else { break }
            let found = places.map { $0 < 0 ? $0 &+ x.count : $0 }
            guard found.allSatisfy(x.shape[0] > 0 ? (0..<x.shape[0]).contains : { _ in false })
            else { break }
            try graph.reserve(found.count, node.place)
            return x.picking(found, second.shape)
        case "Slice":
            guard let picked = try slice(node, x, inputs) else { break }
            return picked
        case "ConstantOfShape":
            guard let sizes = x.ints, sizes.count <= ONNXTensor.mostDimensions,
                let count = ConstantShape.count(sizes, atMost: FormatLimits.elements)
            else { break }
            try graph.reserve(count, node.place)
            let zero = ONNXConstant([1], .floats([0]))
            let value = try node.tensor("value").map { (tensor) throws(InteropError) in
                try constant(of: tensor, node)
            }
            guard (value ?? zero).count == 1 else { break }
            return (value ?? zero).picking([Int](repeating: 0, count: count), sizes)
        case "Expand":
            guard let sizes = second?.ints, let shape = ConstantShape.broadcast(x.shape, sizes)
            else { break }
            return try spread(node, x, shape)
        default:
            throw unknown(node)
        }
        throw node.fail(
            .malformed,
            "expected shapes, axes and numbers that fit, found a constant of \(x.shape) with others"
        )
    }

    /// Parts of axes with a step, which may lead backwards; nil where the numbers do not fit.
    private mutating func slice(
        _ node: ONNXNode, _ x: ONNXConstant, _ inputs: [ONNXConstant?]
    ) throws(InteropError) -> ONNXConstant? {
        // Attributes up to opset 9, inputs from opset 10 on.
        func list(_ index: Int, _ name: Name) -> [Int]? {
            opset < 10 ? node.ints(name) : index < inputs.count ? inputs[index]?.ints : nil
        }
        guard let starts = list(1, "starts"), let ends = list(2, "ends"),
            starts.count == ends.count,
            let axes = ConstantShape.axes(
                list(3, "axes") ?? Array(starts.indices), rank: x.shape.count),
            axes.count == starts.count
        else { return nil }
        let steps = list(4, "steps") ?? [Int](repeating: 1, count: starts.count)
        guard steps.count == starts.count, !steps.contains(0), !steps.contains(.min) else {
            return nil
        }
        var (shape, strides, first) = (x.shape, ConstantShape.strides(x.shape), 0)
        for (index, axis) in axes.enumerated() {
            let (size, step) = (x.shape[axis], steps[index])
            func place(_ number: Int) -> Int {
                let place = number < 0 ? number + size : number
                return step > 0 ? min(max(place, 0), size) : min(max(place, -1), size - 1)
            }
            let (start, end) = (place(starts[index]), place(ends[index]))
            let length = step > 0 ? end - start : start - end
            let magnitude = abs(step)
            shape[axis] = length <= 0 ? 0 : (length - 1) / magnitude + 1
            first += start * strides[axis]
            // A step beyond the axis is never taken.
            strides[axis] *= max(-size, min(step, size))
        }
        guard shape.allSatisfy({ $0 > 0 }) else {
            return ONNXConstant(shape, x.ints == nil ? .floats([]) : .ints([]))
        }
        try graph.reserve(2 * shape.reduce(1, *), node.place)
        return x.picking(
            ConstantShape.places(shape, strides: strides).map { $0 + first }, shape)
    }
}
