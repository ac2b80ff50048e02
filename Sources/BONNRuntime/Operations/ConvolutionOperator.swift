import BONNModelFormat
import CBONNKernels

/// A real convolution or fully connected layer.
struct ConvolutionOperator: BlockedConvolution {
    let window: bonn_window
    let groups: Int
    let inputChannels: Int
    let outputChannels: Int
    private let weights: ConstantBuffer<Float>
    private let bias: ConstantBuffer<Float>

    /// Packs the weights for the kernels.
    ///
    /// - Parameters:
    ///   - weights: `[K, C / groups, kh, kw]`.
    ///   - bias: `[K]`, or nil for zeros.
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int,
        weights: [Float], bias: [Float]?
    ) {
        self.window = window
        self.groups = groups
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        let channels = inputChannels / groups
        self.weights = WeightPacking.blocks(
            weights, outputs: outputChannels, groups: groups, channels: channels,
            taps: window.taps)
        self.bias = WeightPacking.blocks(
            bias ?? [Float](repeating: 0, count: outputChannels), outputs: outputChannels,
            groups: groups, channels: 1, taps: 1)
    }

    var scratchBytesPerThread: Int {
        var parameters = parameters
        return bonn_conv2d_scratch(&parameters)
    }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = parameters
        memory.functions.pointee.conv2d(
            &parameters, memory.input.assumingMemoryBound(to: Float.self), memory.output, rows,
            blocks, memory.scratch)
    }

    private var parameters: bonn_conv2d {
        bonn_conv2d(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            blocks: WeightPacking.blockCount(outputChannels / groups),
            weights: weights.pointer, bias: bias.pointer)
    }
}

/// A real convolution in which every channel is a group of its own.
struct DepthwiseOperator: RowProducer {
    private let window: bonn_window
    private let channels: Int
    private let weights: ConstantBuffer<Float>
    private let bias: ConstantBuffer<Float>

    /// Packs weights `[C, 1, kh, kw]`; `bias` is `[C]`, or nil for zeros.
    init(window: bonn_window, channels: Int, weights: [Float], bias: [Float]?) {
        self.window = window
        self.channels = channels
        self.weights = WeightPacking.transposed(weights, rows: channels)
        self.bias = ConstantBuffer(bias ?? [Float](repeating: 0, count: channels))
    }

    var realMACs: Int { channels * window.out_height * window.out_width * window.taps }

    var shape: Shape { Shape(channels, window.out_height, window.out_width) }

    var elements: Int { shape.count }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = bonn_depthwise(
            window: window, channels: channels, weights: weights.pointer, bias: bias.pointer)
        memory.functions.pointee.depthwise(
            &parameters, memory.input.assumingMemoryBound(to: Float.self), memory.output, rows)
    }
}
