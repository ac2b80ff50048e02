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
    private let weights: ConstantBuffer<UInt8>
    private let bases: ConstantBuffer<Int32>
    private let rowClass: ConstantBuffer<Int32>
    private let columnClass: ConstantBuffer<Int32>
    private let columnClasses: Int
    private let program: MapProgram?

    /// Packs the weights for the kernels.
    ///
    /// - Parameters:
    ///   - weight: U64 `[K, kh, kw, words of a group]`.
    ///   - pixelWords: words from one input pixel to the next.
    ///   - program: what is done with the sums, or nil to leave them as they are.
    ///   - kernels: the kernels that will run it.
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int, isSigned: Bool,
        padding: PaddingValue, pixelWords: Int, weight: Name, program: MapProgram?,
        kernels: KernelSet, _ store: ConstantStore
    ) throws(RuntimeError) {
        self.window = window
        self.groups = groups
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.isSigned = isSigned
        self.pixelWords = pixelWords
        self.program = program
        // Each position is looked up once.
        try store.charge(loadingWork: 8 * (window.out_height + window.out_width))
        let rows = TapClasses.rows(of: window)
        let columns = TapClasses.columns(of: window)
        bases = try store.bitBases(
            weight, outputs: outputChannels, channels: inputChannels / groups, window: window,
            isSigned: isSigned, padding: padding, rows: rows, columns: columns)
        try store.charge(bytes: 4 * (window.out_height + window.out_width))
        rowClass = try ConstantBuffer(rows.classOfOutput)
        columnClass = try ConstantBuffer(columns.classOfOutput)
        columnClasses = columns.ranges.count
        weights = try store.bitWeights(
            weight,
            Self.geometry(
                window, groups: groups, inputChannels: inputChannels,
                outputChannels: outputChannels, pixelWords: pixelWords), kernels: kernels)
    }

    var binaryMACs: Int {
        outputChannels * window.out_height * window.out_width * window.taps
            * (inputChannels / groups)
    }

    var elements: Int { outputChannels * window.out_height * window.out_width }

    var work: Int {
        let blocks = groups * groupBlocks
        let sums = saturatingProduct(
            blocks, Int(BONN_BINARY_BLOCK), window.out_height, window.out_width, window.taps,
            BitLayout.words(forChannels: inputChannels / groups) * BitLayout.wordBits / 16)
        return saturatingSum(sums, saturatingProduct(8, elements, program?.length ?? 1))
    }

    private var groupBlocks: Int {
        (outputChannels / groups + Int(BONN_BINARY_BLOCK) - 1) / Int(BONN_BINARY_BLOCK)
    }

    var scratchBytesPerThread: Int {
        guard program != nil else { return 0 }
        return 4 * Int(BONN_BINARY_BLOCK) * chunkRows * window.out_width
    }

    var overwritableInputs: [Int] { program?.overwritableOperands ?? [] }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = parameters
        let input = memory.input(as: UInt64.self)
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
        var parameters = Self.geometry(
            window, groups: groups, inputChannels: inputChannels, outputChannels: outputChannels,
            pixelWords: pixelWords)
        parameters.shift = isSigned ? 1 : 0
        parameters.weights = UnsafeRawPointer(weights.pointer)
        parameters.bases = bases.pointer
        parameters.row_class = rowClass.pointer
        parameters.column_class = columnClass.pointer
        parameters.column_classes = columnClasses
        return parameters
    }

    /// What packing needs to know.
    private static func geometry(
        _ window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int, pixelWords: Int
    ) -> bonn_bconv2d {
        bonn_bconv2d(
            window: window, groups: groups, in_channels: inputChannels / groups,
            out_channels: outputChannels / groups,
            group_words: BitLayout.words(forChannels: inputChannels / groups),
            pixel_words: pixelWords, shift: 0, weights: nil, bases: nil, row_class: nil,
            column_class: nil, column_classes: 0)
    }
}
