public import BONNModelFormat

/// The blocks of Bi-Real Net (Liu et al., ECCV 2018): `y = BN(Conv(quantize(x))) + shortcut(x)`, one
/// shortcut a convolution and no activation function but the quantizer. A shortcut that changes channels or
/// size is average pooling, a real 1x1 convolution and a batch norm.
///
/// With two convolutions inside of a shortcut, the order of ABC-Net (Lin et al., 2017) and of BNN:
/// convolution, pooling, batch norm, quantizer. With an activation function, the order of most later papers:
/// `y = activation(BN(Conv(quantize(x))) + shortcut(x))`.
public struct BiRealBlock: BlockStyle {
    /// See `PoolingPlace`.
    public let pooling: PoolingPlace
    /// The layers of an activation function behind a sum, in order: each is named after the block and after
    /// what is said of it here.
    public typealias Activation = [(name: String, layer: LayerPlan)]

    /// 1 as published; 2 as ABC-Net has it.
    public let convolutionsPerBlock: Int
    /// Behind the sum of a block, or behind the batch norm where there is no shortcut; none as published.
    public let activation: Activation

    /// Creates the style with so many convolutions inside of a shortcut.
    public init(
        convolutionsPerBlock: Int = 1, activation: Activation = [],
        pooling: PoolingPlace = .convolution
    ) {
        self.pooling = pooling
        self.convolutionsPerBlock = convolutionsPerBlock
        self.activation = activation
    }

    /// A batch norm.
    public func stem(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        try plan.add(.batchNorm, "\(name).norm", x)
    }

    /// Quantizer, layer, pooling, batch norm and activation.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        try activated(&plan, try normalized(&plan, x, name, layer, pool: pool), name)
    }

    /// Convolutions with the shortcut around them, and the activation.
    public func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        let y = try convolutions(&plan, x, name, outputs: outputs, stride: stride) {
            (plan, x, name, layer) throws(PlanError) in
            try normalized(&plan, x, name, layer, pool: nil)
        }
        let around = try plan.shortcut(x, "\(name).shortcut", outputs: outputs, stride: stride)
        return try activated(&plan, try plan.add(.add, "\(name).add", y, around), name)
    }

    /// Nothing behind an activation or a sum; without both, the hardtanh that the quantizer is elsewhere.
    public func ending(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, hasShortcuts: Bool
    ) throws(PlanError) -> Name {
        guard activation.isEmpty, !hasShortcuts else { return x }
        return try plan.add(.hardtanh, "\(name).hardtanh", x)
    }

    private func normalized(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        var y = try plan.add(.quantize, "\(name).sign", x)
        y = try plan.quantized(y, name, layer, pool: pooling == .convolution ? pool : nil)
        y = try plan.add(.batchNorm, "\(name).norm", y)
        guard let pool, pooling == .norm else { return y }
        return try plan.add(.maxPool(pool), "\(name).pool", y)
    }

    private func activated(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        var y = x
        for step in activation { y = try plan.add(step.layer, "\(name).\(step.name)", y) }
        return y
    }
}
