import BONNModelFormat
import CBONNKernels

/// Comparison with one threshold a channel, to packed bits.
struct ThresholdOperator: Operator {
    private let shape: Shape
    private let isInteger: Bool
    /// The bit patterns of float or int32 thresholds, flipped.
    private let threshold: ConstantBuffer<UInt32>
    private let flip: ConstantBuffer<UInt32>
    private let keep: ConstantBuffer<UInt64>
    private let forced: ConstantBuffer<UInt64>

    /// Thresholds for real (and byte) values.
    init(shape: Shape, thresholds: [Float], directions: [Int8]) {
        self.init(
            shape: shape, isInteger: false, patterns: thresholds.map(\.bitPattern),
            isConstantHigh: thresholds.map { $0 >= 0 }, directions: directions,
            reversal: Float(-0.0).bitPattern)
    }

    /// Thresholds for integer values.
    init(shape: Shape, thresholds: [Int32], directions: [Int8]) {
        self.init(
            shape: shape, isInteger: true, patterns: thresholds.map { UInt32(bitPattern: $0) },
            isConstantHigh: thresholds.map { $0 >= 0 }, directions: directions, reversal: .max)
    }

    /// - Parameter reversal: the bits that turn the order of the values around.
    private init(
        shape: Shape, isInteger: Bool, patterns: [UInt32], isConstantHigh: [Bool],
        directions: [Int8], reversal: UInt32
    ) {
        self.shape = shape
        self.isInteger = isInteger
        var threshold = patterns
        var flip = [UInt32](repeating: 0, count: patterns.count)
        var keep = [UInt64](repeating: 0, count: BitLayout.words(forChannels: shape.channels))
        var forced = keep
        for (channel, direction) in directions.enumerated() {
            let bit: UInt64 = 1 << UInt64(channel % BitLayout.wordBits)
            let word = channel / BitLayout.wordBits
            if direction == 0 {
                if !isConstantHigh[channel] { forced[word] |= bit }
                continue
            }
            keep[word] |= bit
            if direction < 0 {
                flip[channel] = reversal
                threshold[channel] ^= reversal
            }
        }
        self.threshold = ConstantBuffer(threshold)
        self.flip = ConstantBuffer(flip)
        self.keep = ConstantBuffer(keep)
        self.forced = ConstantBuffer(forced)
    }

    var elements: Int { shape.count }

    func execute(_ memory: StepMemory, _ share: Share) {
        var parameters = bonn_threshold(
            channels: shape.channels, threshold: UnsafeRawPointer(threshold.pointer),
            flip: flip.pointer, keep: keep.pointer, forced: forced.pointer)
        let pixels = share.range(of: share.images * shape.height * shape.width)
        let from = pixels.lowerBound * shape.channels
        let bits =
            memory.output(as: UInt64.self)
            + pixels.lowerBound * BitLayout.words(forChannels: shape.channels)
        if isInteger {
            memory.functions.pointee.threshold_i32b1(
                &parameters, memory.input(as: Int32.self) + from, bits, pixels.count)
        } else {
            memory.functions.pointee.threshold_f32b1(
                &parameters, memory.input(as: Float.self) + from, bits, pixels.count)
        }
    }
}
