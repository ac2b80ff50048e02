public import BONNNetworks
public import Torch

/// ReBNN (Xu et al., Resilient Binary Neural Network, AAAI 2023), of BONN's group: weights that oscillate around
/// 0 are pulled to +-alpha, the stronger the more signs of their filter flip.
///
///     W ~ alpha_i sign(W_i), alpha_i a learned number a filter; dL/dW = dL/dWb alpha_i 1{|W| <= 1};
///     L_R = 1/2 sum_i gamma_i ||W_i - alpha_i sign(W_i)||^2,
///     gamma_i after a step = (share of the signs of filter i that flipped in it) max_j |dL_S/dWb_ij|
///
/// All of this is [M]: not in methods.md and not read again. Activations are signs with the polynomial slope, the
/// order of layers is ReActNet's without the learned shifts, in whose recipe the authors train it.
///
/// Reported: ImageNet ResNet-18 66.9 % (ReActNet's recipe).
public struct ReBNN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "rebnn", title: "ReBNN, a reconstruction that adapts",
        paper: "Xu et al., Resilient Binary Neural Network, AAAI 2023", widths: "1/1",
        reported: "ResNet-18 on ImageNet 66.9 % (with a teacher)",
        figures: [
            ReportedFigure("resnet18", .imageNet, 66.9, .memory, note: "with a teacher")
        ],
        deployment: "in bits")

    /// Creates the method.
    public init() {}

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock(activation: [("prelu", .prelu)]) }

    /// alpha sign(W), alpha learned.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        Kernel(
            signs: try LearnedScaleSigns(scope, of: latent, .clip),
            balance: try scope.parameter(
                "balance", [latent.shape[0]], .constant(0), role: .buffer))
    }

    /// sign, with the polynomial slope.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer { SignQuantizer(.polynomial) }

    /// L_R.
    public func objectives(for network: Network) -> [any Objective] {
        [
            LayerLoss("reconstruction", of: network) { layer in
                guard let kernel = layer.quantizer as? Kernel else { return nil }
                return { () throws(TorchError) in try kernel.loss(layer.latent.tensor) }
            }
        ]
    }

    /// The balance after each step.
    public func rules(for network: Network) -> [any TrainingRule] {
        [
            Balance(
                network.quantizedLayers.compactMap { layer in
                    (layer.quantizer as? Kernel).map { (layer.latent.tensor, $0) }
                })
        ]
    }

    struct Kernel: KernelQuantizer {
        let signs: LearnedScaleSigns
        /// gamma, `[K]`.
        let balance: Parameter

        /// alpha, `[K]`.
        var scale: Parameter { signs.scale }
        var parameters: [Parameter] { signs.parameters }

        func fit(_ latent: Tensor) throws(TorchError) { try signs.fit(latent) }

        func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            try signs(latent, pass)
        }

        func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
            try signs.deployed(latent)
        }

        /// 1/2 sum gamma ||W - alpha sign(W)||^2.
        func loss(_ latent: Tensor) throws(TorchError) -> Tensor {
            let weight = try balance.tensor.alongFirstAxis(of: latent)
            return try (rest(latent).square() * weight).sum() / 2.0
        }

        /// W - alpha sign(W).
        func rest(_ latent: Tensor) throws(TorchError) -> Tensor {
            try latent - signOrPlusOne(latent) * scale.tensor.alongFirstAxis(of: latent)
        }
    }

    /// gamma from the gradients before an update and the signs before and behind it.
    final class Balance: TrainingRule {
        private let layers: [(latent: Tensor, kernel: Kernel)]
        private var before: [(signs: Tensor, largest: Tensor)] = []

        init(_ layers: [(latent: Tensor, kernel: Kernel)]) { self.layers = layers }

        func gradientsReady(_ progress: RunProgress) throws(TorchError) {
            before = try withoutGradient { () throws(TorchError) in
                var found: [(signs: Tensor, largest: Tensor)] = []
                for (latent, kernel) in layers {
                    found.append((try signOrPlusOne(latent), try Self.largest(latent, kernel)))
                }
                return found
            }
        }

        func afterUpdate(_ progress: RunProgress) throws(TorchError) {
            try withoutGradient { () throws(TorchError) in
                for ((latent, kernel), (signs, largest)) in zip(layers, before) {
                    let flips =
                        try (signs - signOrPlusOne(latent)).abs().filterMeans() / 2.0
                    try kernel.balance.tensor.copy_(from: flips * largest)
                }
            }
            before = []
        }

        /// max_j |dL_S/dWb_ij|, of weights within the slope: the gradient of W without L_R's, over alpha.
        private static func largest(
            _ latent: Tensor, _ kernel: Kernel
        ) throws(TorchError) -> Tensor {
            guard let gradient = latent.grad else {
                return try Tensor.zeros(like: kernel.balance.tensor)
            }
            let weight = try kernel.balance.tensor.alongFirstAxis(of: latent)
            let ofTask = try gradient - kernel.rest(latent) * weight
            let scale = try kernel.scale.tensor.abs().clamp(min: 1e-12)
            return try ofTask.abs().flatten(from: 1).amax([1]) / scale
        }
    }
}
