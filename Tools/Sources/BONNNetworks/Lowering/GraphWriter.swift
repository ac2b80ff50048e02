import BONNModelFormat

/// Collects nodes and tensors while a plan is lowered.
struct GraphWriter {
    private(set) var nodes: [Node] = []
    private(set) var tensors: [Name: ModelTensor] = [:]

    /// Adds a node and returns the name of its value.
    mutating func add(_ name: Name, _ operation: Operation, _ inputs: Name...) -> Name {
        nodes.append(Node(name, operation, inputs: inputs))
        return name
    }

    /// Adds a node of any number of inputs.
    mutating func add(_ name: Name, _ operation: Operation, inputs: [Name]) -> Name {
        nodes.append(Node(name, operation, inputs: inputs))
        return name
    }

    /// Stores real numbers, all finite.
    mutating func store(
        _ name: Name, _ values: [Float], shape: [Int]? = nil
    ) throws(LoweringError) -> Name {
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw LoweringError(
                .notFinite,
                "\(name): element \(bad) is \(values[bad]); a network with such weights can not be "
                    + "deployed. Export an earlier checkpoint (best.safetensors).")
        }
        tensors[name] = ModelTensor(f32: values, shape: shape ?? [values.count])
        return name
    }

    /// Adds a batch norm.
    mutating func batchNorm(
        _ name: Name, scale: [Float], shift: [Float], _ input: Name
    ) throws(LoweringError) -> Name {
        let operation = BatchNorm(
            scale: try store("\(name).scale", scale), shift: try store("\(name).shift", shift))
        return add(name, .batchNorm(operation), input)
    }

    /// Adds a comparison with a threshold a channel.
    mutating func threshold(
        _ name: Name, _ thresholds: [ExactThreshold], levels: ElementType, _ input: Name
    ) -> Name {
        tensors["\(name).threshold"] = ModelTensor(
            f32: thresholds.map(\.value), shape: [thresholds.count])
        tensors["\(name).direction"] = ModelTensor(
            i8: thresholds.map(\.direction), shape: [thresholds.count])
        let operation = Threshold(
            threshold: "\(name).threshold", direction: "\(name).direction", levels: levels)
        return add(name, .threshold(operation), input)
    }

    /// Stores the weights of an 8-bit layer, and quantises its input where they need that.
    ///
    /// - Returns: the names of the scales and of the value that the layer reads.
    mutating func bytes(_ name: Name, _ form: Int8Form, _ input: Name) -> (scale: Name, input: Name)
    {
        tensors["\(name).weight"] = ModelTensor(i8: form.weights, shape: form.shape)
        let scale: Name = "\(name).weight_scale"
        tensors[scale] = ModelTensor(f32: form.sumScale, shape: [form.sumScale.count])
        guard let inverse = form.inverseInputScale else { return (scale, input) }
        let rate: Name = "\(name).input_inverse_scale"
        tensors[rate] = ModelTensor(f32: [inverse], shape: [1])
        let bytes = add("\(name).input", .quantize(Quantize(inverseScale: rate)), input)
        return (scale, bytes)
    }

    /// Stores the signs of weights [K, C, kh, kw] or [K, C] as packed bits.
    mutating func bits(_ name: Name, _ signs: [Float], shape: [Int]) -> Name {
        let window = shape.count == 4 ? Array(shape.suffix(2)) : []
        let words = BitLayout.words(forChannels: shape[1])
        tensors[name] = ModelTensor(
            u64: BitLayout.packKernels(
                oihw: signs, outputs: shape[0], channels: shape[1], height: window.first ?? 1,
                width: window.last ?? 1),
            shape: [shape[0]] + window + [words])
        return name
    }
}
