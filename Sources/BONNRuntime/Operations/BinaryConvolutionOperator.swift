import BONNModelFormat
import CBONNKernels

/// A binary convolution or fully connected layer: exact integer sums, and the program that runs on
/// them while they are in the cache.
struct BinaryConvolutionOperator: Operator {
    /// About how many sums stay in the first cache between the convolution and the program.
    private static let chunkSums = 4_096

    private let window: bonn_window
    private let groups: Int
    private let inputChannels: Int
    private let outputChannels: Int
    private let isSigned: Bool
    private let pixelWords: Int
    private var weights: ConstantBuffer<UInt8>
    private let bases: ConstantBuffer<Int32>
    private let rowClass: ConstantBuffer<Int32>
    private let columnClass: ConstantBuffer<Int32>
    private let columnClasses: Int
    private let program: MapProgram?

    /// Packs the weights for the kernels.
    ///
    /// - Parameters:
    ///   - words: `[K, kh, kw, words of a group]`, as in the file.
    ///   - pixelWords: words from one input pixel to the next.
    ///   - program: what is done with the sums, or nil to leave them as they are.
    ///   - kernels: the kernels that will run it.
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int, isSigned: Bool,
        padding: PaddingValue, pixelWords: Int, words: [UInt64], program: MapProgram?,
        kernels: KernelSet
    ) {
        self.window = window
        self.groups = groups
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.isSigned = isSigned
        self.pixelWords = pixelWords
        self.program = program
        let rows = TapClasses.rows(of: window)
        let columns = TapClasses.columns(of: window)
        bases = ConstantBuffer(
            BinaryBases(
                words: words, outputs: outputChannels, channels: inputChannels / groups,
                kernelHeight: window.kernel_height, kernelWidth: window.kernel_width,
                isSigned: isSigned, padding: padding
            ).table(rows: rows, columns: columns))
        rowClass = ConstantBuffer(rows.classOfOutput)
        columnClass = ConstantBuffer(columns.classOfOutput)
        columnClasses = columns.ranges.count
        weights = ConstantBuffer([])
        var geometry = parameters
        weights = ConstantBuffer {
            kernels.functions.pointee.bconv2d_pack(&geometry, words, $0)
        }
    }

    var binaryMACs: Int {
        outputChannels * window.out_height * window.out_width * window.taps
            * (inputChannels / groups)
    }

    var elements: Int { outputChannels * window.out_height * window.out_width }

    var scratchBytesPerThread: Int {
        guard program != nil else { return 0 }
        return 4 * Int(BONN_BINARY_BLOCK) * chunkRows * window.out_width
    }

    var overwritableInputs: [Int] { program?.operands ?? [] }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = parameters
        let input = memory.input(as: UInt64.self)
        let groupBlocks =
            (outputChannels / groups + Int(BONN_BINARY_BLOCK) - 1) / Int(BONN_BINARY_BLOCK)
        let part = share.grid(
            rows: share.images * window.out_height, columns: groups * groupBlocks)
        guard let program else {
            let first =
                part.rows.begin * window.out_width * outputChannels
                + channels(of: part.columns.begin, groupBlocks: groupBlocks).lowerBound
            memory.functions.pointee.bconv2d(
                &parameters, input, memory.output(0, as: Int32.self) + first, outputChannels,
                part.rows, part.columns)
            return
        }
        let width = Int(BONN_BINARY_BLOCK)
        let sums = (memory.base + memory.scratch).assumingMemoryBound(to: Int32.self)
        for block in part.columns.begin..<part.columns.end {
            let channels = channels(of: block, groupBlocks: groupBlocks)
            var row = part.rows.begin
            while row < part.rows.end {
                let end = min(row + chunkRows, part.rows.end)
                memory.functions.pointee.bconv2d(
                    &parameters, input, sums, width, bonn_range(begin: row, end: end),
                    bonn_range(begin: block, end: block + 1))
                program.run(
                    .integer(sums), stride: width, memory: memory,
                    pixels: row * window.out_width..<end * window.out_width, channels: channels,
                    of: outputChannels)
                row = end
            }
        }
    }

    private var chunkRows: Int {
        max(1, Self.chunkSums / (Int(BONN_BINARY_BLOCK) * window.out_width))
    }

    /// The output channels of a block.
    private func channels(of block: Int, groupBlocks: Int) -> Range<Int> {
        let groupChannels = outputChannels / groups
        let group = block / groupBlocks * groupChannels
        let first = block % groupBlocks * Int(BONN_BINARY_BLOCK)
        return group + first..<group + min(first + Int(BONN_BINARY_BLOCK), groupChannels)
    }

    private var parameters: bonn_bconv2d {
        bonn_bconv2d(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            group_words: BitLayout.words(forChannels: inputChannels / groups),
            pixel_words: pixelWords, shift: isSigned ? 1 : 0,
            weights: UnsafeRawPointer(weights.pointer), bases: bases.pointer,
            row_class: rowClass.pointer, column_class: columnClass.pointer,
            column_classes: columnClasses)
    }
}
