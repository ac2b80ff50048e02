import BONNModelFormat

extension NetworkPlan {
    /// The same network in full precision: real weights, no quantizer.
    public func inFullPrecision() -> NetworkPlan {
        withRealActivations().withRealWeights()
    }

    /// The same network with real weights behind its activation quantizers.
    public func withRealWeights() -> NetworkPlan {
        mappingLayers { layer in
            switch layer {
            case .convolution(var convolution) where convolution.weights == .quantized:
                convolution.weights = .real
                convolution.padding = .zero
                return .convolution(convolution)
            case .linear(var linear) where linear.weights == .quantized:
                linear.weights = .real
                return .linear(linear)
            default: return layer
            }
        }
    }

    /// The same network in which all weights that are learned are the method's business, those of the first and
    /// the last layer and of shortcuts too.
    ///
    /// - Parameter biases: whether layers keep theirs.
    public func withQuantizedWeights(biases: Bool = true) -> NetworkPlan {
        mappingLayers { layer in
            switch layer {
            case .convolution(var convolution) where convolution.weights.areLearned:
                convolution.weights = .quantized
                convolution.hasBias = convolution.hasBias && biases
                return .convolution(convolution)
            case .linear(var linear) where linear.weights.areLearned:
                linear.weights = .quantized
                linear.hasBias = linear.hasBias && biases
                return .linear(linear)
            default: return layer
            }
        }
    }

    /// The same network with other layers of the same shapes.
    private func mappingLayers(_ map: (LayerPlan) -> LayerPlan) -> NetworkPlan {
        var plan = self
        plan.layers = layers.map { layer in
            var layer = layer
            layer.layer = map(layer.layer)
            return layer
        }
        return plan
    }

    /// The same network without activation quantizers; what they fed is padded with zeros, as everything
    /// that reads numbers.
    public func withRealActivations() -> NetworkPlan {
        without(.quantize).withZeroPadding()
    }

    /// The same network without its batch norms.
    public func withoutBatchNorms() -> NetworkPlan { without(.batchNorm) }

    /// The same network without the layers that are one of one input: what read them reads that.
    private func without(_ left: LayerPlan) -> NetworkPlan {
        var plan = self
        var standIns: [Name: Name] = [:]
        plan.layers = plan.layers.compactMap { layer in
            var layer = layer
            layer.inputs = layer.inputs.map { standIns[$0] ?? $0 }
            guard layer.layer == left else { return layer }
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
        mappingLayers { $0 == .quantize ? function : $0 }.withZeroPadding()
    }

    /// The same network, whose convolutions are padded as those of numbers are.
    private func withZeroPadding() -> NetworkPlan {
        mappingLayers { layer in
            guard case .convolution(var convolution) = layer else { return layer }
            convolution.padding = .zero
            return .convolution(convolution)
        }
    }
}

extension Weights {
    /// Whether they are no fixed numbers.
    fileprivate var areLearned: Bool { self == .real || self == .quantized }
}
