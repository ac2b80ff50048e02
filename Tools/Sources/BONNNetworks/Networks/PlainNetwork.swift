public import BONNModelFormat

/// A network without shortcuts: a real first convolution, quantized convolutions with pooling between
/// them, quantized fully connected layers, and a real last one.
public struct PlainNetwork: NetworkFamily {
    /// A layer of few bits.
    public struct Unit: Sendable {
        /// Output channels.
        public var outputs: Int
        /// Kernel and padding; nil: a fully connected layer.
        public var window: Window?
        /// A max pooling behind the convolution.
        public var pool: Window?

        /// A convolution.
        public static func convolution(
            _ outputs: Int, _ window: Window = Window(3, padding: 1), pool: Window? = nil
        ) -> Unit {
            Unit(outputs: outputs, window: window, pool: pool)
        }

        /// A fully connected layer.
        public static func linear(_ outputs: Int) -> Unit {
            Unit(outputs: outputs, window: nil, pool: nil)
        }
    }

    /// Output channels and window of the first convolution.
    public var first: Unit
    /// The layers between the first and the last one.
    public var units: [Unit]
    /// Whether the first convolution's and the last layer's weights are quantized too.
    public var quantizesEnds: Bool
    /// Whether the last layer reads the mean of each channel in the place of every pixel.
    public var averages: Bool

    /// Creates a network with its numbers.
    public init(
        first: Unit, units: [Unit], quantizesEnds: Bool = false, averages: Bool = false
    ) {
        self.first = first
        self.units = units
        self.quantizesEnds = quantizesEnds
        self.averages = averages
    }

    /// First layer, units, last layer.
    public func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        let ends: Weights = quantizesEnds ? .quantized : .real
        var x = try plan.convolution(
            PlanBuilder.input, "stem.convolution", outputs: first.outputs,
            window: first.window ?? Window(3, padding: 1), weights: ends)
        if let pool = first.pool {
            x = try plan.add(.maxPool(Pool(window: pool)), "stem.pool", x)
        }
        x = try style.stem(&plan, x, "stem")
        for (index, unit) in units.enumerated() {
            let name: Name = "units.\(index)"
            guard let window = unit.window else {
                if plan.shape(x).height > 1 || plan.shape(x).width > 1 {
                    x = try plan.add(.flatten, "flatten", x)
                }
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
        if plan.shape(x).height > 1 || plan.shape(x).width > 1 {
            x = try plan.add(.flatten, "features", x)
        }
        let logits = try plan.add(
            .linear(LinearPlan(outputs: classes, weights: ends)), "head", x)
        return try plan.plan(features: x, output: logits)
    }
}
