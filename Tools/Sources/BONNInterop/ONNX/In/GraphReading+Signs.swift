import BONNModelFormat

// Comparisons and signs: all that makes bits.
extension GraphReading {
    /// `Greater`, `GreaterOrEqual`, `Less`, `LessOrEqual` of a value and a constant, on either side.
    mutating func compare(_ node: ONNXNode, _ comparison: Comparison) throws(InteropError) {
        let isTurned: Bool
        if case .constant = try value(node, 0) { isTurned = true } else { isTurned = false }
        let x = try plain(node, isTurned ? 1 : 0)
        let constant = try numbers(
            node, isTurned ? 0 : 1, "a number to compare with, or one a channel,")
        let limits = try channels(constant, of: x, node)
        guard let limits = limits.contains(where: \.isNaN) ? nil : limits else {
            throw node.fail(.mismatch, "expected numbers to compare with, found a NaN")
        }
        try graph.reserve(2 * limits.count, node.place)
        let intervals = limits.map {
            ChannelInterval(isTurned ? comparison.turned : comparison, $0)
        }
        try define(node, try mask(intervals, x.id, node), like: x)
    }

    /// For which numbers of a form something is true: of the value behind its last product and sum, where nothing
    /// else needs these.
    mutating func mask(
        _ intervals: [ChannelInterval], _ id: Int, _ node: ONNXNode
    ) throws(InteropError) -> ValueForm {
        let scale: [Float]
        let shift: [Float]
        let base: Int
        switch entries[id].form {
        case .affine(let source, let factors, let terms):
            (base, scale, shift) = (source, factors, terms ?? [0])
        case .sums(let sums) where sums.scale != nil && entries[id].readers.areComparisons:
            (base, scale, shift) = (bare(id, sums), sums.scale ?? [1], sums.bias ?? [0])
        case .levels(let mask, let high, let low):
            return try levels(intervals, mask, high, low, node)
        case .steps: return try mask(intervals, try resolved(id, node), node)
        default: return .mask(intervals, base: id)
        }
        let count = [intervals.count, scale.count, shift.count].max() ?? 1
        try graph.reserve(4 * count, node.place)
        let before = (0..<count).compactMap { channel in
            intervals[intervals.count == 1 ? 0 : channel].before(
                scale: scale[scale.count == 1 ? 0 : channel],
                shift: shift[shift.count == 1 ? 0 : channel])
        }
        return before.count == count ? .mask(before, base: base) : .mask(intervals, base: id)
    }

    /// The same sums without scale and bias: integers.
    private mutating func bare(_ id: Int, _ sums: BinarySums) -> Int {
        if let found = bareSums[id] { return found }
        var sums = sums
        (sums.scale, sums.bias) = (nil, nil)
        let entry = entries[id]
        let bare = add(.sums(sums), entry.shape, hint: "\(entry.hint).sums")
        bareSums[id] = bare
        return bare
    }

    /// A comparison of one of two numbers: the same truth values, their opposites, or the same for all.
    private mutating func levels(
        _ intervals: [ChannelInterval], _ mask: Int, _ high: [Float], _ low: [Float],
        _ node: ONNXNode
    ) throws(InteropError) -> ValueForm {
        guard let interval = intervals.first, intervals.allSatisfy({ $0 == interval }),
            let high = same(high), let low = same(low)
        else {
            throw node.fail(
                .unsupported,
                "expected one comparison for all channels of a value that is one of two numbers, found "
                    + "several")
        }
        func holds(_ x: Float) -> Bool { interval.lower <= x && x <= interval.upper }
        switch (holds(high), holds(low)) {
        case (true, false): return entries[mask].form
        case (false, true):
            if let inverse = inverse(of: mask) { return entries[inverse].form }
            throw node.fail(
                .unsupported,
                "expected a comparison that keeps the order of bits, found the opposite")
        case (let isHigh, _):
            guard case .mask(_, let base) = entries[mask].form else {
                throw node.fail(
                    .unsupported, "expected a comparison that differs, found a constant")
            }
            return .mask([isHigh ? .always : .none], base: base)
        }
    }

    /// `And`, `Or` of truth values of the same numbers, or of one with constants.
    mutating func combine(_ node: ONNXNode, isAnd: Bool) throws(InteropError) {
        var images: [ImageValue] = []
        var sides: [[ChannelInterval]] = []
        for index in 0..<2 {
            if case .image(let value) = try value(node, index) { images.append(value) }
        }
        guard let x = images.first else { return try foldNode(node) }
        var base: Int?
        for index in 0..<2 {
            switch try value(node, index) {
            case .constant(let constant):
                let flags = try channels(constant, of: x, node)
                sides.append(flags.map { $0 != 0 ? .always : .none })
            case .image(let value):
                guard case .mask(let intervals, let source) = entries[value.id].form,
                    base == nil || base == source, value.axes == x.axes, value.order == x.order
                else {
                    throw node.fail(
                        .unsupported,
                        "expected truth values of the same numbers, found those of others")
                }
                base = source
                sides.append(intervals)
            }
        }
        let count = max(sides[0].count, sides[1].count)
        try graph.reserve(4 * count, node.place)
        var result: [ChannelInterval] = []
        for channel in 0..<count {
            let first = sides[0][sides[0].count == 1 ? 0 : channel]
            let second = sides[1][sides[1].count == 1 ? 0 : channel]
            guard let both = isAnd ? first.and(second) : first.or(second) else {
                throw node.fail(
                    .unsupported,
                    "expected comparisons that are one interval together, found two apart")
            }
            result.append(both)
        }
        try define(node, .mask(result, base: base ?? x.id), like: x)
    }

    /// `Not`.
    mutating func invert(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        guard let inverse = inverse(of: x.id) else {
            throw node.fail(
                .unsupported, "expected a comparison with one end, found one with two or bits")
        }
        try define(node, entries[inverse].form, like: x)
    }

    /// `Where` with truth values that come from the image, and two constants.
    mutating func choose(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        switch entries[x.id].form {
        case .mask, .storedMask: break
        default: throw node.fail(.unsupported, "expected a comparison as condition, found numbers")
        }
        let high = try channels(try numbers(node, 1, "a constant value,"), of: x, node)
        let low = try channels(try numbers(node, 2, "a constant value,"), of: x, node)
        try define(node, .levels(mask: x.id, high: high, low: low), like: x)
    }

    /// `Sign`: 0 at 0.
    mutating func sign(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        func sign(_ values: [Float]) -> [Float] { values.map(Self.sign) }
        switch entries[x.id].form {
        case .levels(let mask, let high, let low):
            try define(node, .levels(mask: mask, high: sign(high), low: sign(low)), like: x)
        case .steps(let base, let below, let at, let above):
            try define(
                node,
                .steps(base: base, below: sign(below), at: sign(at), above: sign(above)), like: x)
        default:
            try define(node, .steps(base: x.id, below: [-1], at: [0], above: [1]), like: x)
        }
    }

    /// -1, 0 or +1.
    static func sign(_ x: Float) -> Float { x > 0 ? 1 : x < 0 ? -1 : 0 }

    /// QONNX's `BipolarQuant`: `scale` where x >= 0, and `-scale` elsewhere.
    mutating func bipolarQuant(_ node: ONNXNode) throws(InteropError) {
        let x = try plain(node, 0)
        let scale = try channels(try numbers(node, 1, "a scale"), of: x, node)
        let intervals = [ChannelInterval(.greaterOrEqual, 0)]
        let mask = add(
            try mask(intervals, x.id, node), x.shape, hint: node.outputs.first?.text ?? "")
        try define(node, .levels(mask: mask, high: scale, low: scale.map(-)), like: x)
    }

    /// A form that is no `Sign` any more: what was 0 at 0 is decided.
    ///
    /// - Throws: `.unsupported` where the graph does not say it and nobody did.
    mutating func resolved(_ id: Int, _ node: ONNXNode) throws(InteropError) -> Int {
        guard case .steps(let base, let below, let at, let above) = entries[id].form else {
            return id
        }
        let comparison: Comparison
        if at == above {
            comparison = .greaterOrEqual
        } else if at == below {
            comparison = .greater
        } else {
            switch signOfZero {
            case .plus: comparison = .greaterOrEqual
            case .minus: comparison = .greater
            case nil:
                throw node.fail(
                    .unsupported,
                    "expected a value of two numbers, found the Sign "
                        + "'\(printable(entries[id].hint, limit: 60))', which has a third one at 0; choose "
                        + "what it is there with --sign-zero plus or --sign-zero minus, or export "
                        + "Where(x >= 0, 1, -1)")
            }
        }
        let mask = add(
            try mask([ChannelInterval(comparison, 0)], base, node), entries[id].shape,
            hint: entries[id].hint)
        entries[id].form = .levels(mask: mask, high: above, low: below)
        return id
    }
}
