import BONNModelFormat
import CBONNKernels

/// Max or average pooling of real values.
struct PoolingOperator: RowProducer {
    /// What is done with the elements of a window.
    enum Kind {
        case maximum
        case average(countsPadding: Bool)
    }

    private let window: bonn_window
    private let channels: Int
    private let kind: Kind

    /// The window of a pooling of values of a shape and what is done with it; nil for what pools nothing.
    static func window(
        of operation: BONNModelFormat.Operation, over shape: Shape
    ) -> (window: Window, kind: Kind)? {
        if case .maxPool(let pool) = operation { return (pool.window, .maximum) }
        if case .averagePool(let pool) = operation {
            return (pool.window, .average(countsPadding: pool.countsPadding))
        }
        guard operation.kind == .globalAveragePool else { return nil }
        let whole = Window(
            height: shape.height, width: shape.width, strideHeight: 1, strideWidth: 1,
            padTop: 0, padBottom: 0, padLeft: 0, padRight: 0)
        return (whole, .average(countsPadding: false))
    }

    init(window: bonn_window, channels: Int, kind: Kind) {
        self.window = window
        self.channels = channels
        self.kind = kind
    }

    var shape: Shape { Shape(channels, window.out_height, window.out_width) }

    var elements: Int { shape.count * window.taps }

    var work: Int { saturatingProduct(8, shape.count, window.taps) }

    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = bonn_pool(
            window: window.from(memory), channels: channels, counts_padding: 0)
        let input = memory.input.assumingMemoryBound(to: Float.self)
        switch kind {
        case .maximum:
            memory.functions.pointee.max_pool_f32(&parameters, input, memory.output, rows)
        case .average(let countsPadding):
            parameters.counts_padding = countsPadding ? 1 : 0
            memory.functions.pointee.average_pool_f32(&parameters, input, memory.output, rows)
        }
    }

    /// How many input rows lie under `rows` neighbouring output rows of one image, padding included.
    func inputRows(under rows: Int) -> Int {
        (rows - 1) * window.stride_height + (window.kernel_height - 1) * window.dilation_height + 1
    }

    /// The input rows under some output rows of one image, both counted over all images.
    func inputRows(under rows: Range<Int>) -> Range<Int> {
        let image = rows.lowerBound / window.out_height
        let first =
            (rows.lowerBound - image * window.out_height) * window.stride_height - window.pad_top
        let begin = max(0, first)
        let end = min(window.in_height, first + inputRows(under: rows.count))
        return image * window.in_height + begin..<image * window.in_height + max(begin, end)
    }
}

/// Max pooling of packed bits.
struct BitPoolingOperator: Operator {
    private let window: bonn_window
    private let channels: Int

    init(window: bonn_window, channels: Int) {
        self.window = window
        self.channels = channels
    }

    var elements: Int { channels * window.out_height * window.out_width * window.taps / 32 }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = bonn_pool(window: window, channels: channels, counts_padding: 0)
        memory.functions.pointee.max_pool_b1(
            &parameters, memory.input(as: UInt64.self), memory.output(as: UInt64.self),
            share.rows(of: share.images * window.out_height))
    }
}
