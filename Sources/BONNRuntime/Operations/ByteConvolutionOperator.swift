import BONNModelFormat
import CBONNKernels

/// A convolution or fully connected layer of signed bytes with exact integer sums.
struct ByteConvolutionOperator: BlockedConvolution {
    let window: bonn_window
    let groups: Int
    let inputChannels: Int
    let outputChannels: Int
    private var weights: ConstantBuffer<UInt8>
    private let scale: ConstantBuffer<Float>
    private let bias: ConstantBuffer<Float>

    /// Packs the weights for the kernels.
    ///
    /// - Parameters:
    ///   - weights: `[K, C / groups, kh, kw]`.
    ///   - scale: of the sums, `[K]`.
    ///   - bias: `[K]`, or nil.
    ///   - kernels: the kernels that will run it.
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int,
        weights: [Int8], scale: [Float], bias: [Float]?, kernels: KernelSet
    ) {
        self.window = window
        self.groups = groups
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        func lanes(_ values: [Float]) -> ConstantBuffer<Float> {
            WeightPacking.blocks(
                values, outputs: outputChannels, groups: groups, channels: 1, taps: 1)
        }
        self.scale = lanes(scale)
        // x + -0 is x, for zeros of both signs.
        self.bias = lanes(bias ?? [Float](repeating: -0.0, count: outputChannels))
        self.weights = ConstantBuffer([])
        var geometry = parameters
        self.weights = ConstantBuffer {
            kernels.functions.pointee.conv2d_s8_pack(&geometry, weights, $0)
        }
    }

    var scratchBytesPerThread: Int {
        var parameters = parameters
        return bonn_conv2d_s8_scratch(&parameters)
    }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = parameters
        memory.functions.pointee.conv2d_s8(
            &parameters, memory.input.assumingMemoryBound(to: Int8.self), memory.output, rows,
            blocks, memory.scratch)
    }

    private var parameters: bonn_conv2d_s8 {
        bonn_conv2d_s8(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            blocks: WeightPacking.blockCount(outputChannels / groups),
            weights: UnsafeRawPointer(weights.pointer), scale: scale.pointer, bias: bias.pointer)
    }
}
