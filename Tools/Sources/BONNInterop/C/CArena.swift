import BONNModelFormat

/// Where the values of a network lie while it runs: one arena of 32-bit words, planned when the source is
/// written.
///
/// A value whose operation allows it takes the place of an operand that nobody reads later. Of the others
/// two share words exactly when no step needs both; they are placed by size, the largest first, each into
/// the lowest gap, as `MemoryPlanner` of the runtime does.
struct CArena {
    /// The words of the arena.
    private(set) var wordCount = 0
    /// The first word of each value that lies in the arena.
    private(set) var offsets: [Name: Int] = [:]
    /// Values that lie where an operand of their operation lay.
    private(set) var inPlace: Set<Name> = []

    private struct Buffer {
        var words: Int
        var first: Int
        var last: Int
        var values: [Name]
        var offset = 0
    }

    /// Plans the values of nodes in the order in which they run.
    ///
    /// - Parameters:
    ///   - staged: whether the input gets a place of its own, before the first step.
    init(_ nodes: [Node], _ types: [Name: ValueType], _ graph: Graph, staged: Bool) {
        var last: [Name: Int] = [:]
        for (step, node) in nodes.enumerated() {
            for input in node.inputs { last[input] = step }
        }
        var buffers: [Buffer] = []
        var places: [Name: Int] = [:]
        if staged, let type = types[graph.input.name] {
            buffers.append(
                Buffer(
                    words: type.words, first: -1, last: last[graph.input.name] ?? -1,
                    values: [graph.input.name]))
        }
        for (step, node) in nodes.enumerated() {
            guard node.name != graph.output, let type = types[node.name] else { continue }
            let until = last[node.name] ?? step
            let host = node.replaceableInputs(types).first {
                last[$0] == step && places[$0] != nil
            }
            if let host, let place = places[host] {
                buffers[place].last = until
                buffers[place].values.append(node.name)
                places[node.name] = place
                inPlace.insert(node.name)
            } else {
                places[node.name] = buffers.count
                buffers.append(
                    Buffer(words: type.words, first: step, last: until, values: [node.name]))
            }
        }
        place(&buffers)
        for buffer in buffers {
            wordCount = max(wordCount, buffer.offset + buffer.words)
            for value in buffer.values { offsets[value] = buffer.offset }
        }
    }

    private func place(_ buffers: inout [Buffer]) {
        var placed: [Buffer] = []
        let order = buffers.indices.sorted {
            (buffers[$1].words, $0) < (buffers[$0].words, $1)
        }
        for index in order {
            let buffer = buffers[index]
            var offset = 0
            let neighbours =
                placed.filter { $0.first <= buffer.last && buffer.first <= $0.last }
                .sorted { $0.offset < $1.offset }
            for neighbour in neighbours {
                if neighbour.offset - offset >= buffer.words { break }
                offset = max(offset, neighbour.offset + neighbour.words)
            }
            buffers[index].offset = offset
            placed.append(buffers[index])
        }
    }
}

extension ValueType {
    /// The 32-bit words that a value takes.
    var words: Int {
        switch element {
        case .real, .integer: shape.count
        case .byte, .signedByte: (shape.count + 3) / 4
        case .signedBits, .unsignedBits: shape.height * shape.width * ((shape.channels + 31) / 32)
        }
    }
}

extension Node {
    /// The operands in whose place the result may be written, element by element as they are read.
    fileprivate func replaceableInputs(_ types: [Name: ValueType]) -> [Name] {
        guard let type = types[inputs[0]] else { return [] }
        switch operation {
        case .batchNorm, .relu, .prelu, .hardtanh, .sigmoid, .multiply: return [inputs[0]]
        case .add: return inputs
        case .flatten: return type.isFlat ? [inputs[0]] : []
        // Bits and signed bytes in the place of numbers would hold on to all of their words.
        case .threshold, .quantize, .convolution, .binaryConvolution, .linear, .binaryLinear,
            .maxPool, .averagePool, .globalAveragePool, .concatenate:
            return []
        }
    }
}

extension ValueType {
    /// Whether flattening leaves every element where it is.
    var isFlat: Bool {
        switch element {
        case .signedBits, .unsignedBits: shape.height * shape.width == 1
        default: shape.channels == 1 || shape.height * shape.width == 1
        }
    }
}
