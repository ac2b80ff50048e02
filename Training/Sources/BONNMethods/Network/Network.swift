public import BONNModelFormat
public import BONNNetworks
public import Torch

/// What a network computes for a batch.
public struct NetworkOutput {
    /// [N, classes].
    public let logits: Tensor
    /// [N, D]: what the last fully connected layer reads, and the feature loss acts on.
    public let features: Tensor
    /// The values that the network was asked to keep, by name.
    public var values: [Name: Tensor] = [:]

    /// A value that the network was asked to keep.
    func kept(_ name: Name) -> Tensor {
        guard let value = values[name] else {
            preconditionFailure("the network was not asked to keep \(name)")
        }
        return value
    }
}

/// A plan with parameters, which LibTorch executes as a method wants it trained.
public final class Network {
    /// The layers; what a method changes of a network is changed here.
    public let plan: NetworkPlan
    /// What quantized layers are made of.
    public let method: any Method
    /// All parameters and buffers.
    public let store: ParameterStore
    /// The layers with quantized weights, in order of execution.
    public let quantizedLayers: [QuantizedLayer]
    /// Where dropout and methods draw from; needed in training where `drawsNumbers`.
    public var generator: Generator?
    /// Whether something draws numbers in training: dropout of the plan, or the method.
    public var drawsNumbers: Bool {
        method.drawsNumbers
            || plan.layers.contains { if case .dropout = $0.layer { true } else { false } }
    }

    /// How networks that were trained before are opened, for those who learn from one; nil: in no way.
    public var trained: TrainedNetwork.Opener?
    /// The values that outputs have beside logits and features.
    private var kept: [Name] = []

    /// Every layer, as it is defined.
    private(set) var composed: StepList
    /// The same with fused operations where there are some.
    private(set) var fused: StepList

    /// Builds the network with initial weights that depend on `seed` and the parameters' names only.
    ///
    /// - Parameters:
    ///   - normMomentum: the share of a batch in the running statistics of batch norms.
    ///   - prefix: what stands in front of the names of its parameters, where it is trained beside another
    ///     network.
    /// - Throws: `PlanError` where the method does not fit the plan, `TorchError` when the device refuses.
    public init(
        _ plan: NetworkPlan, _ method: any Method, normMomentum: Double = 0.1, seed: UInt64,
        device: Device = .cpu, prefix: String = ""
    ) throws {
        let adapted = try method.adapt(plan)
        self.plan = adapted
        self.method = method
        store = ParameterStore(seed: seed, device: device, prefix: prefix)
        var quantized: [QuantizedLayer] = []
        var steps: [Step] = []
        for planned in adapted.layers {
            let layer = try Self.layer(
                planned, in: adapted, store, method, normMomentum: normMomentum)
            if let layer = layer as? QuantizedLayer { quantized.append(layer) }
            steps.append(Step(planned.name, layer, planned.inputs))
        }
        quantizedLayers = quantized
        let kept = [adapted.features, adapted.output]
        composed = StepList(steps, kept: kept)
        fused = StepList(FastPaths.replaced(steps, kept: Set(kept)), kept: kept)
        try method.prepare(self)
    }

    /// `images`: [N, C, H, W], normalised.
    public func callAsFunction(_ images: Tensor, _ phase: Phase) throws(TorchError) -> NetworkOutput
    {
        try self(images, Pass(phase, generator: generator))
    }

    /// As above, with everything that a pass says.
    public func callAsFunction(_ images: Tensor, _ pass: Pass) throws(TorchError) -> NetworkOutput {
        // Channels last: the layout in which LibTorch's convolutions and the fused operations are fast.
        let input = try images.contiguous(channelsLast: true)
        guard !pass.isTraining, method.evaluationDraws > 0 else { return try output(input, pass) }
        return try average(input, pass)
    }

    private func output(_ input: Tensor, _ pass: Pass) throws(TorchError) -> NetworkOutput {
        let values = try (pass.isFusing ? fused : composed).run(input, pass)
        return NetworkOutput(
            logits: try values[1].asRows(), features: try values[0].flatten(from: 1),
            values: Dictionary(uniqueKeysWithValues: zip(kept, values.dropFirst(2))))
    }

    /// Lets outputs have more values, by the names of their layers.
    ///
    /// - Precondition: the plan has such layers.
    func keep(_ names: [Name]) {
        kept += names.filter { !kept.contains($0) }
        let all = [plan.features, plan.output] + kept
        let steps = composed.steps
        composed = StepList(steps, kept: all)
        fused = StepList(FastPaths.replaced(steps, kept: Set(all)), kept: all)
    }

    /// Logarithms of the probabilities, features and kept values of several passes, averaged. The passes draw the
    /// same numbers for every batch: an average over so many networks.
    private func average(_ input: Tensor, _ pass: Pass) throws(TorchError) -> NetworkOutput {
        var sums: [Tensor] = []
        for index in 0..<method.evaluationDraws {
            var drawing = pass
            drawing.generator = try Generator(seed: UInt64(index), device: input.device)
            let found = try output(input, drawing)
            let parts = [try found.logits.softmax(dim: 1), found.features] + kept.map(found.kept)
            for (index, part) in parts.enumerated() {
                if index < sums.count {
                    sums[index] = try sums[index] + part
                } else {
                    sums.append(part)
                }
            }
        }
        var means: [Tensor] = []
        for sum in sums { means.append(try sum / Double(method.evaluationDraws)) }
        return NetworkOutput(
            logits: try means[0].clamp(min: 1e-30).log(), features: means[1],
            values: Dictionary(uniqueKeysWithValues: zip(kept, means.dropFirst(2))))
    }

    /// The value of one layer alone, as evaluation defines it.
    ///
    /// - Parameter inputs: what the layer reads, [N, C, H, W] or [N, C] each.
    public func evaluated(_ layer: Name, _ inputs: [Tensor]) throws(TorchError) -> Tensor {
        guard let step = composed.steps.first(where: { $0.name == layer }) else {
            preconditionFailure("the network has no layer \(layer)")
        }
        return try step.layer(inputs, Pass(.evaluation, isFusing: false))
    }

    /// The activation quantizers, in order of execution.
    var activationQuantizers: [any ActivationQuantizer] {
        composed.steps.compactMap { ($0.layer as? QuantizeLayer)?.quantizer }
    }

    /// Keeps constrained parameters in their range; call after each optimizer step.
    public func constrain() throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for layer in quantizedLayers {
                try layer.quantizer.constrain(layer.latent.tensor)
            }
        }
    }

    private static func layer(
        _ planned: PlannedLayer, in plan: NetworkPlan, _ store: ParameterStore,
        _ method: any Method, normMomentum: Double
    ) throws(TorchError) -> any Layer {
        let scope = ParameterScope(store, path: planned.name.text)
        let channels = plan.shape(of: planned.inputs[0])?.channels ?? 0
        switch planned.layer {
        case .convolution(let convolution):
            guard convolution.weights == .quantized else {
                return withSums(
                    of: try Conv2d(scope, convolution, channels: channels), changedBy: method)
            }
            return try QuantizedLayer(scope, planned.layer, channels: channels, method)
        case .linear(let linear):
            guard linear.weights == .quantized else {
                return withSums(
                    of: try Linear(scope, linear, features: channels), changedBy: method)
            }
            return try QuantizedLayer(scope, planned.layer, channels: channels, method)
        case .quantize:
            return QuantizeLayer(quantizer: try method.activation(scope, channels: channels))
        case .batchNorm:
            return NormalizationLayer(
                norm: try method.normalization(
                    scope, channels: channels, momentum: normMomentum,
                    isLast: planned.name == plan.output))
        case .bias: return try PerChannel(scope, .bias, channels: channels)
        case .scale: return try PerChannel(scope, .scale, channels: channels)
        case .prelu: return try PReLU(scope, channels: channels)
        case .relu: return FunctionLayer { (x, _) throws(TorchError) in try x[0].relu() }
        case .hardtanh:
            return FunctionLayer { (x, _) throws(TorchError) in try x[0].clamp(min: -1, max: 1) }
        case .absolute: return FunctionLayer { (x, _) throws(TorchError) in try x[0].abs() }
        case .stopGradient:
            return FunctionLayer { (x, _) throws(TorchError) in try x[0].detached() }
        case .maxPool(let pool):
            return FunctionLayer { (x, _) throws(TorchError) in try x[0].maxPool(pool.window) }
        case .averagePool(let pool):
            return FunctionLayer { (x, _) throws(TorchError) in try x[0].averagePool(pool) }
        case .globalAveragePool:
            return FunctionLayer { (x, _) throws(TorchError) in try x[0].mean([2, 3]) }
        case .add: return Addition()
        case .multiply:
            return FunctionLayer { (x, _) throws(TorchError) in try x[0].multiplied(by: x[1]) }
        case .concatenate:
            return FunctionLayer { (x, _) throws(TorchError) in try Tensor.cat(x, dim: 1) }
        case .flatten:
            return FunctionLayer { (x, _) throws(TorchError) in
                try x[0].contiguous().flatten(from: 1)
            }
        case .dropout(let probability):
            return FunctionLayer { (x, pass) throws(TorchError) in
                guard pass.isTraining else { return x[0] }
                guard let generator = pass.generator else {
                    throw TorchError(.state, "\(scope.path): dropout in training needs a generator")
                }
                return try x[0].dropout(probability, generator: generator)
            }
        }
    }

    /// A layer with real weights, whose sums the method changes where it does so.
    private static func withSums(of layer: any Layer, changedBy method: any Method) -> any Layer {
        guard method.changesRealSums else { return layer }
        return FunctionLayer { (x, pass) throws(TorchError) in
            try method.sums(layer(x, pass), pass)
        }
    }
}
