import BONNModelFormat

/// Softmax regression: one real layer over all pixels. What every network is to be far above.
struct LinearNetwork: NetworkFamily {
    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        let pixels = try plan.add(.flatten, "features", PlanBuilder.input)
        let logits = try plan.add(.linear(LinearPlan(outputs: classes)), "head", pixels)
        return try plan.plan(features: pixels, output: logits)
    }
}

extension NetworkEntry {
    /// A linear classifier, which has no layer of few bits, whatever the method.
    static let linear = NetworkEntry(
        name: "linear", title: "a linear classifier, softmax regression on pixels",
        paper: "what networks are compared with", stem: nil, widths: [],
        widthsMeaning: "it has no hidden layer", input: Shape(3, 32, 32), classes: 10,
        smallestSide: 1
    ) { _, _ in LinearNetwork() }
}
