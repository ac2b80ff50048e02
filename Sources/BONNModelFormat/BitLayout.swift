/// The one statement of the bit conventions, and the helpers that follow them.
///
/// - A bit of 1 stands for the low level: -1 for signed bits and weights, 0 for unsigned bits.
///   A bit of 0 stands for +1.
/// - Channel `c` of a row (of its group, for weights) is bit `c % 64`, counted from the least
///   significant, of word `c / 64`. Words are 64 bits, little-endian in a file.
/// - The tail bits above the last channel of a row are 0 in activations and in weights, so they
///   never disagree: dot product of K signed values = K - 2 popcount(a xor w).
/// - sign(0) = +1 (also for -0). A NaN gives the low level, as every comparison with it is false.
public enum BitLayout {
    /// Bits in a word.
    public static let wordBits = 64

    /// The conventions as every model file states them, in the order in which they are written.
    public static let conventions: [(key: Name, value: String)] = [
        ("bit_one", "minus_one"),
        ("bit_one_unsigned", "zero"),
        ("sign_of_zero", "plus_one"),
        ("word", "u64_little_endian"),
        ("channel_order", "least_significant_first"),
        ("tail_bits", "zero"),
        ("binary_weight_layout", "output_height_width_word"),
        ("real_weight_layout", "output_channel_height_width"),
        ("real_sums", "float32_fused_multiply_add_chain"),
    ]

    /// How many words hold one row of `channels` bits.
    public static func words(forChannels channels: Int) -> Int {
        channels / wordBits + (channels % wordBits == 0 ? 0 : 1)
    }

    /// The bits of the last word of a row that stand for channels; the others are tail bits.
    public static func usedBits(ofLastWordForChannels channels: Int) -> UInt64 {
        let used = channels % wordBits
        return used == 0 ? .max : (1 << UInt64(used)) - 1
    }

    /// The bit of a real number: 0 when `x >= 0`, else 1.
    @inlinable
    public static func bit(_ x: Float) -> UInt64 { x >= 0 ? 0 : 1 }

    /// Packs one row by sign: bit 0 where `x >= 0`, bit 1 elsewhere.
    public static func packSigned(_ row: [Float]) -> [UInt64] {
        packSigned(row, channels: row.count)
    }

    /// Packs rows of `channels` values, one after the other, each to `words(forChannels:)` words.
    ///
    /// `values.count` must be a multiple of `channels`.
    public static func packSigned(_ values: [Float], channels: Int) -> [UInt64] {
        pack(values, channels: channels, bit: bit)
    }

    /// Packs one row of values 0 and 1: bit 1 where the value is 0.
    public static func packUnsigned(_ row: [Float]) -> [UInt64] {
        pack(row, channels: row.count) { $0 > 0 ? 0 : 1 }
    }

    /// Unpacks rows of `channels` bits to -1 and +1.
    public static func unpackSigned(_ words: [UInt64], channels: Int) -> [Float] {
        unpack(words, channels: channels, low: -1)
    }

    /// Unpacks rows of `channels` bits to 0 and 1.
    public static func unpackUnsigned(_ words: [UInt64], channels: Int) -> [Float] {
        unpack(words, channels: channels, low: 0)
    }

    /// Packs the signs of real kernels.
    ///
    /// - Parameters:
    ///   - oihw: `[K, C, kh, kw]`, row-major; C is the number of channels of one group.
    ///   - outputs: K.
    ///   - channels: C.
    ///   - height: kh.
    ///   - width: kw.
    /// - Returns: `[K, kh, kw, words(forChannels: C)]`, the layout of a binary convolution's weight.
    public static func packKernels(
        oihw: [Float], outputs: Int, channels: Int, height: Int, width: Int
    ) -> [UInt64] {
        let area = height * width
        precondition(
            oihw.count == outputs * channels * area,
            "\(oihw.count) weights are not [\(outputs), \(channels), \(height), \(width)]")
        let wordsPerRow = words(forChannels: channels)
        var packed = [UInt64](repeating: 0, count: outputs * area * wordsPerRow)
        for output in 0..<outputs {
            for channel in 0..<channels {
                let source = (output * channels + channel) * area
                let word = channel / wordBits
                let shift = UInt64(channel % wordBits)
                for tap in 0..<area {
                    packed[(output * area + tap) * wordsPerRow + word] |=
                        bit(oihw[source + tap]) << shift
                }
            }
        }
        return packed
    }

    /// The inverse of `packKernels`: -1 and +1 in `[K, C, kh, kw]`.
    public static func unpackKernels(
        _ packed: [UInt64], outputs: Int, channels: Int, height: Int, width: Int
    ) -> [Float] {
        let area = height * width
        let wordsPerRow = words(forChannels: channels)
        precondition(
            packed.count == outputs * area * wordsPerRow,
            "\(packed.count) words are not [\(outputs), \(height), \(width), \(wordsPerRow)]")
        var oihw = [Float](repeating: 1, count: outputs * channels * area)
        for output in 0..<outputs {
            for channel in 0..<channels {
                for tap in 0..<area {
                    let word = packed[(output * area + tap) * wordsPerRow + channel / wordBits]
                    if word >> UInt64(channel % wordBits) & 1 == 1 {
                        oihw[(output * channels + channel) * area + tap] = -1
                    }
                }
            }
        }
        return oihw
    }

    private static func pack(
        _ values: [Float], channels: Int, bit: (Float) -> UInt64
    ) -> [UInt64] {
        guard channels > 0 else { return [] }
        precondition(
            values.count % channels == 0, "\(values.count) values are not rows of \(channels)")
        let wordsPerRow = words(forChannels: channels)
        let rows = values.count / channels
        var packed = [UInt64](repeating: 0, count: rows * wordsPerRow)
        for row in 0..<rows {
            for channel in 0..<channels {
                packed[row * wordsPerRow + channel / wordBits] |=
                    bit(values[row * channels + channel]) << UInt64(channel % wordBits)
            }
        }
        return packed
    }

    private static func unpack(_ words: [UInt64], channels: Int, low: Float) -> [Float] {
        guard channels > 0 else { return [] }
        let wordsPerRow = self.words(forChannels: channels)
        precondition(
            words.count % wordsPerRow == 0, "\(words.count) words are not rows of \(wordsPerRow)")
        let rows = words.count / wordsPerRow
        var values = [Float](repeating: 1, count: rows * channels)
        for row in 0..<rows {
            for channel in 0..<channels {
                let word = words[row * wordsPerRow + channel / wordBits]
                if word >> UInt64(channel % wordBits) & 1 == 1 {
                    values[row * channels + channel] = low
                }
            }
        }
        return values
    }
}
