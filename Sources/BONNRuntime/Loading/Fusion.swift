import BONNModelFormat

/// Nodes that run as one step: a producer, the element-wise operations behind it, and the
/// comparison at their end.
struct FusedNodes {
    /// A real convolution and the element-wise operations behind it, whose value the producer, a
    /// pooling, reads row by row; mostly empty.
    var pooled: [Node] = []
    /// The operation that makes values, or nil where a chain reads a value that is in memory.
    var producer: Node?
    /// What the chain reads where there is no producer.
    var source: Name?
    /// Element-wise operations, each of the value before it.
    var chain: [Node] = []
    /// The comparison of the last value.
    var threshold: Node?
    /// Whether somebody else needs the last value of the chain.
    var writesValues = true

    /// The name of the last value before the comparison.
    var value: Name { chain.last?.name ?? producer?.name ?? source ?? "" }
    /// All nodes in order.
    var nodes: [Node] {
        pooled + [producer].compactMap(\.self) + chain + [threshold].compactMap(\.self)
    }
}

/// Divides a graph into steps.
///
/// A value that only one element-wise operation reads is never stored: the operation runs on it while
/// it is in registers. Nor is that of a large real convolution which only a pooling reads. A chain ends
/// where a value has other readers, is the output, or is exposed. Steps are ordered by the last node of
/// their chain, so that every shortcut is there when it is added.
struct Fusion {
    private let graph: Graph
    private let types: [Name: ValueType]
    private let exposed: Set<Name>
    private let readers: [Name: [Int]]
    private var isTaken: [Bool]

    /// The steps of a validated graph.
    ///
    /// - Parameters:
    ///   - types: of all values.
    ///   - exposed: values that must be stored.
    static func steps(
        of graph: Graph, types: [Name: ValueType], exposed: Set<Name>
    ) -> [FusedNodes] {
        var fusion = Fusion(graph, types, exposed)
        var steps: [(last: Int, fused: FusedNodes)] = []
        // Of two branches that meet in an addition the binary one takes it: its sums are in the cache.
        let binary = graph.nodes.indices.filter { graph.nodes[$0].isBinary }
        let others = graph.nodes.indices.filter { !graph.nodes[$0].isBinary }
        for index in binary + others where !fusion.isTaken[index] {
            steps.append(fusion.step(from: index))
        }
        return steps.sorted { $0.last < $1.last }.map(\.fused)
    }

    private init(_ graph: Graph, _ types: [Name: ValueType], _ exposed: Set<Name>) {
        self.graph = graph
        self.types = types
        self.exposed = exposed.union([graph.output])
        var readers: [Name: [Int]] = [:]
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { readers[input, default: []].append(index) }
        }
        self.readers = readers
        isTaken = [Bool](repeating: false, count: graph.nodes.count)
    }

    /// The step that starts at a node, and the node that it has to wait for.
    private mutating func step(from index: Int) -> (last: Int, fused: FusedNodes) {
        let node = graph.nodes[index]
        isTaken[index] = true
        var fused = FusedNodes()
        var last = index
        switch node.operation.kind.family {
        case .elementwise:
            fused.source = node.inputs[0]
            fused.chain = [node]
        case .conversion where node.operation.kind == .threshold:
            fused.source = node.inputs[0]
            fused.threshold = node
            fused.writesValues = false
            return (last, fused)
        case .conversion, .arrangement:
            fused.producer = node
            return (last, fused)
        case .realLayer, .binaryLayer, .pooling:
            fused.producer = node
            guard types[node.name]!.element == .real || types[node.name]!.element == .integer
            else { return (last, fused) }
        }
        takeChain(&fused, &last)
        if let pooling = poolingOfRows(of: fused) {
            isTaken[pooling] = true
            last = pooling
            fused.pooled = fused.nodes
            fused.producer = graph.nodes[pooling]
            fused.chain = []
            takeChain(&fused, &last)
        }
        takeThreshold(&fused)
        return (last, fused)
    }

    private mutating func takeChain(_ fused: inout FusedNodes, _ last: inout Int) {
        while let next = nextInChain(after: fused.value) {
            isTaken[next] = true
            fused.chain.append(graph.nodes[next])
            last = next
        }
    }

    /// The pooling that alone reads the value of a real convolution, if it can run on rows of it.
    ///
    /// Worth it for a stem, whose values exceed the caches. The work is divided by pooled rows only, so
    /// there must be enough of them, and each must need few rows of the convolution.
    private func poolingOfRows(of fused: FusedNodes) -> Int? {
        guard fused.producer?.operation.kind == .convolution, !exposed.contains(fused.value),
            let next = readers[fused.value], next.count == 1, !isTaken[next[0]],
            !fused.chain.contains(where: { $0.inputs.count > 1 })
        else { return nil }
        let node = graph.nodes[next[0]]
        guard
            let (window, _) = PoolingOperator.window(
                of: node.operation, over: types[fused.value]!.shape)
        else { return nil }
        let isSmall = (window.height - 1) * window.dilationHeight < 4
        return isSmall && types[node.name]!.shape.height >= 16 ? next[0] : nil
    }

    /// The only reader of a value, if it is element-wise, not a larger value that this one multiplies, and
    /// the value need not be stored.
    private func nextInChain(after value: Name) -> Int? {
        guard !exposed.contains(value), let next = readers[value], next.count == 1,
            !isTaken[next[0]]
        else { return nil }
        let node = graph.nodes[next[0]]
        let isOfOneShape = types[node.name]!.shape == types[value]!.shape
        return node.operation.isElementwise && isOfOneShape ? next[0] : nil
    }

    /// Takes a comparison of the last value into the step.
    private mutating func takeThreshold(_ fused: inout FusedNodes) {
        let value = fused.value
        let all = readers[value] ?? []
        guard
            let index = all.first(where: {
                graph.nodes[$0].operation.kind == .threshold && !isTaken[$0]
            })
        else { return }
        let isNeeded = all.count > 1 || exposed.contains(value)
        // Integers are compared as they are, and then not stored.
        if types[value]!.element == .integer && isNeeded { return }
        // The bits of two parts of the work must not meet in one byte.
        if let groups = fused.producer?.operation.layer?.groups, groups > 1,
            types[value]!.shape.channels / groups % BitLayout.wordBits != 0
        {
            return
        }
        isTaken[index] = true
        fused.threshold = graph.nodes[index]
        fused.writesValues = isNeeded
    }
}

extension Node {
    /// Whether this makes binary sums.
    var isBinary: Bool { operation.kind.family == .binaryLayer }
}
