import BONNModelFormat
import CBONNKernels

/// A real convolution or fully connected layer.
struct ConvolutionOperator: BlockedConvolution {
    let window: bonn_window
    let groups: Int
    let inputChannels: Int
    let outputChannels: Int
    /// `ConstantStore.blocks` of the weights.
    let weights: ConstantBuffer<Float>
    /// `ConstantStore.channelBlocks` of the bias.
    let bias: ConstantBuffer<Float>

    var scratchBytesPerThread: Int {
        var parameters = parameters
        return bonn_conv2d_scratch(&parameters)
    }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = parameters
        parameters.window = window.from(memory)
        memory.functions.pointee.conv2d(
            &parameters, memory.input.assumingMemoryBound(to: Float.self), memory.output, rows,
            blocks, memory.scratch)
    }

    private var parameters: bonn_conv2d {
        bonn_conv2d(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            blocks: ConstantStore.blockCount(outputChannels / groups),
            weights: weights.pointer, bias: bias.pointer)
    }
}

/// A real convolution in which every channel is a group of its own.
struct DepthwiseOperator: RowProducer {
    let window: bonn_window
    let channels: Int
    /// `[taps, C]`.
    let weights: ConstantBuffer<Float>
    /// `[C]`.
    let bias: ConstantBuffer<Float>

    var realMACs: Int { channels * window.out_height * window.out_width * window.taps }

    var shape: Shape { Shape(channels, window.out_height, window.out_width) }

    var elements: Int { shape.count }

    var work: Int { 4 * realMACs }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = bonn_depthwise(
            window: window.from(memory), channels: channels, weights: weights.pointer,
            bias: bias.pointer)
        memory.functions.pointee.depthwise(
            &parameters, memory.input.assumingMemoryBound(to: Float.self), memory.output, rows)
    }
}
