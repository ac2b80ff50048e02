public import BONNModelFormat

/// Layer, pooling, batch norm, ReLU: the order of networks with real activations, and of He et al. (2016),
/// `y = ReLU(BN(Conv(ReLU(BN(Conv(x))))) + shortcut(x))`. No quantizer stands anywhere: layers with quantized
/// weights read real numbers.
public struct PostActivationBlock: BlockStyle {
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

    /// Layer, pooling, batch norm and ReLU.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        try plan.normalizedReLU(plan.quantized(x, name, layer, pool: pool), name)
    }

    /// Convolutions with the shortcut around them; the ReLU of the last one stands behind the sum.
    public func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        let y = try convolutions(
            &plan, x, name, outputs: outputs, stride: stride, between: ("relu", .relu)
        ) { (plan, x, name, layer) throws(PlanError) in
            let sums = try plan.quantized(x, name, layer, pool: nil)
            return try plan.add(.batchNorm, "\(name).norm", sums)
        }
        let around = try plan.shortcut(x, "\(name).shortcut", outputs: outputs, stride: stride)
        let sum = try plan.add(.add, "\(name).add", y, around)
        return try plan.add(.relu, "\(name).relu", sum)
    }
}
