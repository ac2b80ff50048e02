import BONNModelFormat
import CBONNKernels

/// A binary convolution or fully connected layer: exact integer sums, scaled if there is a scale.
struct BinaryConvolutionOperator: Operator {
    private let window: bonn_window
    private let groups: Int
    private let inputChannels: Int
    private let outputChannels: Int
    private let isSigned: Bool
    private let pixelWords: Int
    private let weights: ConstantBuffer<UInt64>
    private let bases: ConstantBuffer<Int32>
    private let rowClass: ConstantBuffer<Int32>
    private let columnClass: ConstantBuffer<Int32>
    private let columnClasses: Int
    private let scale: ConstantBuffer<Float>?
    private let bias: ConstantBuffer<Float>?

    /// Packs the weights for the kernels.
    ///
    /// - Parameters:
    ///   - words: `[K, kh, kw, words of a group]`, as in the file.
    ///   - pixelWords: words from one input pixel to the next.
    ///   - scale: `[K]`, or nil for integer sums.
    ///   - bias: `[K]`, or nil.
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int, isSigned: Bool,
        padding: PaddingValue, pixelWords: Int, words: [UInt64], scale: [Float]?, bias: [Float]?
    ) {
        self.window = window
        self.groups = groups
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.isSigned = isSigned
        self.pixelWords = pixelWords
        let rows = TapClasses.rows(of: window)
        let columns = TapClasses.columns(of: window)
        weights = ConstantBuffer(
            WeightPacking.blocks(
                words, outputs: outputChannels, groups: groups,
                depth: words.count / outputChannels))
        bases = ConstantBuffer(
            BinaryBases(
                words: words, outputs: outputChannels, channels: inputChannels / groups,
                kernelHeight: window.kernel_height, kernelWidth: window.kernel_width,
                isSigned: isSigned, padding: padding
            ).table(rows: rows, columns: columns))
        rowClass = ConstantBuffer(rows.classOfOutput)
        columnClass = ConstantBuffer(columns.classOfOutput)
        columnClasses = columns.ranges.count
        self.scale = scale.map(ConstantBuffer.init)
        self.bias = bias.map(ConstantBuffer.init)
    }

    var binaryMACs: Int {
        outputChannels * window.out_height * window.out_width * window.taps
            * (inputChannels / groups)
    }

    var elements: Int { outputChannels * window.out_height * window.out_width }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = parameters
        let input = memory.input(as: UInt64.self)
        let sums = memory.output(as: Int32.self)
        let part = share.grid(
            rows: share.images * window.out_height, columns: groups * parameters.blocks)
        guard let scale else {
            memory.functions.pointee.bconv2d(&parameters, input, sums, part.rows, part.columns)
            return
        }
        // A row is scaled while it is still in the cache.
        let channels = channels(of: part.columns, blocks: parameters.blocks)
        for row in part.rows.begin..<part.rows.end {
            memory.functions.pointee.bconv2d(
                &parameters, input, sums, bonn_range(begin: row, end: row + 1), part.columns)
            let first = row * window.out_width * outputChannels + channels.lowerBound
            memory.functions.pointee.affine_i32f32(
                sums + first, scale.pointer + channels.lowerBound,
                bias.map { $0.pointer + channels.lowerBound },
                memory.output(as: Float.self) + first, window.out_width, channels.count,
                outputChannels)
        }
    }

    /// The output channels of a range of weight blocks.
    private func channels(of range: bonn_range, blocks: Int) -> Range<Int> {
        let groupChannels = outputChannels / groups
        func first(_ block: Int) -> Int {
            block / blocks * groupChannels + min(block % blocks * Int(BONN_BLOCK), groupChannels)
        }
        return first(range.begin)..<first(range.end)
    }

    private var parameters: bonn_bconv2d {
        bonn_bconv2d(
            window: window, groups: groups,
            group_words: BitLayout.words(forChannels: inputChannels / groups),
            pixel_words: pixelWords, out_channels: outputChannels,
            blocks: WeightPacking.blockCount(outputChannels / groups), shift: isSigned ? 1 : 0,
            weights: weights.pointer, bases: bases.pointer, row_class: rowClass.pointer,
            column_class: columnClass.pointer, column_classes: columnClasses)
    }
}
