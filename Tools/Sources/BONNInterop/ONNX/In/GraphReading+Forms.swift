import BONNModelFormat

// From what is known of a value to nodes of the model.
extension GraphReading {
    /// The node that holds a value as real numbers.
    mutating func real(_ id: Int, _ node: ONNXNode) throws(InteropError) -> Name {
        if let name = reals[id] { return name }
        let name = try makeReal(id, node)
        reals[id] = name
        return name
    }

    private mutating func makeReal(_ id: Int, _ node: ONNXNode) throws(InteropError) -> Name {
        let entry = entries[id]
        let channels = entry.shape.channels
        switch entry.form {
        case .stored(let name, .real): return name
        case .stored(let name, .integer):
            return try batchNorm(entry, [1], [0], name, node)
        case .stored(let name, .byte):
            // Bytes are read by convolutions alone: one of a kernel of 1.
            let own = graph.unique("\(entry.hint).real")
            let weight = try graph.store(
                "\(own).weight", [Float](repeating: 1, count: channels),
                shape: [channels, 1, 1, 1],
                node.place)
            return graph.add(
                own,
                .convolution(Convolution(window: Window(1), groups: channels, weight: weight)),
                [name])
        case .stored(let name, .signedByte):
            let own = graph.unique("\(entry.hint).real")
            let sums = ByteSums(
                input: name, window: Window(1), groups: channels, shape: [channels, 1, 1, 1],
                weights: [Int](repeating: 1, count: channels))
            return try add(sums, own, node)
        case .stored(_, let element):
            throw node.fail(
                .unsupported, "expected real numbers, found \(element.rawValue) values")
        case .sums(var sums):
            sums.scale = sums.scale ?? [1]
            return try add(sums, graph.unique(entry.hint), node)
        case .bytes(let sums): return try add(sums, graph.unique(entry.hint), node)
        case .affine(let base, let scale, let shift):
            let source: Name
            if case .stored(let name, .integer) = entries[base].form {
                source = name
            } else {
                source = try real(base, node)
            }
            return try batchNorm(entry, scale, shift ?? [0], source, node)
        case .difference(let first, let second):
            let inputs = [try real(first, node), try real(second, node)]
            return graph.add(graph.unique(entry.hint), .add, inputs)
        case .rounded:
            throw node.fail(
                .unsupported,
                "expected a rounded value to be limited to -127...127 by a Clip, found this reader; round "
                    + "nothing else")
        case .mask, .storedMask:
            throw node.fail(
                .unsupported,
                "expected numbers, found truth values; make numbers of them by Where or Cast")
        case .levels(let mask, let high, let low):
            return try real(mask, high, low, entry, node)
        case .steps:
            return try real(try resolved(id, node), node)
        }
    }

    /// A batch norm of one scale and shift, or one a channel.
    private mutating func batchNorm(
        _ entry: Entry, _ scale: [Float], _ shift: [Float], _ source: Name, _ node: ONNXNode
    ) throws(InteropError) -> Name {
        let name = graph.unique(entry.hint)
        let count = entry.shape.channels
        try graph.reserve(count, node.place)
        let norm = BatchNorm(
            scale: try graph.store("\(name).scale", filled(scale, count), node.place),
            shift: try graph.store("\(name).shift", filled(shift, count), node.place))
        return graph.add(name, .batchNorm(norm), [source])
    }

    /// One number a channel.
    func filled(_ values: [Float], _ count: Int) -> [Float] {
        values.count == 1 ? [Float](repeating: values[0], count: count) : values
    }

    /// A binary layer.
    mutating func add(
        _ sums: BinarySums, _ name: Name, _ node: ONNXNode
    ) throws(InteropError) -> Name {
        let scale: Name? = try sums.scale.map { (values) throws(InteropError) in
            try graph.store("\(name).scale", values, node.place)
        }
        let bias: Name? = try sums.bias.map { (values) throws(InteropError) in
            try graph.store("\(name).bias", values, node.place)
        }
        guard let window = sums.window else {
            let layer = BinaryLinear(
                inputFeatures: sums.inputs, weight: sums.weight, scale: scale, bias: bias)
            return graph.add(name, .binaryLinear(layer), [sums.bits])
        }
        let layer = BinaryConvolution(
            window: window, paddingValue: sums.padding, groups: sums.groups,
            inputChannels: sums.inputs, weight: sums.weight, scale: scale, bias: bias)
        return graph.add(name, .binaryConvolution(layer), [sums.bits])
    }

    /// A layer of signed bytes, which always has a scale.
    mutating func add(
        _ sums: ByteSums, _ name: Name, _ node: ONNXNode
    ) throws(InteropError) -> Name {
        let weight = try graph.store(
            "\(name).weight", ModelTensor(i8: sums.weights.map(Int8.init), shape: sums.shape),
            node.place)
        let outputs = sums.shape[0]
        let scale = try graph.store(
            "\(name).weight_scale", filled(sums.scale ?? [1], outputs), node.place)
        let bias: Name? = try sums.bias.map { (values) throws(InteropError) in
            try graph.store("\(name).bias", filled(values, outputs), node.place)
        }
        guard let window = sums.window else {
            return graph.add(
                name, .linear(Linear(weight: weight, weightScale: scale, bias: bias)), [sums.input])
        }
        return graph.add(
            name,
            .convolution(
                Convolution(
                    window: window, groups: sums.groups, weight: weight, weightScale: scale,
                    bias: bias)), [sums.input])
    }

    // MARK: Bits

    /// Truth values as bits of an element type, and as which they are there.
    mutating func stored(
        _ mask: Int, as element: ElementType, _ node: ONNXNode
    ) throws(InteropError) -> (name: Name, element: ElementType) {
        if let found = bits[mask] { return found }
        let entry = entries[mask]
        guard case .mask(let intervals, let base) = entry.form else {
            guard case .storedMask(let name, let element) = entry.form else {
                throw node.fail(.unsupported, "expected truth values, found numbers")
            }
            return (name, element)
        }
        let (source, sourceElement) = try compared(base, node)
        let count = entry.shape.channels
        var (numbers, directions): ([Float], [Int8]) = ([], [])
        for interval in intervals {
            guard let threshold = interval.threshold else {
                throw node.fail(
                    .unsupported,
                    "expected a comparison with one end, at least or at most a number, found "
                        + "\(interval.lower) to \(interval.upper)")
            }
            numbers.append(threshold.number)
            directions.append(threshold.direction)
        }
        try graph.reserve(2 * count, node.place)
        if intervals.count == 1 {
            numbers = [Float](repeating: numbers[0], count: count)
            directions = [Int8](repeating: directions[0], count: count)
        }
        let name = graph.unique(entry.hint)
        let values =
            sourceElement == .integer
            ? ModelTensor(
                i32: zip(numbers, directions).map { ChannelInterval.integer($0, direction: $1) },
                shape: [count])
            : ModelTensor(f32: numbers, shape: [count])
        let threshold = Threshold(
            threshold: try graph.store("\(name).threshold", values, node.place),
            direction: try graph.store(
                "\(name).direction", ModelTensor(i8: directions, shape: [count]), node.place),
            levels: element)
        _ = graph.add(name, .threshold(threshold), [source])
        bits[mask] = (name, element)
        return (name, element)
    }

    /// The value that a threshold reads: real, integer or byte.
    mutating func compared(
        _ base: Int, _ node: ONNXNode
    ) throws(InteropError) -> (Name, ElementType) {
        switch entries[base].form {
        case .stored(let name, .byte): return (name, .byte)
        case .stored(let name, .integer): return (name, .integer)
        case .sums(let sums) where sums.scale == nil && reals[base] == nil:
            let name = try add(sums, graph.unique(entries[base].hint), node)
            entries[base].form = .stored(name, .integer)
            return (name, .integer)
        default: return (try real(base, node), .real)
        }
    }

    /// Bits and the number that a 1 of theirs stands for: what a binary layer reads; nil where the value is none
    /// such.
    mutating func operand(
        _ id: Int, _ node: ONNXNode
    ) throws(InteropError) -> (bits: Name, element: ElementType, factor: Float)? {
        let id = try resolved(id, node)
        guard case .levels(let mask, let highs, let lows) = entries[id].form,
            let high = same(highs), let low = same(lows)
        else { return nil }
        if case .storedMask(let name, let element) = entries[mask].form {
            let isRight = element == .signedBits ? high == -low : low == 0
            return isRight && high != 0 ? (name, element, high) : nil
        }
        let wanted: ElementType
        if high == -low && high != 0 {
            wanted = .signedBits
        } else if (high == 0) != (low == 0) {
            wanted = .unsignedBits
        } else {
            return nil
        }
        // The larger number, or the one that is not 0, is what a 1 stands for.
        let isTurned = wanted == .signedBits ? high < 0 : high == 0
        var (source, factor) = (mask, high)
        if isTurned, let inverse = inverse(of: mask) {
            (source, factor) = (inverse, low)
        } else if high == 0 {
            return nil
        }
        let (name, element) = try stored(source, as: wanted, node)
        // Bits that are there already are of one element type.
        return element == wanted ? (name, element, factor) : nil
    }

    /// The one number that all are; nil where they differ.
    func same(_ values: [Float]) -> Float? {
        guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// The opposite truth values; nil where no interval has them.
    mutating func inverse(of mask: Int) -> Int? {
        if let found = inverses[mask] { return found }
        guard case .mask(let intervals, let base) = entries[mask].form else { return nil }
        let opposite = intervals.compactMap(\.inverted)
        guard opposite.count == intervals.count else { return nil }
        let made = add(
            .mask(opposite, base: base), entries[mask].shape, hint: entries[mask].hint)
        inverses[mask] = made
        return made
    }

    /// Two numbers by bits, as real numbers: a binary layer of a kernel of 1 that reads each channel by itself.
    private mutating func real(
        _ mask: Int, _ high: [Float], _ low: [Float], _ entry: Entry, _ node: ONNXNode
    ) throws(InteropError) -> Name {
        let channels = entry.shape.channels
        try graph.reserve(4 * channels, node.place)
        let (high, low) = (filled(high, channels), filled(low, channels))
        let isSigned = zip(high, low).allSatisfy { $0 == -$1 }
        let (name, element) = try stored(mask, as: isSigned ? .signedBits : .unsignedBits, node)
        var scale: [Float] = []
        var bias: [Float] = []
        for (high, low) in zip(high, low) {
            let (factor, term): (Float, Float) =
                element == .signedBits
                ? ((high - low) / 2, (high + low) / 2) : (high - low, low)
            let lowest = element == .signedBits ? -factor : 0
            guard factor + term == high, lowest + term == low else {
                throw node.fail(
                    .unsupported,
                    "expected two numbers that a product and a sum make of bits, found \(high) and \(low)"
                )
            }
            scale.append(factor)
            bias.append(term)
        }
        let own = graph.unique(entry.hint)
        let weight = try graph.bits(
            "\(own).weight", [Float](repeating: 1, count: channels), [channels, 1, 1, 1], node.place
        )
        let sums = BinarySums(
            bits: name, window: Window(1), padding: .zero, groups: channels, inputs: channels,
            weight: weight, scale: scale, bias: bias.allSatisfy { $0 == 0 } ? nil : bias)
        return try add(sums, own, node)
    }
}
