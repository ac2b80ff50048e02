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

    /// Thresholds of F32, for real and byte values, or of I32, for integers, and I8 directions.
    init(_ thresholds: ModelTensor, directions: ModelTensor, _ store: ConstantStore)
        throws(RuntimeError)
    {
        let count = thresholds.count
        let isReal = thresholds.elementType == .f32
        // The bits that turn the order of the values around.
        let reversal = isReal ? Float(-0.0).bitPattern : .max
        func isHigh(_ pattern: UInt32) -> Bool {
            isReal ? Float(bitPattern: pattern) >= 0 : Int32(bitPattern: pattern) >= 0
        }
        func buffer<Element: FixedWidthInteger & BitwiseCopyable & Sendable>(
            _ count: Int,
            _ write: (UnsafeMutablePointer<Element>, _ channel: Int, UInt32, Int8) -> Void
        ) throws(RuntimeError) -> ConstantBuffer<Element> {
            try store.buffer(count: count) { to in
                to.initialize(repeating: 0, count: count)
                thresholds.withElements(UInt32.self) { patterns in
                    directions.withElements(Int8.self) { directions in
                        for channel in 0..<thresholds.count {
                            write(to, channel, patterns[channel], directions[channel])
                        }
                    }
                }
            }
        }
        channels = count
        values = try buffer(count) { to, channel, pattern, direction in
            to[channel] = direction < 0 ? pattern ^ reversal : pattern
        }
        flip = try buffer(count) { to, channel, _, direction in
            if direction < 0 { to[channel] = reversal }
        }
        keep = try buffer((count + 7) / 8) { to, channel, _, direction in
            if direction != 0 { to[channel / 8] |= 1 << UInt8(channel % 8) }
        }
        forced = try buffer((count + 7) / 8) { to, channel, pattern, direction in
            if direction == 0, !isHigh(pattern) { to[channel / 8] |= 1 << UInt8(channel % 8) }
        }
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
