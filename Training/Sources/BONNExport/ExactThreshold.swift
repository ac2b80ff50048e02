/// The comparison that equals `fl(fl(x * scale) + shift) >= 0` for every float x.
///
/// Batch norm in deployment arithmetic rounds twice, so -shift / scale itself may decide a value next
/// to it differently. Rounding is monotone, hence so is the rounded function of x: there is one float
/// at which its sign changes, and a bisection over the ordered floats finds it.
struct ExactThreshold: Equatable {
    /// The threshold; for a constant, its sign is the answer.
    let value: Float
    /// +1: high when x >= value; -1: high when x <= value; 0: constant, high when value >= 0.
    let direction: Int8

    /// `scale` and `shift` are finite.
    init(scale: Float, shift: Float) {
        func isHigh(_ x: Float) -> Bool {
            let product = x * scale
            return product + shift >= 0
        }
        let largest = Self.order(.greatestFiniteMagnitude)
        let rises = scale > 0
        // For a rising function, the first high float; for a falling one, the last high float.
        let highEnd = rises ? largest : -largest
        guard scale != 0, isHigh(Self.float(highEnd)), !isHigh(Self.float(-highEnd)) else {
            value = isHigh(scale == 0 ? 0 : Self.float(highEnd)) ? 0 : -1
            direction = 0
            return
        }
        var high = highEnd
        var low = -highEnd
        while abs(high - low) > 1 {
            let middle = (high + low) >> 1
            if isHigh(Self.float(middle)) { high = middle } else { low = middle }
        }
        value = Self.float(high)
        direction = rises ? 1 : -1
    }

    /// Position of a finite float among all floats in ascending order; 0 for both zeros.
    private static func order(_ x: Float) -> Int {
        let magnitude = Int(x.bitPattern & 0x7FFF_FFFF)
        return x.sign == .minus ? -magnitude : magnitude
    }

    private static func float(_ order: Int) -> Float {
        let magnitude = Float(bitPattern: UInt32(abs(order)))
        return order < 0 ? -magnitude : magnitude
    }
}
