import BONNModelFormat
import BONNNetworks

extension NetworkEntry {
    /// ReActNet-A.
    static let reActNetA = NetworkEntry(
        name: "reactnet-a", title: "ReActNet-A, MobileNet of 1-bit convolutions",
        paper: "Liu et al., ReActNet, ECCV 2020", widths: [32, 64, 128, 256, 512, 1024],
        widthsMeaning: "stem and 5 stages, each twice the one before", input: Shape(3, 224, 224),
        classes: 1000, smallestSide: 32
    ) { ReActNetA(widths: $0) }
}

/// ReActNet-A (Liu et al., 2020): blocks of a 3x3 and a 1x1 convolution with a shortcut around each, where channels
/// double by two 1x1 convolutions whose results stand one behind the other. The order of layers is its own.
private struct ReActNetA: NetworkFamily {
    /// Channels of the stem and of each stage.
    let widths: [Int]
    /// Blocks of each stage.
    private static let blocks = [1, 2, 2, 6, 2]

    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        guard zip(widths, widths.dropFirst()).allSatisfy({ $0 * 2 == $1 }) else {
            throw PlanError(
                "network.widths: expected each twice the one before for reactnet-a, found \(widths)"
            )
        }
        var plan = PlanBuilder(input: input)
        var x = try plan.convolution(
            PlanBuilder.input, "stem.convolution", outputs: widths[0],
            window: Window(3, stride: 2, padding: 1))
        x = try plan.add(.batchNorm, "stem.norm", x)
        var index = 0
        for (stage, count) in Self.blocks.enumerated() {
            for block in 0..<count {
                // The first stage keeps the size of the stem.
                let stride = stage > 0 && block == 0 ? 2 : 1
                x = try square(&plan, x, "blocks.\(index).0", stride: stride)
                x = try pointwise(&plan, x, "blocks.\(index).1", outputs: widths[stage + 1])
                index += 1
            }
        }
        return try plan.ended(x, classes: classes)
    }

    /// The 3x3 convolution.
    private func square(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, stride: Int
    ) throws(PlanError) -> Name {
        let channels = plan.shape(x).channels
        var y = try plan.add(.quantize, "\(name).rsign", x)
        y = try plan.convolution(
            y, "\(name).convolution", outputs: channels,
            window: Window(3, stride: stride, padding: 1), weights: .quantized)
        y = try plan.add(.batchNorm, "\(name).norm", y)
        let around =
            stride > 1 ? try plan.averagePoolRoundingUp(x, "\(name).pool", stride: stride) : x
        return try activated(&plan, plan.add(.add, "\(name).add", around, y), name)
    }

    /// The 1x1 convolution, or two of them.
    private func pointwise(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int
    ) throws(PlanError) -> Name {
        let channels = plan.shape(x).channels
        let bits = try plan.add(.quantize, "\(name).rsign", x)
        let places: [Name] = channels == outputs ? [name] : ["\(name).0", "\(name).1"]
        var halves: [Name] = []
        for place in places {
            var y = try plan.convolution(
                bits, "\(place).convolution", outputs: channels, window: Window(1),
                weights: .quantized)
            y = try plan.add(.batchNorm, "\(place).norm", y)
            halves.append(try plan.add(.add, "\(place).add", y, x))
        }
        let y =
            halves.count == 1
            ? halves[0] : try plan.add(.concatenate, "\(name).concatenate", inputs: halves)
        return try activated(&plan, y, name)
    }

    /// RPReLU.
    private func activated(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name
    ) throws(PlanError) -> Name {
        var y = try plan.add(.bias, "\(name).bias", x)
        y = try plan.add(.prelu, "\(name).prelu", y)
        return try plan.add(.bias, "\(name).bias2", y)
    }
}
