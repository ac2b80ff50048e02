import BONNModelFormat
import CBONNKernels

/// A convolution or fully connected layer of signed bytes with exact integer sums.
struct ByteConvolutionOperator: BlockedConvolution {
    let window: bonn_window
    let groups: Int
    let inputChannels: Int
    let outputChannels: Int
    private let weights: ConstantBuffer<UInt8>
    private let scale: ConstantBuffer<Float>
    private let bias: ConstantBuffer<Float>

    /// Packs the weights for the kernels.
    ///
    /// - Parameters:
    ///   - weight: I8 `[K, C / groups, kh, kw]`.
    ///   - scale: of the sums, F32 `[K]`.
    ///   - bias: F32 `[K]`, or nil.
    ///   - kernels: the kernels that will run it.
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int, weight: Name,
        scale: Name?, bias: Name?, kernels: KernelSet, _ store: ConstantStore
    ) throws(RuntimeError) {
        self.window = window
        self.groups = groups
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.scale = try store.channelBlocks(scale, outputs: outputChannels, groups: groups)
        // x + -0 is x, for zeros of both signs.
        self.bias = try store.channelBlocks(
            bias, otherwise: -0.0, outputs: outputChannels, groups: groups)
        weights = try store.byteWeights(
            weight,
            Self.geometry(
                window, groups: groups, inputChannels: inputChannels,
                outputChannels: outputChannels), kernels: kernels)
    }

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
        var parameters = Self.geometry(
            window, groups: groups, inputChannels: inputChannels, outputChannels: outputChannels)
        parameters.weights = UnsafeRawPointer(weights.pointer)
        parameters.scale = scale.pointer
        parameters.bias = bias.pointer
        return parameters
    }

    /// What packing needs to know.
    private static func geometry(
        _ window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int
    ) -> bonn_conv2d_s8 {
        bonn_conv2d_s8(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            blocks: ConstantStore.blockCount(outputChannels / groups), weights: nil, scale: nil,
            bias: nil)
    }
}
