import BONNModelFormat

extension NetworkPlan {
    /// The same network in full precision: real weights, no quantizer.
    public func inFullPrecision() -> NetworkPlan {
        withRealActivations().withRealWeights()
    }

    /// The same network with real weights behind its activation quantizers.
    public func withRealWeights() -> NetworkPlan {
        var plan = self
        plan.layers = layers.map { layer in
            var layer = layer
            switch layer.layer {
            case .convolution(var convolution) where convolution.weights == .quantized:
                convolution.weights = .real
                convolution.padding = .zero
                layer.layer = .convolution(convolution)
            case .linear(var linear) where linear.weights == .quantized:
                linear.weights = .real
                layer.layer = .linear(linear)
            case .convolution, .linear, .quantize, .batchNorm, .bias, .scale, .relu, .hardtanh,
                .prelu, .absolute, .stopGradient, .maxPool, .averagePool, .globalAveragePool, .add,
                .multiply, .concatenate, .flatten, .dropout:
                break
            }
            return layer
        }
        return plan
    }

    /// The same network without activation quantizers; what they fed is padded with zeros, as everything
    /// that reads numbers.
    public func withRealActivations() -> NetworkPlan {
        var plan = self
        var standIns: [Name: Name] = [:]
        plan.layers = plan.layers.compactMap { layer in
            var layer = layer
            layer.inputs = layer.inputs.map { standIns[$0] ?? $0 }
            if case .convolution(var convolution) = layer.layer {
                convolution.padding = .zero
                layer.layer = .convolution(convolution)
            }
            guard layer.layer == .quantize else { return layer }
            standIns[layer.name] = layer.inputs[0]
            return nil
        }
        plan.features = standIns[features] ?? features
        plan.output = standIns[output] ?? output
        return plan
    }

    /// The same network with a function in the place of its activation quantizers, under their names; what reads
    /// it is padded with zeros.
    public func withActivations(_ function: LayerPlan) -> NetworkPlan {
        var plan = self
        plan.layers = plan.layers.map { layer in
            var layer = layer
            if case .convolution(var convolution) = layer.layer {
                convolution.padding = .zero
                layer.layer = .convolution(convolution)
            }
            if layer.layer == .quantize { layer.layer = function }
            return layer
        }
        return plan
    }
}
