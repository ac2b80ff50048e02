import BONNModelFormat

/// A network without shortcuts: a real first layer, quantized convolutions with pooling between them, quantized fully
/// connected layers, and a real last one.
struct PlainNetwork: NetworkFamily {
    /// A layer of few bits.
    struct Unit: Sendable {
        /// Output channels.
        let outputs: Int
        /// Kernel and padding; nil: a fully connected layer.
        let window: Window?
        /// A max pooling behind the convolution.
        let pool: Window?

        /// A convolution.
        static func convolution(
            _ outputs: Int, _ window: Window = Window(3, padding: 1), pool: Window? = nil
        ) -> Unit {
            Unit(outputs: outputs, window: window, pool: pool)
        }

        /// A fully connected layer.
        static func linear(_ outputs: Int) -> Unit {
            Unit(outputs: outputs, window: nil, pool: nil)
        }
    }

    /// Output channels and window of the first convolution, or outputs of a fully connected layer.
    let first: Unit
    /// The layers between the first and the last one.
    let units: [Unit]
    /// Whether the first convolution's and the last layer's weights are quantized too.
    var quantizesEnds = false
    /// Whether the last layer reads the mean of each channel in the place of every pixel.
    var averages = false

    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        let ends: Weights = quantizesEnds ? .quantized : .real
        var x = PlanBuilder.input
        if let window = first.window {
            x = try plan.convolution(
                x, "stem.convolution", outputs: first.outputs, window: window, weights: ends)
        } else {
            x = try flat(&plan, x, "stem.flatten")
            x = try plan.add(
                .linear(LinearPlan(outputs: first.outputs, hasBias: false, weights: ends)),
                "stem.linear", x)
        }
        if let pool = first.pool {
            x = try plan.add(.maxPool(Pool(window: pool)), "stem.pool", x)
        }
        x = try style.stem(&plan, x, "stem")
        for (index, unit) in units.enumerated() {
            let name: Name = "units.\(index)"
            guard let window = unit.window else {
                x = try flat(&plan, x, "flatten")
                let layer = LayerPlan.linear(
                    LinearPlan(outputs: unit.outputs, hasBias: false, weights: .quantized))
                x = try style.unit(&plan, x, name, layer, pool: nil)
                continue
            }
            let layer = LayerPlan.convolution(
                ConvolutionPlan(outputs: unit.outputs, window: window, weights: .quantized))
            x = try style.unit(&plan, x, name, layer, pool: unit.pool.map { Pool(window: $0) })
        }
        x = try style.ending(&plan, x, "ending", hasShortcuts: false)
        if averages { return try plan.ended(x, classes: classes) }
        x = try flat(&plan, x, "features")
        let logits = try plan.add(
            .linear(LinearPlan(outputs: classes, weights: ends)), "head", x)
        return try plan.plan(features: x, output: logits)
    }

    /// A value as a fully connected layer reads it.
    private func flat(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        let shape = plan.shape(x)
        return shape.height > 1 || shape.width > 1 ? try plan.add(.flatten, name, x) : x
    }
}
