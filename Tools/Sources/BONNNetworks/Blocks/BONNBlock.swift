public import BONNConfiguration
public import BONNModelFormat

/// Where shortcuts start and end.
public enum ShortcutStyle: String, Sendable, CaseIterable {
    /// Around every convolution (the authors' code).
    case perConvolution
    /// Around two convolutions (He et al., 2016).
    case classic
}

/// Where the PReLU of a block stands.
public enum PReLUPlacement: String, Sendable, CaseIterable {
    /// PReLU(convolution + shortcut): the authors' code.
    case afterAddition
    /// PReLU(convolution) + shortcut: the paper's figure 2.
    case beforeAddition
}

/// The blocks of BONN (Gu et al., ICCV 2019; the authors' ResNet-18 code):
/// `y = PReLU(Conv(quantize(BN(x))) + shortcut(x))`, where a shortcut that changes channels or size is a
/// real 1x1 convolution, a batch norm and average pooling.
public struct BONNBlock: BlockStyle, Equatable {
    /// Where shortcuts start and end.
    public var shortcut: ShortcutStyle
    /// Where the last PReLU stands.
    public var placement: PReLUPlacement
    /// The probability of dropping an element of a convolution's result before the addition.
    public var dropout: Double

    /// Creates the style of the authors' code, or a variant.
    public init(
        shortcut: ShortcutStyle = .perConvolution, placement: PReLUPlacement = .afterAddition,
        dropout: Double = 0
    ) {
        self.shortcut = shortcut
        self.placement = placement
        self.dropout = dropout
    }

    /// 1, or 2 with classic shortcuts.
    public var convolutionsPerBlock: Int { shortcut == .classic ? 2 : 1 }

    /// Batch norm and PReLU.
    public func stem(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        let y = try plan.add(.batchNorm, "\(name).norm", x)
        return try plan.add(.prelu, "\(name).prelu", y)
    }

    /// Batch norm, quantizer, layer, pooling, dropout and PReLU.
    public func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        let y = try sums(&plan, x, name, layer, pool: pool)
        return try plan.add(.prelu, "\(name).prelu", y)
    }

    /// One or two convolutions with the shortcut around them.
    public func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        let y = try convolutions(
            &plan, x, name, outputs: outputs, stride: stride, between: ("prelu", .prelu)
        ) { (plan, x, name, layer) throws(PlanError) in
            try sums(&plan, x, name, layer, pool: nil)
        }
        let around = try shortcut(&plan, x, "\(name).shortcut", outputs: outputs, stride: stride)
        let prelu: Name = "\(name).\(convolutionsPerBlock - 1).prelu"
        switch placement {
        case .afterAddition:
            return try plan.add(.prelu, prelu, plan.add(.add, "\(name).add", y, around))
        case .beforeAddition:
            return try plan.add(.add, "\(name).add", plan.add(.prelu, prelu, y), around)
        }
    }

    /// Batch norm, quantizer and the layer itself.
    private func sums(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        var y = try plan.add(.batchNorm, "\(name).norm", x)
        y = try plan.add(.quantize, "\(name).sign", y)
        y = try plan.quantized(y, name, layer, pool: pool)
        return dropout > 0 ? try plan.add(.dropout(dropout), "\(name).dropout", y) : y
    }

    /// Convolution and batch norm first, as in the authors' code; `poolingFirst` moves the pooling for the
    /// deployed network.
    private func shortcut(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        guard stride > 1 || plan.shape(x).channels != outputs else { return x }
        var y = try plan.convolution(x, "\(name).convolution", outputs: outputs, window: Window(1))
        y = try plan.add(.batchNorm, "\(name).norm", y)
        return stride > 1 ? try plan.averagePoolRoundingUp(y, "\(name).pool", stride: stride) : y
    }
}

extension BONNBlock {
    /// Its keys.
    public static let keys: [Key<BONNBlock>] = [
        .choice("shortcut", \.shortcut, "a shortcut per convolution or per two")
            .formerly("model.shortcut"),
        .choice("prelu_placement", \.placement, "PReLU after or before the sum")
            .formerly("model.prelu_placement"),
        .number("dropout", \.dropout, in: 0...0.99, "probability of dropping")
            .formerly("model.dropout"),
    ]
}
