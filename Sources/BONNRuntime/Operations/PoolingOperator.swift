import BONNModelFormat
import CBONNKernels

/// Max pooling of real values or bits, and average pooling.
struct PoolingOperator: Operator {
    /// What is done with the elements of a window.
    enum Kind {
        case realMaximum
        case bitMaximum
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

    var elements: Int { channels * window.out_height * window.out_width * window.taps }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = bonn_pool(window: window, channels: channels, counts_padding: 0)
        let rows = share.rows(of: share.images * window.out_height)
        switch kind {
        case .realMaximum:
            memory.functions.pointee.max_pool_f32(
                &parameters, memory.input(as: Float.self), memory.output(as: Float.self), rows)
        case .bitMaximum:
            memory.functions.pointee.max_pool_b1(
                &parameters, memory.input(as: UInt64.self), memory.output(as: UInt64.self), rows)
        case .average(let countsPadding):
            parameters.counts_padding = countsPadding ? 1 : 0
            memory.functions.pointee.average_pool_f32(
                &parameters, memory.input(as: Float.self), memory.output(as: Float.self), rows)
        }
    }
}
