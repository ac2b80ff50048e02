public import BONNModelFormat

/// In which order the layers around a quantized convolution stand: what a method's paper prescribes, in any
/// network.
public protocol BlockStyle: Sendable {
    /// Quantized convolutions of a residual block, all inside of one shortcut.
    var convolutionsPerBlock: Int { get }

    /// The layers behind the real first convolution.
    ///
    /// - Parameter name: of the stem; layers are named `NAME.norm` and so on.
    func stem(_ plan: inout PlanBuilder, _ x: Name, _ name: Name) throws(PlanError) -> Name

    /// A quantized convolution or fully connected layer and what belongs to it, without a shortcut.
    ///
    /// - Parameters:
    ///   - layer: the convolution or fully connected layer; it is named `NAME.convolution` or
    ///     `NAME.linear`.
    ///   - pool: a pooling, which stands where the style wants it.
    func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name

    /// A residual block of 3x3 convolutions.
    func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name

    /// The layers between the last block, or the last unit of a network without shortcuts, and the head.
    func ending(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, hasShortcuts: Bool
    ) throws(PlanError) -> Name
}

/// Behind what the max pooling of a unit stands.
public enum PoolingPlace: String, Sendable, CaseIterable {
    /// The convolution: batch norm sees the largest sums.
    case convolution
    /// The batch norm. The sign that follows gives what it would give in front of the pooling.
    case norm
}

extension BlockStyle {
    /// Units one behind the other, inside of a shortcut that is the identity or average pooling, a real 1x1
    /// convolution and a batch norm.
    public func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        let y = try convolutions(&plan, x, name, outputs: outputs, stride: stride) {
            (plan, x, name, layer) throws(PlanError) in
            try unit(&plan, x, name, layer, pool: nil)
        }
        let around = try plan.shortcut(x, "\(name).shortcut", outputs: outputs, stride: stride)
        return try plan.add(.add, "\(name).add", y, around)
    }

    /// The 3x3 convolutions of a block one behind the other, the first of which has the block's stride.
    ///
    /// - Parameters:
    ///   - function: what stands between two of them, named after the first; nil: nothing.
    ///   - unit: a convolution and what belongs to it, under a name.
    func convolutions(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int,
        between function: (name: String, layer: LayerPlan)? = nil,
        unit: (inout PlanBuilder, Name, Name, LayerPlan) throws(PlanError) -> Name
    ) throws(PlanError) -> Name {
        var y = x
        for index in 0..<convolutionsPerBlock {
            if index > 0, let function {
                y = try plan.add(function.layer, "\(name).\(index - 1).\(function.name)", y)
            }
            let layer = PlanBuilder.convolution3x3(
                outputs: outputs, stride: index == 0 ? stride : 1)
            y = try unit(&plan, y, "\(name).\(index)", layer)
        }
        return y
    }

    /// Nothing.
    public func ending(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, hasShortcuts: Bool
    ) throws(PlanError) -> Name { x }
}

extension PlanBuilder {
    /// A quantized 3x3 convolution that keeps the size or halves it, rounded up.
    public static func convolution3x3(outputs: Int, stride: Int) -> LayerPlan {
        .convolution(
            ConvolutionPlan(
                outputs: outputs, window: Window(3, stride: stride, padding: 1),
                weights: .quantized))
    }

    /// A quantized layer under its name in a unit, and the pooling where there is one.
    public mutating func quantized(
        _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        precondition(layer.hasQuantizedWeights, "\(name): weights are not quantized")
        let isLinear = if case .linear = layer { true } else { false }
        let y = try add(layer, isLinear ? "\(name).linear" : "\(name).convolution", x)
        guard let pool else { return y }
        return try add(.maxPool(pool), "\(name).pool", y)
    }

    /// Batch norm and ReLU.
    mutating func normalizedReLU(_ x: Name, _ name: Name) throws(PlanError) -> Name {
        try add(.relu, "\(name).relu", add(.batchNorm, "\(name).norm", x))
    }

    /// The shortcut around a block: the identity where nothing changes, else average pooling, a real 1x1
    /// convolution and a batch norm.
    mutating func shortcut(
        _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        guard stride > 1 || shape(x).channels != outputs else { return x }
        var y = x
        if stride > 1 { y = try averagePoolRoundingUp(y, "\(name).pool", stride: stride) }
        y = try convolution(y, "\(name).convolution", outputs: outputs, window: Window(1))
        return try add(.batchNorm, "\(name).norm", y)
    }
}
