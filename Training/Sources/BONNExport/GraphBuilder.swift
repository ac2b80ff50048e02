import BONN
import BONNModelFormat
import Torch

/// Collects nodes and tensors while a network is lowered, one method per layer type.
struct GraphBuilder {
    private(set) var nodes: [Node] = []
    private(set) var tensors: [Name: ModelTensor] = [:]
    var binaryLayers: [BinaryLayerNodes] = []

    /// Adds a node and returns the name of its value.
    mutating func add(_ name: Name, _ operation: Operation, _ inputs: [Name]) -> Name {
        nodes.append(Node(name, operation, inputs: inputs))
        return name
    }

    mutating func convolution(
        _ name: Name, _ layer: Conv2d, _ input: Name
    ) throws(ExportError) -> Name {
        var operation = Convolution(window: layer.shape.window, weight: "\(name).weight")
        var input = input
        if let form = layer.int8.form {
            (operation.weightScale, input) = int8(name, form, input)
        } else {
            _ = try store(operation.weight, layer.weight.tensor)
        }
        return add(name, .convolution(operation), [input])
    }

    mutating func linear(
        _ name: Name, _ layer: BONN.Linear, _ input: Name
    ) throws(ExportError) -> Name {
        var operation = BONNModelFormat.Linear(weight: "\(name).weight")
        var input = input
        if let form = layer.int8.form {
            (operation.weightScale, input) = int8(name, form, input)
        } else {
            _ = try store(operation.weight, layer.weight.tensor)
        }
        operation.bias = try store("\(name).bias", layer.bias.tensor)
        return add(name, .linear(operation), [input])
    }

    /// Stores the weights of an 8-bit layer, and quantises its input where they need that.
    ///
    /// - Returns: the names of the scales and of the value that the layer reads.
    private mutating func int8(
        _ name: Name, _ form: Int8Form, _ input: Name
    ) -> (scale: Name, input: Name) {
        tensors["\(name).weight"] = ModelTensor(i8: form.weights, shape: form.shape)
        let scale: Name = "\(name).weight_scale"
        tensors[scale] = ModelTensor(f32: form.sumScale, shape: [form.sumScale.count])
        guard let inverse = form.inverseInputScale else { return (scale, input) }
        let rate: Name = "\(name).input_inverse_scale"
        tensors[rate] = ModelTensor(f32: [inverse], shape: [1])
        let bytes = add("\(name).input", .quantize(Quantize(inverseScale: rate)), [input])
        return (scale, bytes)
    }

    mutating func batchNorm(
        _ name: Name, _ layer: BatchNorm2d, _ input: Name
    ) throws(ExportError) -> Name {
        let affine = try torch(name.text) { () throws(TorchError) in try layer.inferenceAffine() }
        let scale = try store("\(name).scale", affine.scale)
        let shift = try store("\(name).shift", affine.shift)
        return add(name, .batchNorm(BatchNorm(scale: scale, shift: shift)), [input])
    }

    mutating func prelu(
        _ name: Name, _ layer: BONN.PReLU, _ input: Name
    ) throws(ExportError) -> Name {
        let slope = try store("\(name).slope", layer.weight.tensor)
        return add(name, .prelu(BONNModelFormat.PReLU(slope: slope)), [input])
    }

    /// Batch norm and sign as one comparison a channel.
    mutating func signOfBatchNorm(
        _ name: Name, _ layer: BatchNorm2d, _ input: Name
    ) throws(ExportError) -> Name {
        let affine = try torch(name.text) { () throws(TorchError) in try layer.inferenceAffine() }
        let scale = try values(name, affine.scale)
        let shift = try values(name, affine.shift)
        let thresholds = zip(scale, shift).map { ExactThreshold(scale: $0, shift: $1) }
        tensors["\(name).threshold"] = ModelTensor(
            f32: thresholds.map(\.value), shape: [thresholds.count])
        tensors["\(name).direction"] = ModelTensor(
            i8: thresholds.map(\.direction), shape: [thresholds.count])
        let operation = Threshold(threshold: "\(name).threshold", direction: "\(name).direction")
        return add(name, .threshold(operation), [input])
    }

    mutating func binaryConvolution(
        _ name: Name, _ layer: BinaryConv2d, _ input: Name
    ) throws(ExportError) -> Name {
        let latent = try values(name, layer.weight.tensor)
        let shape = layer.shape
        tensors["\(name).weight"] = ModelTensor(
            u64: BitLayout.packKernels(
                oihw: latent, outputs: shape.outputs, channels: shape.inputs, height: shape.kernel,
                width: shape.kernel),
            shape: [
                shape.outputs, shape.kernel, shape.kernel,
                BitLayout.words(forChannels: shape.inputs),
            ])
        let scale = try torch(name.text) { () throws(TorchError) in
            try layer.quantizer.scale(layer.scale.tensor).reshape([1])
        }
        let operation = BinaryConvolution(
            window: shape.window, paddingValue: .zero, inputChannels: shape.inputs,
            weight: "\(name).weight", scale: try store("\(name).scale", scale))
        return add(name, .binaryConvolution(operation), [input])
    }

    private mutating func store(_ name: Name, _ tensor: Tensor) throws(ExportError) -> Name {
        tensors[name] = ModelTensor(f32: try values(name, tensor), shape: tensor.shape)
        return name
    }

    /// The elements in row-major order, all finite.
    private func values(_ name: Name, _ tensor: Tensor) throws(ExportError) -> [Float] {
        let values = try torch(name.text) { () throws(TorchError) in
            try tensor.detached().to(.cpu).floats()
        }
        guard let bad = values.firstIndex(where: { !$0.isFinite }) else { return values }
        throw ExportError(
            .notFinite,
            "\(name): element \(bad) is \(values[bad]); a network with such weights can not be "
                + "deployed. Export an earlier checkpoint (best.safetensors).")
    }
}

extension ConvolutionShape {
    /// The same window in the words of the model file.
    var window: Window { Window(kernel, stride: stride, padding: padding) }
}
