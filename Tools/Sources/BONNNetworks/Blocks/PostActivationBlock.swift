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
        let y = try plan.add(.batchNorm, "\(name).norm", x)
        return try plan.add(.relu, "\(name).relu", y)
    }

    /// Layer, pooling, batch norm and ReLU.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        try stem(&plan, try plan.quantized(x, name, layer, pool: pool), name)
    }

    /// Convolutions with the shortcut around them; the ReLU of the last one stands behind the sum.
    public func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        var y = x
        for index in 0..<convolutionsPerBlock {
            if index > 0 { y = try plan.add(.relu, "\(name).\(index - 1).relu", y) }
            let layer = PlanBuilder.convolution3x3(
                outputs: outputs, stride: index == 0 ? stride : 1)
            y = try plan.quantized(y, "\(name).\(index)", layer, pool: nil)
            y = try plan.add(.batchNorm, "\(name).\(index).norm", y)
        }
        let around = try plan.shortcut(x, "\(name).shortcut", outputs: outputs, stride: stride)
        y = try plan.add(.add, "\(name).add", y, around)
        return try plan.add(.relu, "\(name).relu", y)
    }
}
