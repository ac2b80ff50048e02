import BONNModelFormat

/// QuickNet (Bannink et al., 2021) as in Larq Zoo 2.3: sections of blocks `x + BN(ReLU(Conv(quantize(x))))`,
/// padded with +1, real transitions with a blur between them, a ReLU before the mean. The order of layers is
/// its own.
struct QuickNet: NetworkFamily {
    /// Channels of each section.
    let widths: [Int]
    /// Blocks of each section.
    let blocks: [Int]

    /// Stem, sections with transitions between them, head; the style is not asked.
    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        var x = try stem(&plan, outputs: widths[0])
        for (section, width) in widths.enumerated() {
            if section > 0 {
                x = try transition(&plan, x, "transition\(section)", outputs: width)
            }
            for index in 0..<blocks[section] {
                x = try block(&plan, x, "section\(section + 1).\(index)", outputs: width)
            }
        }
        x = try plan.add(.relu, "relu", x)
        return try plan.ended(x, classes: classes)
    }

    private func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int
    ) throws(PlanError) -> Name {
        var y = try plan.add(.quantize, "\(name).sign", x)
        y = try plan.convolution(
            y, "\(name).convolution", outputs: outputs, window: Window(3, padding: 1),
            weights: .quantized, padding: .plusOne)
        y = try plan.add(.relu, "\(name).relu", y)
        y = try plan.add(.batchNorm, "\(name).norm", y)
        return try plan.add(.add, "\(name).add", x, y)
    }

    private func stem(_ plan: inout PlanBuilder, outputs: Int) throws(PlanError) -> Name {
        let few = max(1, outputs / 4)
        var x = PlanBuilder.input
        x = try plan.convolution(
            x, "stem.0", outputs: few, window: .same(3, stride: 2, of: plan.shape(x)))
        x = try plan.add(.relu, "stem.0.relu", plan.add(.batchNorm, "stem.0.norm", x))
        x = try plan.convolution(
            x, "stem.1", outputs: few, window: .same(3, stride: 2, of: plan.shape(x)),
            groups: few)
        x = try plan.add(.batchNorm, "stem.1.norm", x)
        x = try plan.convolution(x, "stem.2", outputs: outputs, window: Window(1))
        return try plan.add(.batchNorm, "stem.2.norm", x)
    }

    private func transition(
        _ plan: inout PlanBuilder, _ input: Name, _ name: Name, outputs: Int
    ) throws(PlanError) -> Name {
        var x = try plan.add(.relu, "\(name).relu", input)
        x = try plan.add(.maxPool(Pool(window: Window(2))), "\(name).pool", x)
        let channels = plan.shape(x).channels
        x = try plan.convolution(
            x, "\(name).blur", outputs: channels,
            window: .same(3, stride: 2, of: plan.shape(x)), groups: channels, weights: .binomial)
        x = try plan.convolution(x, "\(name).convolution", outputs: outputs, window: Window(1))
        return try plan.add(.batchNorm, "\(name).norm", x)
    }
}
