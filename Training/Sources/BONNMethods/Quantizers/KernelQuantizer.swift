public import BONNNetworks
public import Torch

/// Latent weights to the kernel of a layer: in training with a gradient, deployed as plain data.
public protocol KernelQuantizer {
    /// The kernel that the layer multiplies with, of the shape of `latent`: [K, C, kh, kw] or [K, C].
    func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor

    /// The same kernel as scaled signs.
    func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel

    /// The quantizer's own parameters.
    var parameters: [Parameter] { get }

    /// Sets its own parameters to what suits latent weights that came from elsewhere.
    func fit(_ latent: Tensor) throws(TorchError)

    /// Keeps the latent weights and the quantizer's own parameters in their range, after each step of the
    /// optimizer.
    func constrain(_ latent: Tensor) throws(TorchError)

    /// Numbers of the quantizer for the rows of layers.csv, by column.
    func statistics(_ latent: Tensor) throws(TorchError) -> [(name: String, value: Double)]
}

extension KernelTerm {
    /// The signs of values in the shape of a layer's weights times a scale: one number, or one for each filter in
    /// any shape.
    public init(signsOf values: Tensor, scale: Tensor) throws(TorchError) {
        self.init(
            signs: try values.detached().to(.cpu).floats(),
            scale: try scale.detached().flatten().to(.cpu).floats())
    }
}

extension KernelQuantizer {
    /// None.
    public var parameters: [Parameter] { [] }

    /// Nothing.
    public func fit(_ latent: Tensor) throws(TorchError) {}

    /// Nothing.
    public func constrain(_ latent: Tensor) throws(TorchError) {}

    /// None.
    public func statistics(_ latent: Tensor) throws(TorchError) -> [(name: String, value: Double)] {
        []
    }
}
