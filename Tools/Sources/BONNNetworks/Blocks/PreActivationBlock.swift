public import BONNModelFormat

/// Batch norm, quantizer, convolution, pooling: the order of XNOR-Net (Rastegari et al., ECCV 2016) and of
/// TBN (Wan et al., ECCV 2018), in residual blocks of two convolutions with real 1x1 shortcuts (type B).
///
/// As in XNOR-Net's code, ReLUs stand behind the first convolution and in front of the last layer alone.
public struct PreActivationBlock: BlockStyle {
    /// 2 as published.
    public let convolutionsPerBlock: Int

    /// Creates the style with so many convolutions inside of a shortcut.
    public init(convolutionsPerBlock: Int = 2) {
        self.convolutionsPerBlock = convolutionsPerBlock
    }

    /// Batch norm and ReLU.
    public func stem(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        try plan.normalizedReLU(x, name)
    }

    /// Batch norm, quantizer, layer and pooling.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        var y = try plan.add(.batchNorm, "\(name).norm", x)
        y = try plan.add(.quantize, "\(name).sign", y)
        return try plan.quantized(y, name, layer, pool: pool)
    }

    /// Batch norm and ReLU.
    public func ending(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, hasShortcuts: Bool
    ) throws(PlanError) -> Name {
        try plan.normalizedReLU(x, name)
    }
}
