import BONNModelFormat
import CBONNKernels

/// Weights of real layers in the order in which the kernels read them.
enum WeightPacking {
    /// Blocks of output channels that hold one group.
    static func blockCount(_ channels: Int) -> Int {
        (channels + Int(BONN_REAL_BLOCK) - 1) / Int(BONN_REAL_BLOCK)
    }

    /// `[K, C, taps]` as `[group][block][taps][C][BONN_REAL_BLOCK]`; absent channels are 0.
    static func blocks(
        _ weights: [Float], outputs: Int, groups: Int, channels: Int, taps: Int
    ) -> ConstantBuffer<Float> {
        let width = Int(BONN_REAL_BLOCK)
        let groupOutputs = outputs / groups
        let blocks = blockCount(groupOutputs)
        let depth = channels * taps
        let count = groups * blocks * depth * width
        return ConstantBuffer(count: count) { packed in
            if groupOutputs % width != 0 { packed.initialize(repeating: 0, count: count) }
            weights.withUnsafeBufferPointer { weights in
                for output in 0..<outputs {
                    let channel = output % groupOutputs
                    let block = output / groupOutputs * blocks + channel / width
                    let to = packed + block * depth * width + channel % width
                    let from = weights.baseAddress! + output * depth
                    for channel in 0..<channels {
                        for tap in 0..<taps {
                            (to + (tap * channels + channel) * width)
                                .initialize(to: from[channel * taps + tap])
                        }
                    }
                }
            }
        }
    }

    /// `[C, taps]` as `[taps, C]`.
    static func transposed(_ weights: [Float], rows: Int) -> ConstantBuffer<Float> {
        let taps = weights.count / rows
        return ConstantBuffer(count: weights.count) { moved in
            for row in 0..<rows {
                for tap in 0..<taps {
                    (moved + tap * rows + row).initialize(to: weights[row * taps + tap])
                }
            }
        }
    }
}

/// The part of a binary sum that does not depend on the input; bconv2d/bconv2d.h derives it.
struct BinaryBases {
    private let outputs: Int
    private let kernelHeight: Int
    private let kernelWidth: Int
    /// What a tap adds inside and outside the image, `[tap][K]`.
    private var inside: [Int32]
    private var outside: [Int32]

    /// Counts the bits of weights `[K, kh, kw, words]` of `channels` channels.
    init(
        words: [UInt64], outputs: Int, channels: Int, kernelHeight: Int, kernelWidth: Int,
        isSigned: Bool, padding: PaddingValue
    ) {
        self.outputs = outputs
        self.kernelHeight = kernelHeight
        self.kernelWidth = kernelWidth
        let taps = kernelHeight * kernelWidth
        let wordsPerTap = BitLayout.words(forChannels: channels)
        inside = [Int32](repeating: 0, count: taps * outputs)
        outside = inside
        for output in 0..<outputs {
            for tap in 0..<taps {
                let first = (output * taps + tap) * wordsPerTap
                var negative = 0
                for word in 0..<wordsPerTap { negative += words[first + word].nonzeroBitCount }
                let sum = channels - 2 * negative
                let index = tap * outputs + output
                inside[index] = Int32(isSigned ? channels : channels - negative)
                outside[index] =
                    switch padding {
                    case .zero: 0
                    case .plusOne: Int32(sum)
                    case .minusOne: Int32(-sum)
                    }
            }
        }
    }

    /// `[row class][column class][K]`.
    func table(rows: TapClasses, columns: TapClasses) -> [Int32] {
        let classes = rows.ranges.count * columns.ranges.count
        var table = [Int32](repeating: 0, count: classes * outputs)
        var base = 0
        for row in rows.ranges {
            for column in columns.ranges {
                for ky in 0..<kernelHeight {
                    for kx in 0..<kernelWidth {
                        let tap = (ky * kernelWidth + kx) * outputs
                        let isInside = row.contains(ky) && column.contains(kx)
                        for output in 0..<outputs {
                            table[base + output] +=
                                isInside ? inside[tap + output] : outside[tap + output]
                        }
                    }
                }
                base += outputs
            }
        }
        return table
    }
}
