import BONNModelFormat

/// Stem, stages of residual blocks, head: Wide ResNets (Zagoruyko and Komodakis, 2016) and ResNets (He et
/// al., 2016). First convolution, 1x1 shortcuts and the fully connected layer are real.
struct ResidualNetwork: NetworkFamily {
    /// Quantized convolutions of each stage.
    let convolutions: [Int]
    /// Channels of the stem and of each stage.
    let widths: [Int]
    let stem: Stem

    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        let window =
            switch stem {
            case .cifar: Window(3, padding: 1)
            case .imagenet: Window(7, stride: 2, padding: 3)
            }
        var x = try plan.convolution(
            PlanBuilder.input, "stem.convolution", outputs: widths[0], window: window)
        x = try style.stem(&plan, x, "stem")
        if stem == .imagenet {
            x = try plan.add(
                .maxPool(Pool(window: Window(3, stride: 2, padding: 1))), "stem.pool", x)
        }
        for (stage, count) in convolutions.enumerated() {
            for index in 0..<count / style.convolutionsPerBlock {
                x = try style.block(
                    &plan, x, "stages.\(stage).\(index)", outputs: widths[stage + 1],
                    stride: index == 0 && stage > 0 ? 2 : 1)
            }
        }
        x = try style.ending(&plan, x, "ending", hasShortcuts: true)
        return try plan.ended(x, classes: classes)
    }
}
