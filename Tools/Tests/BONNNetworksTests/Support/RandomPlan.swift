import BONNData
import BONNModelFormat
import BONNNetworks

/// Draws small plans in which every kind of layer stands next to every other.
struct RandomPlan {
    private var random: SeededGenerator
    private var plan: PlanBuilder
    private var value: Name = PlanBuilder.input
    private var count = 0

    /// The plan of a seed.
    static func plan(seed: UInt64) throws(PlanError) -> NetworkPlan {
        var random = SeededGenerator(seed: seed, stream: 1)
        let input = Shape(
            1 + random.integer(below: 4), 5 + random.integer(below: 5), 5 + random.integer(below: 5)
        )
        var builder = RandomPlan(random: random, plan: PlanBuilder(input: input))
        // More channels than a word of bits has, now and then.
        try builder.convolution(
            outputs: builder.random.chance(0.2) ? 66 : 2 * (1 + builder.random.integer(below: 4)))
        for _ in 0..<2 + builder.random.integer(below: 4) { try builder.append() }
        return try builder.ended()
    }

    private var shape: Shape { plan.shape(value) }

    private mutating func add(_ layer: LayerPlan, _ others: Name...) throws(PlanError) {
        count += 1
        let name: Name = "layer\(count)"
        value =
            others.isEmpty
            ? try plan.add(layer, name, value) : try plan.add(layer, name, value, others[0])
    }

    private mutating func append() throws(PlanError) {
        let before = value
        switch random.integer(below: 11) {
        case 0: try convolution(outputs: 2 * (1 + random.integer(below: 4)))
        case 1: try affine()
        case 2:
            try add(
                [.relu, .prelu, .hardtanh, .dropout(0.5), .absolute, .stopGradient][
                    random.integer(below: 6)])
        case 3: try pooling(isMax: true)
        case 4: try pooling(isMax: false)
        case 5:
            try quantized(outputs: shape.channels, keepsSize: true)
            try add(.add, before)
        case 6:
            try quantized(outputs: 1 + random.integer(below: 4), keepsSize: true)
            try add(.concatenate, before)
        case 7: try multiplied(by: before)
        default: try quantized(outputs: 2 * (1 + random.integer(below: 4)), keepsSize: false)
        }
    }

    /// By itself through a layer, by the mean of each channel, or by that of each pixel.
    private mutating func multiplied(by before: Name) throws(PlanError) {
        switch random.integer(below: 3) {
        case 0: try add(.hardtanh)
        case 1: try add(.globalAveragePool)
        default:
            try add(
                .convolution(ConvolutionPlan(outputs: 1, window: Window(1), weights: .mean)))
        }
        let factor = value
        value = before
        try add(.multiply, factor)
    }

    private mutating func affine() throws(PlanError) {
        try add([.batchNorm, .bias, .scale][random.integer(below: 3)])
    }

    private mutating func convolution(outputs: Int) throws(PlanError) {
        let channels = shape.channels
        if random.chance(0.15) {
            let blur = ConvolutionPlan(
                outputs: channels, window: Window(3, padding: 1), groups: channels,
                weights: .binomial)
            return try add(.convolution(blur))
        }
        let groups = channels % 2 == 0 && outputs % 2 == 0 && random.chance(0.3) ? 2 : 1
        try add(
            .convolution(
                ConvolutionPlan(
                    outputs: outputs, window: window(keepsSize: false), groups: groups,
                    hasBias: random.chance(0.5))))
    }

    /// A window that fits what is there, with other paddings on other sides.
    private mutating func window(keepsSize: Bool) -> Window {
        let size = random.chance(0.7) ? 3 : 1
        let dilation = random.chance(0.2) ? 2 : 1
        guard !keepsSize else {
            return Window(size, padding: size / 2 * dilation, dilation: dilation)
        }
        func padding() -> Int { size == 1 ? 0 : 1 + random.integer(below: 2) }
        let stride = 1 + random.integer(below: 2)
        return Window(
            height: size, width: size, strideHeight: stride, strideWidth: stride,
            padTop: padding(), padBottom: padding(), padLeft: padding(), padRight: padding())
    }

    private mutating func pooling(isMax: Bool) throws(PlanError) {
        guard min(shape.height, shape.width) >= 2 else { return }
        let window = Window(
            2, stride: 1 + random.integer(below: 2), padding: random.integer(below: 2))
        if isMax { return try add(.maxPool(Pool(window: window))) }
        try add(.averagePool(Pool(window: window, countsPadding: random.chance(0.5))))
    }

    /// A quantizer, what may stand behind it, and a layer that reads it.
    private mutating func quantized(outputs: Int, keepsSize: Bool) throws(PlanError) {
        if random.chance(0.7) { try add(.batchNorm) }
        try add(.quantize)
        if random.chance(0.2) { try add(.dropout(0.1)) }
        if !keepsSize, random.chance(0.3) { try pooling(isMax: true) }
        let groups = shape.channels % 2 == 0 && outputs % 2 == 0 && random.chance(0.3) ? 2 : 1
        let paddings: [PaddingValue] = [.zero, .zero, .plusOne, .minusOne]
        try add(
            .convolution(
                ConvolutionPlan(
                    outputs: outputs, window: window(keepsSize: keepsSize), groups: groups,
                    hasBias: random.chance(0.3), weights: .quantized,
                    padding: paddings[random.integer(below: 4)])))
    }

    /// The mean of each channel, or everything, to bits or not; and a fully connected layer.
    private consuming func ended() throws(PlanError) -> NetworkPlan {
        if random.chance(0.4) { return try plan.ended(value, classes: 3) }
        let isQuantized = random.chance(0.7)
        if isQuantized {
            try add(.batchNorm)
            try add(.quantize)
        }
        try add(.flatten)
        let features = value
        try add(
            .linear(
                LinearPlan(
                    outputs: 4, hasBias: random.chance(0.5),
                    weights: isQuantized ? .quantized : random.chance(0.3) ? .mean : .real)))
        return try plan.plan(features: features, output: value)
    }
}
