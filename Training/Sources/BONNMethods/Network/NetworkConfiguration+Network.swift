public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks
public import Torch

extension NetworkConfiguration {
    /// The network that images of a size pass through.
    ///
    /// - Parameter size: not known: as published.
    /// - Throws: `NetworkError` that names the key whose value is wrong, and what is possible.
    public func plan(for size: ImageSize = 0) throws(NetworkError) -> NetworkPlan {
        try validate()
        let entry = try entry()
        // No size at all is not known yet; half of one is a mistake, which the network refuses.
        let size = size == 0 ? publishedSize : size
        let plan: NetworkPlan
        do throws(PlanError) {
            plan = try entry.plan(
                input: Shape(inputChannels, size.height, size.width), classes: classes,
                widths: widths, stem: stem, style: method.value.style)
        } catch {
            throw NetworkError("model.name \(network): \(error.message)")
        }
        var wanted = try withPrunedChannels(plan)
        if method.weights == .real { wanted = wanted.withRealWeights() }
        if method.activations == .hardtanh { wanted = wanted.withActivations(.hardtanh) }
        _ = try adapted(wanted)
        return wanted
    }

    /// The plan with as many outputs of its layers as `channels` says.
    private func withPrunedChannels(_ plan: NetworkPlan) throws(NetworkError) -> NetworkPlan {
        guard !channels.isEmpty else { return plan }
        var outputs: [Name: Int] = [:]
        for layer in channels {
            guard let count = Int(exactly: layer.value) else {
                throw NetworkError(
                    "model.channels: \(layer.text): expected a whole number of outputs")
            }
            outputs[Name(layer.name)] = count
        }
        do throws(PlanError) {
            return try plan.withOutputs(outputs)
        } catch {
            throw NetworkError("model.channels: \(error.message)")
        }
    }

    /// What the method makes of a plan.
    private func adapted(_ plan: NetworkPlan) throws(NetworkError) -> NetworkPlan {
        do throws(PlanError) {
            return try method.value.adapt(plan)
        } catch {
            throw NetworkError("method.name \(method.name): \(error.message)")
        }
    }

    /// Whether a batch norm gets one pixel a channel of images of a size: a batch of one image then has no
    /// variance.
    public func normalizesSinglePixels(of images: ImageSize) throws(NetworkError) -> Bool {
        try adapted(plan(for: images)).layers.contains {
            $0.layer == .batchNorm && $0.shape.height * $0.shape.width == 1
        }
    }
}

extension Network {
    /// The network of a configuration, for images of a size, with initial weights.
    ///
    /// - Parameters:
    ///   - configuration: network, order of layers and method.
    ///   - size: not known: as published.
    /// - Throws: `NetworkError` for what is impossible, `TorchError` when the device refuses.
    public convenience init(
        _ configuration: NetworkConfiguration, for size: ImageSize = 0, seed: UInt64,
        device: Device = .cpu
    ) throws {
        try self.init(
            configuration.plan(for: size), configuration.method.value,
            normMomentum: configuration.normMomentum, seed: seed, device: device)
    }
}
