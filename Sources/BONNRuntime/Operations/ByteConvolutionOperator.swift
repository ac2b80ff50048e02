import BONNModelFormat
import CBONNKernels

/// A convolution or fully connected layer of signed bytes with exact integer sums.
struct ByteConvolutionOperator: BlockedConvolution {
    let window: bonn_window
    let groups: Int
    let inputChannels: Int
    let outputChannels: Int
    /// `ConstantStore.byteWeights` of the weights.
    let weights: ConstantBuffer<UInt8>
    /// Of the sums, in `ConstantStore.channelBlocks`.
    let scale: ConstantBuffer<Float>
    /// In `ConstantStore.channelBlocks`; -0 where there is none, since x + -0 is x for zeros of both signs.
    let bias: ConstantBuffer<Float>

    var scratchBytesPerThread: Int {
        var parameters = parameters
        return bonn_conv2d_s8_scratch(&parameters)
    }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = parameters
        parameters.window = window.from(memory)
        memory.functions.pointee.conv2d_s8(
            &parameters, memory.input.assumingMemoryBound(to: Int8.self), memory.output, rows,
            blocks, memory.scratch)
    }

    private var parameters: bonn_conv2d_s8 {
        Self.parameters(
            window, groups: groups, inputChannels: inputChannels, outputChannels: outputChannels,
            weights: weights.pointer, scale: scale.pointer, bias: bias.pointer)
    }

    /// What the kernels are told; packing needs the geometry alone.
    static func parameters(
        _ window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int,
        weights: UnsafePointer<UInt8>, scale: UnsafePointer<Float>, bias: UnsafePointer<Float>
    ) -> bonn_conv2d_s8 {
        bonn_conv2d_s8(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            blocks: ConstantStore.blockCount(outputChannels / groups),
            weights: UnsafeRawPointer(weights), scale: scale, bias: bias)
    }
}
