public import BONNModelFormat

/// The blocks of ReActNet's ResNet-18 (Liu et al., ECCV 2020, the authors' code):
/// `y = RPReLU(BN(Conv(quantize(x))) + shortcut(x))`, one shortcut a convolution. RPReLU is a learned shift,
/// a PReLU and another shift; the shift in front of the sign belongs to the method's quantizer.
public struct ReActBlock: BlockStyle {
    private let inner = BiRealBlock()

    /// Creates the style.
    public init() {}

    /// 1.
    public var convolutionsPerBlock: Int { inner.convolutionsPerBlock }

    /// A batch norm.
    public func stem(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        try inner.stem(&plan, x, name)
    }

    /// Bi-Real Net's unit and RPReLU.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        try rprelu(&plan, try inner.unit(&plan, x, name, layer, pool: pool), name)
    }

    /// Bi-Real Net's block and RPReLU.
    public func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        let y = try inner.block(&plan, x, name, outputs: outputs, stride: stride)
        return try rprelu(&plan, y, name)
    }

    private func rprelu(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        var y = try plan.add(.bias, "\(name).shift_in", x)
        y = try plan.add(.prelu, "\(name).prelu", y)
        return try plan.add(.bias, "\(name).shift_out", y)
    }
}
