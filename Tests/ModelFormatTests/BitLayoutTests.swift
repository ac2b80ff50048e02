import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct `Bit layout` {
    private static let channelCounts = [1, 2, 31, 63, 64, 65, 127, 128, 129, 200]

    @Test func `the worked example of the format page`() {
        // Channels 0, 3 and 64 of 66 are negative; zeros of both signs count as positive.
        var row = [Float](repeating: 1, count: 66)
        row[0] = -0.5
        row[3] = -2
        row[64] = -0.001
        row[1] = 0
        row[2] = -0.0
        #expect(BitLayout.packSigned(row) == [0b1001, 0b1])
        #expect(BitLayout.packUnsigned([0, 1, 1, 0]) == [0b1001])
        #expect(BitLayout.packSigned([.nan, .infinity, -.infinity]) == [0b101])
        #expect(BitLayout.words(forChannels: 66) == 2)
        #expect(BitLayout.words(forChannels: .max) == .max / 64 + 1)
        #expect(BitLayout.usedBits(ofLastWordForChannels: 66) == 0b11)
        #expect(BitLayout.usedBits(ofLastWordForChannels: 128) == .max)
    }

    @Test(arguments: channelCounts) func `bits lie where the conventions say`(channels: Int) {
        var generator = SeededGenerator(seed: UInt64(channels))
        let rows = 3
        let values = (0..<rows * channels).map { _ in
            Float.random(in: -1...1, using: &generator)
        }
        let packed = BitLayout.packSigned(values, channels: channels)
        let words = (channels + 63) / 64
        #expect(packed.count == rows * words)
        for row in 0..<rows {
            for bit in 0..<words * 64 {
                let isOne = packed[row * words + bit / 64] >> UInt64(bit % 64) & 1 == 1
                let isNegative = bit < channels && values[row * channels + bit] < 0
                #expect(isOne == isNegative, "row \(row), bit \(bit)")
            }
        }
        let signs = values.map { $0 < 0 ? Float(-1) : 1 }
        #expect(BitLayout.unpackSigned(packed, channels: channels) == signs)
        #expect(
            BitLayout.unpackUnsigned(packed, channels: channels) == signs.map { ($0 + 1) / 2 })
        #expect(BitLayout.packUnsigned(signs.map { ($0 + 1) / 2 }).count == (signs.count + 63) / 64)
    }

    @Test(arguments: channelCounts) func `the dot product is K minus twice the disagreements`(
        channels: Int
    ) {
        var generator = SeededGenerator(seed: 100 + UInt64(channels))
        let a = (0..<channels).map { _ in Bool.random(using: &generator) ? Float(1) : -1 }
        let w = (0..<channels).map { _ in Bool.random(using: &generator) ? Float(1) : -1 }
        let disagreements = zip(BitLayout.packSigned(a), BitLayout.packSigned(w))
            .reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        let dot = zip(a, w).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(Float(channels - 2 * disagreements) == dot)
    }

    @Test(arguments: [1, 3, 64, 70]) func `kernels go from K C h w to K h w words`(channels: Int) {
        var generator = SeededGenerator(seed: 200 + UInt64(channels))
        let (outputs, height, width) = (2, 3, 2)
        let signs = (0..<outputs * channels * height * width).map { _ in
            Bool.random(using: &generator) ? Float(1) : -1
        }
        let packed = BitLayout.packKernels(
            oihw: signs, outputs: outputs, channels: channels, height: height, width: width)
        let words = (channels + 63) / 64
        for k in 0..<outputs {
            for y in 0..<height {
                for x in 0..<width {
                    let row = (0..<channels).map {
                        signs[((k * channels + $0) * height + y) * width + x]
                    }
                    let start = ((k * height + y) * width + x) * words
                    #expect(Array(packed[start..<start + words]) == BitLayout.packSigned(row))
                }
            }
        }
        #expect(
            BitLayout.unpackKernels(
                packed, outputs: outputs, channels: channels, height: height, width: width)
                == signs)
    }
}
