import BONNModelFormat

/// Rewrites of a graph that keep what it computes, up to rounding, and save work.
extension Graph {
    /// The graph with average poolings moved in front of the 1x1 convolutions and batch norms that
    /// feed them: the convolution then sees the pooled pixels only, a quarter of them for a 2x2 window.
    ///
    /// Proof. A 1x1 convolution of stride 1 and a batch norm apply one affine map a(x) = Mx + b to the
    /// channels x of every pixel. An average is a sum of pixels with weights r_i that add up to 1, the
    /// same for all channels, so a(sum r_i x_i) = sum r_i M x_i + (sum r_i) b = sum r_i a(x_i). The
    /// weights add up to 1 for every window that has no padding or leaves it out of its divisor; where
    /// the padding counts, they add up to less at the border and b is scaled down, so such poolings stay
    /// where they are. So do poolings of stride 1, which save nothing, and chains whose values are
    /// read by others too.
    ///
    /// - Parameter types: the types of the graph's values, from `validate(tensors:)`.
    func poolingFirst(types: [Name: ValueType]) -> Graph {
        var graph = self
        for pool in nodes {
            guard case .averagePool(let operation) = pool.operation,
                operation.commutesWithAffineMaps
            else { continue }
            let chain = graph.pointwiseChain(before: pool, types: types)
            guard chain.contains(where: { $0.operation.isConvolution }) else { continue }
            graph.move(pool, before: chain)
        }
        return graph
    }

    /// The 1x1 convolutions and batch norms that only `pool` reads, in order of execution.
    private func pointwiseChain(before pool: Node, types: [Name: ValueType]) -> [Node] {
        var chain: [Node] = []
        var value = pool.inputs[0]
        while let node = nodes.first(where: { $0.name == value }), node.operation.isPointwiseAffine,
            types[node.inputs[0]]?.element == .real, value != output,
            nodes.reduce(0, { $0 + $1.inputs.count(where: { $0 == value }) }) == 1
        {
            chain.insert(node, at: 0)
            value = node.inputs[0]
        }
        return chain
    }

    /// Puts the pooling and then the chain to where the pooling was. Nodes keep their names, so what
    /// read the pooling now reads the last node of the chain.
    private mutating func move(_ pool: Node, before chain: [Node]) {
        var moved = pool
        moved.inputs = chain[0].inputs
        var replacement = [moved]
        for var node in chain {
            node.inputs = [replacement[replacement.count - 1].name]
            replacement.append(node)
        }
        let last = replacement[replacement.count - 1].name
        let removed = Set(chain.map(\.name))
        nodes = nodes.filter { !removed.contains($0.name) }.flatMap { node -> [Node] in
            guard node.name != pool.name else { return replacement }
            var reader = node
            reader.inputs = node.inputs.map { $0 == pool.name ? last : $0 }
            return [reader]
        }
        if output == pool.name { output = last }
    }
}

extension Pool {
    /// Whether the weights of every window add up to 1, and the window reduces the image.
    fileprivate var commutesWithAffineMaps: Bool {
        let isPadded =
            window.padTop > 0 || window.padBottom > 0 || window.padLeft > 0 || window.padRight > 0
        return !(isPadded && countsPadding) && (window.strideHeight > 1 || window.strideWidth > 1)
    }
}

extension Operation {
    fileprivate var isConvolution: Bool {
        if case .convolution = self { true } else { false }
    }

    /// Whether the operation is one affine map of the channels of every pixel.
    fileprivate var isPointwiseAffine: Bool {
        switch self {
        case .convolution(let convolution): convolution.window == Window(1)
        case .batchNorm: true
        default: false
        }
    }
}
