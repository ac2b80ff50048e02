import BONNModelFormat
import CBONNKernels

/// A real convolution or fully connected layer.
struct ConvolutionOperator: Operator {
    private let window: bonn_window
    private let groups: Int
    private let inputChannels: Int
    private let outputChannels: Int
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
        let moved = WeightPacking.channelsLast(
            weights, outputs: outputChannels, channels: channels, taps: window.taps)
        self.weights = ConstantBuffer(
            WeightPacking.blocks(
                moved, outputs: outputChannels, groups: groups, depth: channels * window.taps,
                width: BONN_REAL_BLOCK))
        self.bias = ConstantBuffer(
            WeightPacking.blocks(
                bias ?? [Float](repeating: 0, count: outputChannels), outputs: outputChannels,
                groups: groups, depth: 1, width: BONN_REAL_BLOCK))
    }

    var realMACs: Int {
        outputChannels * window.out_height * window.out_width * window.taps
            * (inputChannels / groups)
    }

    var elements: Int { outputChannels * window.out_height * window.out_width }

    var scratchBytesPerThread: Int {
        var parameters = parameters
        return bonn_conv2d_scratch(&parameters)
    }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = parameters
        let part = share.grid(
            rows: share.images * window.out_height, columns: groups * parameters.blocks)
        let scratch = memory.base + memory.scratch
        memory.functions.pointee.conv2d(
            &parameters, memory.input(as: Float.self), memory.output(as: Float.self), part.rows,
            part.columns, scratch.assumingMemoryBound(to: Float.self))
    }

    private var parameters: bonn_conv2d {
        bonn_conv2d(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            blocks: WeightPacking.blockCount(outputChannels / groups, width: BONN_REAL_BLOCK),
            weights: weights.pointer, bias: bias.pointer)
    }
}

/// A real convolution in which every channel is a group of its own.
struct DepthwiseOperator: Operator {
    private let window: bonn_window
    private let channels: Int
    private let weights: ConstantBuffer<Float>
    private let bias: ConstantBuffer<Float>

    /// Packs weights `[C, 1, kh, kw]`; `bias` is `[C]`, or nil for zeros.
    init(window: bonn_window, channels: Int, weights: [Float], bias: [Float]?) {
        self.window = window
        self.channels = channels
        self.weights = ConstantBuffer(WeightPacking.transposed(weights, rows: channels))
        self.bias = ConstantBuffer(bias ?? [Float](repeating: 0, count: channels))
    }

    var realMACs: Int { channels * window.out_height * window.out_width * window.taps }

    var elements: Int { channels * window.out_height * window.out_width }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = bonn_depthwise(
            window: window, channels: channels, weights: weights.pointer, bias: bias.pointer)
        memory.functions.pointee.depthwise(
            &parameters, memory.input(as: Float.self), memory.output(as: Float.self),
            share.rows(of: share.images * window.out_height))
    }
}
