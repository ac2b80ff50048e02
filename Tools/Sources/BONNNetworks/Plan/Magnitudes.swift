import BONNModelFormat

extension NetworkPlan {
    /// The plan with the sums of layers that read a quantizer multiplied by K, the magnitudes that it takes
    /// away.
    ///
    /// K = A * k: A is the mean |x| over the channels of what the layer would read without its quantizer, k
    /// averages over the layer's window, with zeros in the padding; one number for each pixel of the layer's
    /// sums, through which no gradient passes. A layer that reads numbers stays as it is; whether weights are
    /// quantized does not matter.
    ///
    /// The layers are named `LAYER.magnitudes`, with what leads to it, and `LAYER.scaled`, which others read in
    /// the place of LAYER.
    ///
    /// - Throws: `PlanError` where the plan has such a name already.
    public func withMagnitudes() throws(PlanError) -> NetworkPlan {
        var plan = PlanBuilder(input: input)
        var scaled: [Name: Name] = [:]
        for layer in layers {
            try plan.add(
                layer.layer, layer.name, inputs: layer.inputs.map { scaled[$0] ?? $0 })
            guard layer.layer.hasWeights, let source = unquantized(layer) else { continue }
            let value = scaled[source.value] ?? source.value
            let magnitudes = try plan.magnitudes(value, layer, through: source.between)
            scaled[layer.name] = try plan.add(
                .multiply, "\(layer.name).scaled", layer.name, magnitudes)
        }
        return try plan.plan(
            features: scaled[features] ?? features, output: scaled[output] ?? output)
    }

    /// What the quantizer in front of a layer reads, and the poolings and flattenings between the two; nil:
    /// the layer reads numbers.
    private func unquantized(_ layer: PlannedLayer) -> (value: Name, between: [LayerPlan])? {
        var between: [LayerPlan] = []
        var value = layer.inputs[0]
        while let source = self[value] {
            switch source.layer {
            case .quantize: return (source.inputs[0], between.reversed())
            case .maxPool, .flatten: between.append(source.layer)
            case .dropout: break
            case .convolution, .linear, .batchNorm, .bias, .scale, .relu, .hardtanh, .prelu,
                .absolute, .stopGradient, .averagePool, .globalAveragePool, .add, .multiply,
                .concatenate:
                return nil
            }
            value = source.inputs[0]
        }
        return nil
    }
}

extension PlanBuilder {
    /// Appends the magnitudes of a real value for a layer.
    fileprivate mutating func magnitudes(
        _ value: Name, _ layer: PlannedLayer, through between: [LayerPlan]
    ) throws(PlanError) -> Name {
        let name: Name = "\(layer.name).magnitudes"
        var x = try add(.stopGradient, "\(name).input", value)
        for (index, layer) in between.enumerated() { x = try add(layer, "\(name).\(index)", x) }
        x = try add(.absolute, "\(name).absolute", x)
        guard case .convolution(let convolution) = layer.layer else {
            return try add(
                .linear(LinearPlan(outputs: 1, hasBias: false, weights: .mean)), name, x)
        }
        let isOnePixel = convolution.window == Window(1)
        x = try self.convolution(
            x, isOnePixel ? name : "\(name).mean", outputs: 1, window: Window(1), weights: .mean)
        return isOnePixel
            ? x
            : try self.convolution(
                x, name, outputs: 1, window: convolution.window, weights: .mean)
    }
}
