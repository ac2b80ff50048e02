public import BONNModelFormat

/// A small replayable generator (SplitMix64) for tests: the same seed gives the same cases everywhere.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Creates a generator from a seed.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension SeededGenerator {
    /// A number from a range.
    public mutating func integer(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &self)
    }

    /// One of several values.
    public mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[integer(0...elements.count - 1)]
    }

    /// True once in `period` times.
    public mutating func oneIn(_ period: Int) -> Bool {
        integer(1...period) == 1
    }

    /// +1 or -1.
    public mutating func sign() -> Float {
        next() & 1 == 0 ? 1 : -1
    }

    /// Real numbers of no particular form.
    public mutating func reals(_ count: Int, in range: ClosedRange<Float> = -2...2) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }

    /// Multiples of 1/64 in -4...4: their products and sums are exact in float64, in any order.
    public mutating func dyadics(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(integer(-256...256)) / 64 }
    }

    /// A window that fits into an image, of sizes up to `largest`.
    public mutating func window(
        in shape: Shape, largest: Int = 7, stride: Int = 3, dilation: Int = 3, padding: Int = 3
    ) -> Window {
        while true {
            let window = Window(
                height: integer(1...largest), width: integer(1...largest),
                strideHeight: integer(1...stride), strideWidth: integer(1...stride),
                padTop: integer(0...padding), padBottom: integer(0...padding),
                padLeft: integer(0...padding), padRight: integer(0...padding),
                dilationHeight: integer(1...dilation), dilationWidth: integer(1...dilation))
            let height = (window.height - 1) * window.dilationHeight + 1
            let width = (window.width - 1) * window.dilationWidth + 1
            if height <= shape.height + window.padTop + window.padBottom,
                width <= shape.width + window.padLeft + window.padRight
            {
                return window
            }
        }
    }
}
