public import BONNNetworks
public import Torch

/// TBN (Wan et al., ECCV 2018): 1-bit weights, activations of -1, 0 and +1 (methods.md 2.11).
public struct TBN: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "tbn", title: "TBN, ternary activations",
        paper:
            "Wan et al., TBN: Convolutional Neural Network with Ternary Inputs and Binary Weights, "
            + "ECCV 2018", widths: "1/2",
        reported: "ResNet-18 on ImageNet 55.6 %, AlexNet 49.7 %",
        figures: [
            ReportedFigure("resnet20", .cifar10, 84.34, .others),
            ReportedFigure("resnet18", .imageNet, 55.6, .others),
            ReportedFigure("alexnet", .imageNet, 49.7, .others),
        ],
        deployment: "in bits, two planes")

    /// The threshold over the mean magnitude of a batch.
    public var delta: Double
    /// The share of a batch in the running threshold.
    public var momentum: Double

    /// The numbers of the authors' code.
    public init() { self.init(delta: 0.5) }

    /// Creates the method; the defaults are those of the authors' code.
    public init(delta: Double = 0.5, momentum: Double = 0.1) {
        self.delta = delta
        self.momentum = momentum
    }

    /// Order of the layers.
    public var style: any BlockStyle { PreActivationBlock() }

    /// mean|W| sign(W).
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer {
        // The gradient passes as it is.
        ScaledSigns { (latent, _) throws(TorchError) in latent }
    }

    /// -1, 0 or +1.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        try Activation(scope, delta: delta, momentum: momentum)
    }

    /// +1 where x >= d, -1 where x <= -d, else 0, with d = delta mean|x| over the batch, and its running
    /// average outside of training; the slope is that of hardtanh.
    struct Activation: ActivationQuantizer {
        /// d outside of training, one number.
        let threshold: Parameter
        let delta: Double
        let momentum: Double

        /// The mean magnitude of a standard Gaussian, for the threshold before the first batch.
        private static let gaussianMagnitude = 0.7979

        init(_ scope: ParameterScope, delta: Double, momentum: Double) throws(TorchError) {
            self.delta = delta
            self.momentum = momentum
            threshold = try scope.parameter(
                "threshold", [1], .constant(delta * Self.gaussianMagnitude), role: .buffer)
        }

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            var d = threshold.tensor
            if pass.isTraining {
                d = try x.detached().abs().mean().reshape([1]) * delta
                try withoutGradient { () throws(TorchError) in
                    try threshold.tensor.lerp_(d, weight: momentum)
                }
            }
            let still = try x.detached()
            let value = try still.ge(d).to(.float32) - still.le(-d).to(.float32)
            return try straightThrough(value, gradientOf: Slope.clip.surrogate(x))
        }

        /// t = (s(x >= d) + s(x > -d)) / 2.
        func deployed() throws(TorchError) -> DeployedActivation {
            let d = max(try threshold.tensor.to(.cpu).floats()[0], .leastNonzeroMagnitude)
            return .planes([
                Plane(level: [d], weight: 0.5), Plane(level: [(-d).nextUp], weight: 0.5),
            ])
        }
    }
}
