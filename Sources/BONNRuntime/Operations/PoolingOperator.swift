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

    init(window: bonn_window, channels: Int, kind: Kind) {
        self.window = window
        self.channels = channels
        self.kind = kind
    }

    var shape: Shape { Shape(channels, window.out_height, window.out_width) }

    var elements: Int { shape.count * window.taps }

    func compute(_ memory: StepMemory, rows: bonn_range, blocks: bonn_range) {
        var parameters = bonn_pool(window: window, channels: channels, counts_padding: 0)
        let input = memory.input(as: Float.self)
        let output = memory.output(as: Float.self)
        switch kind {
        case .maximum: memory.functions.pointee.max_pool_f32(&parameters, input, output, rows)
        case .average(let countsPadding):
            parameters.counts_padding = countsPadding ? 1 : 0
            memory.functions.pointee.average_pool_f32(&parameters, input, output, rows)
        }
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
