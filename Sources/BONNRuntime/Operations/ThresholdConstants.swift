import BONNModelFormat
import CBONNKernels

/// One threshold a channel, as the kernels want them.
final class ThresholdConstants: Sendable {
    private let channels: Int
    /// The bit patterns of float or int32 thresholds, flipped.
    private let values: ConstantBuffer<UInt32>
    private let flip: ConstantBuffer<UInt32>
    private let keep: ConstantBuffer<UInt8>
    private let forced: ConstantBuffer<UInt8>

    /// Thresholds for real (and byte) values.
    convenience init(thresholds: [Float], directions: [Int8]) {
        self.init(
            patterns: thresholds.map(\.bitPattern), isConstantHigh: thresholds.map { $0 >= 0 },
            directions: directions, reversal: Float(-0.0).bitPattern)
    }

    /// Thresholds for integer values.
    convenience init(thresholds: [Int32], directions: [Int8]) {
        self.init(
            patterns: thresholds.map { UInt32(bitPattern: $0) },
            isConstantHigh: thresholds.map { $0 >= 0 }, directions: directions, reversal: .max)
    }

    /// - Parameter reversal: the bits that turn the order of the values around.
    private init(
        patterns: [UInt32], isConstantHigh: [Bool], directions: [Int8], reversal: UInt32
    ) {
        channels = patterns.count
        var values = patterns
        var flip = [UInt32](repeating: 0, count: patterns.count)
        var keep = [UInt8](repeating: 0, count: (patterns.count + 7) / 8)
        var forced = keep
        for (channel, direction) in directions.enumerated() {
            let bit: UInt8 = 1 << UInt8(channel % 8)
            if direction == 0 {
                if !isConstantHigh[channel] { forced[channel / 8] |= bit }
                continue
            }
            keep[channel / 8] |= bit
            if direction < 0 {
                flip[channel] = reversal
                values[channel] ^= reversal
            }
        }
        self.values = ConstantBuffer(values)
        self.flip = ConstantBuffer(flip)
        self.keep = ConstantBuffer(keep)
        self.forced = ConstantBuffer(forced)
    }

    /// The thresholds of channels that start at a multiple of 64.
    func parameters(_ range: Range<Int>) -> bonn_threshold {
        let first = range.lowerBound
        // The last channels of a value take the rest of their word with them.
        let end =
            range.upperBound == channels
            ? BitLayout.words(forChannels: channels) * 8 : range.upperBound / 8
        return bonn_threshold(
            values: UnsafeRawPointer(values.pointer + first), flip: flip.pointer + first,
            keep: keep.pointer + first / 8, forced: forced.pointer + first / 8,
            bytes: end - first / 8)
    }
}
