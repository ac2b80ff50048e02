/// A replayable random generator, xoshiro256** (Blackman and Vigna, 2018), split into streams.
///
/// `SeededGenerator(seed: s, stream: a, b, c)` is a generator of its own for every list of
/// integers `(s, a, b, c)`: key = mix(s), then for each integer i of the list
/// key = mix(key + (2i + 1) * 0x9E3779B97F4A7C15), and the 256 bits of state are the next four
/// outputs of SplitMix64 from the key. So the randomness of, say, (purpose, epoch, image) depends
/// on these numbers alone and on no order of evaluation, thread or worker.
///
/// The numbers drawn are the same on every machine and for every version of Swift: `integer`,
/// `uniform` and `permutation` are defined here and not by the standard library.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable {
    private var s0: UInt64, s1: UInt64, s2: UInt64, s3: UInt64

    /// Creates the generator of a stream of a seed.
    public init(seed: UInt64, stream: UInt64...) {
        self.init(seed: seed, stream: stream)
    }

    /// Creates the generator of a stream of a seed.
    public init(seed: UInt64, stream: [UInt64]) {
        var key = Self.mix(seed)
        for number in stream { key = Self.mix(key &+ (2 &* number &+ 1) &* Self.golden) }
        self.init(
            state: (
                Self.mix(key &+ Self.golden), Self.mix(key &+ 2 &* Self.golden),
                Self.mix(key &+ 3 &* Self.golden), Self.mix(key &+ 4 &* Self.golden)
            ))
    }

    /// Creates a generator from its 256 bits of state, which must not all be zero.
    init(state: (UInt64, UInt64, UInt64, UInt64)) {
        (s0, s1, s2, s3) = state
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        let result = rotated(s1 &* 5, by: 7) &* 9
        let t = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = rotated(s3, by: 45)
        return result
    }

    /// A number in `0..<bound`, each equally likely (Lemire 2019); `bound` must be positive.
    public mutating func integer(below bound: Int) -> Int {
        precondition(bound > 0, "a random integer needs a positive bound, got \(bound)")
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// A number in `0..<1`, a multiple of 2^-53.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number in `low..<high`.
    public mutating func uniform(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * uniform()
    }

    /// True with the given probability.
    public mutating func chance(_ probability: Double) -> Bool {
        uniform() < probability
    }

    /// The numbers `0..<count` in random order (Fisher and Yates, from the end).
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1))
        }
        return order
    }

    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The output function of SplitMix64 (Steele, Lea and Flood, 2014).
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

private func rotated(_ value: UInt64, by bits: UInt64) -> UInt64 {
    (value << bits) | (value >> (64 - bits))
}
