import CTorch

/// The fused operations of training and deployment; those of training are one node of autograd each, with hand-written
/// gradients.
///
/// The formulas and their derivation stand in `CTorch/fused_*.cpp`. Module BONN wraps them in layers
/// and losses; use those.
public enum Fused {
    /// -1 or +1 of each element, in its own type; sign(0) = +1. Without a gradient.
    public static func signOrPlusOne(_ x: Tensor) throws(TorchError) -> Tensor {
        try make(x) { ctorch_sign_or_plus_one(x.handle, $0, $1) }
    }

    /// The same of x + shift, with the gradient of a slope.
    ///
    /// - Parameters:
    ///   - x: of any shape; [N, C, H, W] where there is a shift, [C].
    ///   - estimator: the shape of the slope, 0 polynomial, 1 clip.
    ///   - window: what it is stretched to.
    public static func slopedSign(
        _ x: Tensor, shift: Tensor? = nil, estimator: Int, window: Double
    ) throws(TorchError) -> Tensor {
        try make((x, shift)) {
            ctorch_sloped_sign(x.handle, shift?.handle, Int64(estimator), window, $0, $1)
        }
    }

    /// sum_n weights[n] sign(x + shifts[n] - 1/2); the sign has the slope 1 where x + shifts[n] is in [0, 1].
    ///
    /// - Parameters:
    ///   - x: of any shape.
    ///   - shifts, weights: [n].
    public static func shiftedSigns(
        _ x: Tensor, shifts: Tensor, weights: Tensor
    ) throws(TorchError) -> Tensor {
        try make((x, shifts, weights)) {
            ctorch_shifted_signs(x.handle, shifts.handle, weights.handle, $0, $1)
        }
    }

    /// The values of one tensor with the gradient of another of the same shape.
    public static func straightThrough(
        _ value: Tensor, gradientOf surrogate: Tensor
    ) throws(TorchError) -> Tensor {
        try make((value, surrogate)) {
            ctorch_straight_through(value.handle, surrogate.handle, $0, $1)
        }
    }

    /// sign(batch norm(x)): +-1, sign(0) = +1.
    ///
    /// - Parameters:
    ///   - x: [N, C, H, W].
    ///   - weight: gamma, [C]; `bias`: beta, [C]; running statistics, [C], updated when training.
    ///   - estimator: the shape of the sign's slope: 0 polynomial, 1 clip.
    ///   - window: what it is stretched to.
    public static func batchNormSign(
        _ x: Tensor, weight: Tensor, bias: Tensor, runningMean: Tensor, runningVariance: Tensor,
        training: Bool, momentum: Double, epsilon: Double, estimator: Int,
        window: Double
    ) throws(TorchError) -> Tensor {
        try make((x, weight, bias, runningMean, runningVariance)) {
            ctorch_batch_norm_sign(
                x.handle, weight.handle, bias.handle, runningMean.handle, runningVariance.handle,
                training, momentum, epsilon, Int64(estimator), window, $0, $1)
        }
    }

    /// PReLU(a + b + shift) + after; `a`, `b`: [N, C, H, W], `weight`: slopes, and shifts, [C].
    public static func prelu(
        _ a: Tensor, plus b: Tensor? = nil, shift: Tensor? = nil, weight: Tensor,
        after: Tensor? = nil
    ) throws(TorchError) -> Tensor {
        try make((a, b, shift, weight, after)) {
            ctorch_fused_prelu(
                a.handle, b?.handle, shift?.handle, weight.handle, after?.handle, $0, $1)
        }
    }

    /// The kernel of a binary convolution, of the shape of `latent`.
    ///
    /// - Parameters:
    ///   - latent: X, [K, C, kh, kw].
    ///   - scale: w, [kh, kw].
    ///   - reading: 0 A, 1 B, 2 C.
    ///   - trueScaleGradient: the derivative of the forward pass for w instead of equation 15.
    public static func binaryKernel(
        _ latent: Tensor, _ scale: Tensor, reading: Int, trueScaleGradient: Bool
    ) throws(TorchError) -> Tensor {
        try make((latent, scale)) {
            ctorch_binary_kernel(
                latent.handle, scale.handle, Int64(reading), trueScaleGradient, $0, $1)
        }
    }

    /// The sum of J_i over the kernels of one layer (BONN, equation 7), a scalar; its gradients are
    /// the printed ones. `mu`, `sigma`: [K]; the rest as in `binaryKernel`.
    public static func kernelLoss(
        _ latent: Tensor, _ scale: Tensor, mu: Tensor, sigma: Tensor, nu: Double, reading: Int
    ) throws(TorchError) -> Tensor {
        try make((latent, scale, mu, sigma)) {
            ctorch_kernel_loss(
                latent.handle, scale.handle, mu.handle, sigma.handle, nu, Int64(reading), $0, $1)
        }
    }

    /// The convolution of a quantized layer, without bias and with zeros as padding: exact sums of bits, times one
    /// number an output channel, where input and kernel are signs; LibTorch's where they are not.
    ///
    /// - Parameters:
    ///   - x: [N, C, H, W]; `kernel`: [K, C / groups, kh, kw].
    ///   - stride, padding, dilation: of both axes.
    ///   - roundingGradients: whether the products of the backward pass are of operands rounded to bfloat16.
    /// - Returns: [N, K, H', W'].
    public static func quantizedConv2d(
        _ x: Tensor, _ kernel: Tensor, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
        groups: Int = 1, roundingGradients: Bool = false
    ) throws(TorchError) -> Tensor {
        try make((x, kernel)) {
            ctorch_quantized_conv2d(
                x.handle, kernel.handle, Int64(stride), Int64(padding), Int64(dilation),
                Int64(groups), roundingGradients, $0, $1)
        }
    }

    /// A real convolution in deployment arithmetic: float32 fused multiply-adds from the bias on, over
    /// kernel rows, kernel columns and channels in this order. Without a gradient.
    ///
    /// - Parameters:
    ///   - x: [N, C, H, W], on any device; computed on the CPU.
    ///   - weight: [K, C, kh, kw]; `bias`: [K].
    ///   - stride, padding, dilation: of both axes.
    /// - Returns: [N, K, H', W'] on the device of `x`.
    public static func chainedConv2d(
        _ x: Tensor, _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1
    ) throws(TorchError) -> Tensor {
        try make((x, weight, bias)) {
            ctorch_chained_conv2d(
                x.handle, weight.handle, bias?.handle, Int64(stride), Int64(padding),
                Int64(dilation), $0, $1)
        }
    }
}
