public import BONNModelFormat

/// The blocks of Bi-Real Net (Liu et al., ECCV 2018): `y = BN(Conv(quantize(x))) + shortcut(x)`, one
/// shortcut a convolution and no activation function but the quantizer. A shortcut that changes channels or
/// size is average pooling, a real 1x1 convolution and a batch norm.
///
/// With two convolutions inside of a shortcut, the order of ABC-Net (Lin et al., 2017) and of BNN:
/// convolution, pooling, batch norm, quantizer.
public struct BiRealBlock: BlockStyle {
    /// 1 as published; 2 as ABC-Net has it.
    public let convolutionsPerBlock: Int

    /// Creates the style with so many convolutions inside of a shortcut.
    public init(convolutionsPerBlock: Int = 1) {
        self.convolutionsPerBlock = convolutionsPerBlock
    }

    /// A batch norm.
    public func stem(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        try plan.add(.batchNorm, "\(name).norm", x)
    }

    /// Quantizer, layer, pooling and batch norm.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        var y = try plan.add(.quantize, "\(name).sign", x)
        y = try plan.quantized(y, name, layer, pool: pool)
        return try plan.add(.batchNorm, "\(name).norm", y)
    }

    /// Nothing behind a sum; without shortcuts, the hardtanh that the quantizer is elsewhere.
    public func ending(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, hasShortcuts: Bool
    ) throws(PlanError) -> Name {
        hasShortcuts ? x : try plan.add(.hardtanh, "\(name).hardtanh", x)
    }
}
