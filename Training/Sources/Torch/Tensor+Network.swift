import CTorch

// What networks are made of. N batch, C input channels, K output channels, H height, W width.

extension Tensor {
    /// Fully connected layer: [..., C] with weight [K, C] and bias [K] gives [..., K].
    public func linear(_ weight: Tensor, _ bias: Tensor? = nil) throws(TorchError) -> Tensor {
        try make((self, weight, bias)) {
            ctorch_linear(handle, weight.handle, bias?.handle, $0, $1)
        }
    }

    /// Convolution (cross-correlation): [N, C, H, W] with weight [K, C / groups, h, w] and bias
    /// [K] gives [N, K, H', W'] with H' = (H + 2 padding - dilation (h - 1) - 1) / stride + 1,
    /// rounded down. Zeros are padded.
    public func conv2d(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1, groups: Int = 1
    ) throws(TorchError) -> Tensor {
        try make((self, weight, bias)) {
            ctorch_conv2d(
                handle, weight.handle, bias?.handle, Int64(stride), Int64(padding),
                Int64(dilation), Int64(groups), $0, $1)
        }
    }

    /// Batch normalisation of [N, C, ...]: (x - mean) / sqrt(variance + epsilon) weight + bias.
    ///
    /// - Parameters:
    ///   - weight: [C]; 1 if nil.
    ///   - bias: [C]; 0 if nil.
    ///   - runningMean: [C], updated when training: (1 - momentum) old + momentum new.
    ///   - runningVariance: [C], likewise, with the unbiased variance of the batch.
    ///   - training: whether mean and variance are the batch's (the biased one) or the running.
    ///   - momentum: weight of the batch in the running statistics.
    ///   - epsilon: added to the variance.
    /// - Throws: `TorchError` for a batch of one value per channel when training.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?,
        training: Bool, momentum: Double = 0.1, epsilon: Double = 1e-5
    ) throws(TorchError) -> Tensor {
        try make((self, weight, bias, runningMean, runningVariance)) {
            ctorch_batch_norm(
                handle, weight?.handle, bias?.handle, runningMean?.handle,
                runningVariance?.handle, training, momentum, epsilon, $0, $1)
        }
    }

    /// Means of windows. `countPadding`: whether padded zeros count in the divisor. The stride is
    /// the window's size if nil.
    public func avgPool2d(
        kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false,
        countPadding: Bool = true
    ) throws(TorchError) -> Tensor {
        try make(self) {
            ctorch_avg_pool2d(
                handle, Int64(kernel), Int64(stride ?? kernel), Int64(padding), ceilMode,
                countPadding, $0, $1)
        }
    }

    /// Greatest elements of windows; padding never wins. The stride is the window's size if nil.
    public func maxPool2d(
        kernel: Int, stride: Int? = nil, padding: Int = 0, ceilMode: Bool = false
    ) throws(TorchError) -> Tensor {
        try make(self) {
            ctorch_max_pool2d(
                handle, Int64(kernel), Int64(stride ?? kernel), Int64(padding), ceilMode, $0, $1)
        }
    }

    /// Means of as many windows as make an output of `height` by `width`.
    public func adaptiveAvgPool2d(height: Int, width: Int) throws(TorchError) -> Tensor {
        try make(self) {
            ctorch_adaptive_avg_pool2d(handle, Int64(height), Int64(width), $0, $1)
        }
    }

    /// x where x > 0, slope x elsewhere. `slope`: one value, or one for each of the C channels.
    public func prelu(_ slope: Tensor) throws(TorchError) -> Tensor {
        try make((self, slope)) { ctorch_prelu(handle, slope.handle, $0, $1) }
    }

    /// x where it is positive, else slope * x.
    public func leakyReLU(slope: Double) throws(TorchError) -> Tensor {
        try make(self) { ctorch_leaky_relu(handle, slope, $0, $1) }
    }

    /// Elements set to 0 with `probability`, the rest divided by 1 - probability. For training
    /// only: there is no evaluation mode to leave it out by itself.
    public func dropout(
        _ probability: Double, generator: Generator
    ) throws(TorchError) -> Tensor {
        try make((self, generator)) {
            ctorch_dropout(handle, probability, generator.handle, $0, $1)
        }
    }

    /// Cross-entropy of logits [N, K], mean over the batch, a scalar.
    ///
    /// - Parameters:
    ///   - targets: class numbers (int64, [N]) or probabilities ([N, K]).
    ///   - weights: of each class, [K]: the mean over class numbers y is sum(w[y] l) / sum(w[y]); 1
    ///     if nil.
    ///   - labelSmoothing: share of the target spread evenly over all K classes.
    /// - Throws: `TorchError` for a class number outside of 0..<K.
    public func crossEntropy(
        _ targets: Tensor, weights: Tensor? = nil, labelSmoothing: Double = 0
    ) throws(TorchError) -> Tensor {
        try make((self, targets, weights)) {
            ctorch_cross_entropy(
                handle, targets.handle, weights?.handle, labelSmoothing, $0, $1)
        }
    }
}
