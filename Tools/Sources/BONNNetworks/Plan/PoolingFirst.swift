import BONNModelFormat

/// A rewrite of a plan that keeps what it computes, up to rounding, and saves work.
extension NetworkPlan {
    /// The plan with average poolings moved in front of the 1x1 convolutions and batch norms that feed
    /// them: the convolution then sees the pooled pixels only, a quarter of them for a 2x2 window. This is
    /// what is deployed; both sides of the deployment arithmetic read it.
    ///
    /// Proof. A 1x1 convolution of stride 1 and a batch norm apply one affine map a(x) = Mx + b to the
    /// channels x of every pixel. An average is a sum of pixels with weights r_i that add up to 1, the
    /// same for all channels, so a(sum r_i x_i) = sum r_i M x_i + (sum r_i) b = sum r_i a(x_i). The
    /// weights add up to 1 for every window that has no padding or leaves it out of its divisor; where
    /// the padding counts, they add up to less at the border and b is scaled down, so such poolings stay
    /// where they are. So do poolings of stride 1, which save nothing, and chains whose values are
    /// read by others too.
    public func poolingFirst() -> NetworkPlan {
        var plan = self
        for pool in layers {
            guard case .averagePool(let operation) = pool.layer, operation.commutesWithAffineMaps
            else { continue }
            let chain = plan.pointwiseChain(before: pool)
            guard chain.contains(where: { $0.layer.isConvolution }) else { continue }
            plan.move(pool, before: chain)
        }
        return plan
    }

    /// The 1x1 convolutions and batch norms that only `pool` reads, in order of execution.
    private func pointwiseChain(before pool: PlannedLayer) -> [PlannedLayer] {
        var chain: [PlannedLayer] = []
        var value = pool.inputs[0]
        while let layer = self[value], layer.layer.isPointwiseAffine, value != output,
            value != features, layers.reduce(0, { $0 + $1.inputs.count { $0 == value } }) == 1
        {
            chain.insert(layer, at: 0)
            value = layer.inputs[0]
        }
        return chain
    }

    /// Puts the pooling and then the chain to where the pooling was. Layers keep their names, so what
    /// read the pooling now reads the last layer of the chain.
    private mutating func move(_ pool: PlannedLayer, before chain: [PlannedLayer]) {
        var moved = pool
        moved.inputs = chain[0].inputs
        let (height, width) = (pool.shape.height, pool.shape.width)
        moved.shape = Shape(
            shape(of: chain[0].inputs[0])?.channels ?? pool.shape.channels, height, width)
        var replacement = [moved]
        for var layer in chain {
            layer.inputs = [replacement[replacement.count - 1].name]
            layer.shape = Shape(layer.shape.channels, height, width)
            replacement.append(layer)
        }
        let last = replacement[replacement.count - 1].name
        let removed = Set(chain.map(\.name))
        layers = layers.filter { !removed.contains($0.name) }.flatMap { layer -> [PlannedLayer] in
            guard layer.name != pool.name else { return replacement }
            var reader = layer
            reader.inputs = layer.inputs.map { $0 == pool.name ? last : $0 }
            return [reader]
        }
        if output == pool.name { output = last }
        if features == pool.name { features = last }
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

extension LayerPlan {
    fileprivate var isConvolution: Bool {
        if case .convolution = self { true } else { false }
    }

    /// Whether the layer is one affine map, of real numbers, of the channels of every pixel.
    fileprivate var isPointwiseAffine: Bool {
        switch self {
        case .convolution(let plan): plan.window == Window(1) && plan.weights == .real
        case .batchNorm, .bias, .scale: true
        case .linear, .quantize, .relu, .hardtanh, .prelu, .absolute, .stopGradient, .maxPool,
            .averagePool, .globalAveragePool, .add, .multiply, .concatenate, .flatten, .dropout:
            false
        }
    }
}
