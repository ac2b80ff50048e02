public import BONNModelFormat
public import BONNNetworks
import Torch

/// The magnitudes that become 127 steps of signed bytes, in front of the two layers that read them.
public struct Int8Limits: Sendable, Equatable {
    /// Of the normalised pixels.
    public var stem: Float
    /// Of the features in front of the fully connected layer.
    public var head: Float

    /// Creates limits, both above 0.
    public init(stem: Float, head: Float) {
        self.stem = stem
        self.head = head
    }
}

/// The numbers of a trained network, for lowering and for the deployment arithmetic.
public struct TrainedWeights: WeightSource {
    private let network: Network
    private let limits: Int8Limits?
    private let norms: [Name: any Normalization]
    private let quantizers: [Name: any ActivationQuantizer]
    private let layers: [Name: QuantizedLayer]

    /// The numbers of a network as it is now.
    ///
    /// - Parameter limits: lets the first and the last layer compute in signed bytes, and other real
    ///   convolutions with such weights; nil: none.
    public init(_ network: Network, int8 limits: Int8Limits? = nil) {
        self.network = network
        self.limits = limits
        var norms: [Name: any Normalization] = [:]
        var quantizers: [Name: any ActivationQuantizer] = [:]
        var layers: [Name: QuantizedLayer] = [:]
        for step in network.composed.steps {
            switch step.layer {
            case let layer as NormalizationLayer: norms[step.name] = layer.norm
            case let layer as QuantizeLayer: quantizers[step.name] = layer.quantizer
            case let layer as QuantizedLayer: layers[step.name] = layer
            default: break
            }
        }
        self.norms = norms
        self.quantizers = quantizers
        self.layers = layers
    }

    /// The values of a parameter.
    public func values(_ parameter: Name) throws(LoweringError) -> [Float] {
        guard let stored = network.store[parameter.text] else {
            throw LoweringError(.source, "\(parameter): the network has no such parameter")
        }
        return try numbers(parameter) { () throws(TorchError) in
            try stored.tensor.detached().to(.cpu).floats()
        }
    }

    /// A batch norm with its running statistics.
    public func affine(
        _ batchNorm: Name
    ) throws(LoweringError) -> (scale: [Float], shift: [Float]) {
        guard let norm = norms[batchNorm] else {
            throw LoweringError(.source, "\(batchNorm): the network has no such batch norm")
        }
        return try numbers(batchNorm) { () throws(TorchError) in
            let affine = try norm.inferenceAffine()
            return (try affine.scale.to(.cpu).floats(), try affine.shift.to(.cpu).floats())
        }
    }

    /// What the method deploys of latent weights.
    public func kernel(_ layer: Name) throws(LoweringError) -> DeployedKernel {
        guard let quantized = layers[layer] else {
            throw LoweringError(.source, "\(layer): the network has no such quantized layer")
        }
        return try numbers(layer) { () throws(TorchError) in
            try quantized.quantizer.deployed(quantized.latent.tensor)
        }
    }

    /// What the method deploys of an activation quantizer.
    public func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation {
        guard let activation = quantizers[quantizer] else {
            throw LoweringError(.source, "\(quantizer): the network has no such quantizer")
        }
        return try numbers(quantizer) { () throws(TorchError) in try activation.deployed() }
    }

    /// The 8-bit form, where limits were given.
    public func bytes(_ layer: Name) throws(LoweringError) -> Int8Form? {
        guard let limits, let planned = network.plan[layer] else { return nil }
        let limit: Float? =
            if planned.inputs == [NetworkPlan.input] { limits.stem } else {
                layer == network.plan.output ? limits.head : nil
            }
        let shape = network.store["\(layer).weight"]?.tensor.shape ?? []
        return Int8Form(try values("\(layer).weight"), shape: shape, inputLimit: limit)
    }

    private func numbers<Result>(
        _ name: Name, _ body: () throws(TorchError) -> Result
    ) throws(LoweringError) -> Result {
        do {
            return try body()
        } catch {
            throw LoweringError(.source, "\(name): \(error.message)")
        }
    }
}
