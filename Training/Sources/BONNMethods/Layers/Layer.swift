import BONNModelFormat
import BONNNetworks
import Torch

/// A layer of a network that is trained: what a layer of a plan becomes.
protocol Layer {
    /// The value of the layer from those that it reads, [N, C, H, W] or [N, C].
    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor
}

/// A layer without parameters, as a function.
struct FunctionLayer: Layer {
    let body: ([Tensor], Pass) throws(TorchError) -> Tensor

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try body(inputs, pass)
    }
}

/// The sum of two values.
struct Addition: Layer {
    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        try inputs[0] + inputs[1]
    }
}

/// A learned number a channel, added or multiplied.
struct PerChannel: Layer {
    enum Kind { case bias, scale }
    let kind: Kind
    let parameter: Parameter

    init(_ scope: ParameterScope, _ kind: Kind, channels: Int) throws(TorchError) {
        self.kind = kind
        parameter =
            switch kind {
            case .bias: try scope.parameter("bias", [channels], .constant(0), role: .shift)
            case .scale: try scope.parameter("weight", [channels], .constant(1), role: .gain)
            }
    }

    func callAsFunction(_ inputs: [Tensor], _ pass: Pass) throws(TorchError) -> Tensor {
        let number = try parameter.tensor.perChannel(of: inputs[0])
        return switch kind {
        case .bias: try inputs[0] + number
        case .scale: try inputs[0] * number
        }
    }
}

extension Tensor {
    /// `[C]` in the shape that meets each channel of `x`, [N, C, H, W] or [N, C].
    func perChannel(of x: Tensor) throws(TorchError) -> Tensor {
        try reshape([1, -1] + [Int](repeating: 1, count: x.shape.count - 2))
    }

    /// The product with a factor an element, a channel or a pixel; a value of one pixel a channel is
    /// [N, C, 1, 1] or [N, C].
    func multiplied(by factor: Tensor) throws(TorchError) -> Tensor {
        guard factor.shape.count != shape.count else { return try self * factor }
        let ones = [Int](repeating: 1, count: shape.count - 2)
        return try self * factor.reshape(factor.shape.prefix(2) + ones)
    }

    /// `[N, C]` of `[N, C, 1, 1]`.
    func asRows() throws(TorchError) -> Tensor {
        shape.count == 2 ? self : try reshape([shape[0], -1])
    }

    /// A convolution with a window of a plan, whose strides and dilations are the same on both axes.
    func convolution(
        _ weight: Tensor, bias: Tensor? = nil, _ window: Window, groups: Int = 1,
        padding value: Double = 0
    ) throws(TorchError) -> Tensor {
        let (x, padding) = try padded(window, value)
        return try x.conv2d(
            weight, bias: bias, stride: window.strideHeight, padding: padding,
            dilation: window.dilationHeight, groups: groups)
    }

    /// The same without bias, in one fused operation of quantized layers.
    func quantizedConvolution(
        _ kernel: Tensor, _ window: Window, groups: Int, padding value: Double,
        gradients: Precision
    ) throws(TorchError) -> Tensor {
        let (x, padding) = try padded(window, value)
        return try Fused.quantizedConv2d(
            x, kernel, stride: window.strideHeight, padding: padding,
            dilation: window.dilationHeight, groups: groups,
            roundingGradients: gradients == .bfloat16)
    }

    /// Itself with what a convolution cannot pad, and the zeros that are left to it on all sides.
    private func padded(
        _ window: Window, _ value: Double
    ) throws(TorchError) -> (Tensor, padding: Int) {
        precondition(
            window.strideHeight == window.strideWidth
                && window.dilationHeight == window.dilationWidth,
            "a plan has no such window")
        let pads = [window.padLeft, window.padRight, window.padTop, window.padBottom]
        let isEven = Set(pads).count == 1 && (value == 0 || pads[0] == 0)
        return isEven ? (self, pads[0]) : (try pad(pads, mode: .constant(value)), 0)
    }

    /// The largest value of each window; padding never wins.
    func maxPool(_ window: Window) throws(TorchError) -> Tensor {
        precondition(
            window.height == window.width && window.strideHeight == window.strideWidth
                && Set([window.padTop, window.padBottom, window.padLeft, window.padRight]).count
                    == 1,
            "a plan has no such window")
        return try maxPool2d(
            kernel: window.height, stride: window.strideHeight, padding: window.padTop)
    }

    /// The mean of each window; the last windows of windows side by side over what is left of the image.
    func averagePool(_ pool: Pool) throws(TorchError) -> Tensor {
        let window = pool.window
        let pads = Set([window.padTop, window.padBottom, window.padLeft, window.padRight])
        let reachesOut =
            window.height == window.strideHeight && window.padTop == 0 && window.padLeft == 0
            && (window.padBottom > 0 || window.padRight > 0) && !pool.countsPadding
        precondition(
            window.height == window.width && window.strideHeight == window.strideWidth
                && (pads.count == 1 || reachesOut),
            "a plan has no such window")
        return try avgPool2d(
            kernel: window.height, stride: window.strideHeight, padding: window.padTop,
            ceilMode: reachesOut, countPadding: reachesOut ? false : pool.countsPadding)
    }
}
