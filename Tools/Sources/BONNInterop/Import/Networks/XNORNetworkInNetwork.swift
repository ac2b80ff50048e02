import BONNModelFormat
import BONNNetworks

extension NetworkEntry {
    /// Network in Network as XNOR-Net-PyTorch has it.
    static let xnorNetworkInNetwork = NetworkEntry(
        name: "xnornet-nin", title: "Network in Network of XNOR-Net-PyTorch",
        paper: "Rastegari et al., XNOR-Net, ECCV 2016", widths: [192, 160, 96, 192, 192],
        widthsMeaning: "the layers of the first block, and those of the second and the third",
        input: Shape(3, 32, 32), classes: 10, smallestSide: 8
    ) { XNORNetworkInNetwork(widths: $0) }
}

/// Network in Network (Lin et al., 2014) in the order of XNOR-Net: batch norm, sign, convolution with a learned number
/// added, ReLU. The last convolution is real and stands, with a ReLU, in front of the mean. Layers are called by their
/// places in the authors' list.
private struct XNORNetworkInNetwork: NetworkFamily {
    let widths: [Int]

    /// A convolution by its place, with an index into the widths, or a pooling.
    private static let units: [(place: Int, width: Int, size: Int)] = [
        (3, 1, 1), (4, 2, 1), (6, 3, 5), (7, 3, 1), (8, 3, 1), (10, 4, 3), (11, 4, 1),
    ]

    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        var x = try convolution(
            &plan, PlanBuilder.input, "stem.convolution", outputs: widths[0], size: 5,
            weights: .real)
        x = try plan.add(.batchNorm, "stem.norm", x)
        x = try plan.add(.relu, "stem.relu", x)
        let half = Pool(window: Window(3, stride: 2, padding: 1))
        for unit in Self.units {
            if unit.place == 6 { x = try plan.add(.maxPool(half), "units.5", x) }
            if unit.place == 10 { x = try plan.add(.averagePool(half), "units.9", x) }
            let name: Name = "units.\(unit.place)"
            x = try plan.add(.batchNorm, "\(name).norm", x)
            x = try plan.add(.quantize, "\(name).sign", x)
            x = try convolution(
                &plan, x, "\(name).convolution", outputs: widths[unit.width], size: unit.size,
                weights: .quantized)
            x = try plan.add(.relu, "\(name).relu", x)
        }
        x = try plan.add(.batchNorm, "ending.norm", x)
        x = try convolution(&plan, x, "head", outputs: classes, size: 1, weights: .real)
        x = try plan.add(.relu, "head.relu", x)
        x = try plan.add(.globalAveragePool, "logits", x)
        return try plan.plan(features: "ending.norm", output: x)
    }

    /// A convolution that keeps the size, with a bias.
    private func convolution(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, size: Int,
        weights: Weights
    ) throws(PlanError) -> Name {
        let layer = ConvolutionPlan(
            outputs: outputs, window: Window(size, padding: size / 2), hasBias: true,
            weights: weights)
        return try plan.add(.convolution(layer), name, x)
    }
}
