/// The comparison that equals a monotone function of one float, whatever roundings it has inside.
///
/// Batch norm in deployment arithmetic rounds twice, so -shift / scale itself may decide a value next
/// to it differently. Rounding is monotone, hence so is the rounded function of x: there is one float
/// at which its answer changes, and a bisection over the ordered floats finds it.
package struct ExactThreshold: Equatable {
    /// The threshold; for a constant, its sign is the answer.
    package let value: Float
    /// +1: high when x >= value; -1: high when x <= value; 0: constant, high when value >= 0.
    package let direction: Int8

    /// `fl(fl(x * scale) + shift) >= level`; `scale` and `shift` are finite.
    package init(scale: Float, shift: Float, level: Float) {
        func isHigh(_ x: Float) -> Bool {
            let product = x * scale
            return product + shift >= level
        }
        if scale == 0 {
            self.init(constant: isHigh(0))
        } else {
            self.init(rises: scale > 0, isHigh)
        }
    }

    /// `x >= level`.
    init(level: Float) {
        self.init(rises: true) { $0 >= level }
    }

    /// A function that rises with x, or falls.
    fileprivate init(rises: Bool, _ isHigh: (Float) -> Bool) {
        let largest = Self.order(.greatestFiniteMagnitude)
        // For a rising function, the first high float; for a falling one, the last high float.
        let highEnd = rises ? largest : -largest
        guard isHigh(Self.float(highEnd)), !isHigh(Self.float(-highEnd)) else {
            self.init(constant: isHigh(Self.float(highEnd)))
            return
        }
        var high = highEnd
        var low = -highEnd
        while abs(high - low) > 1 {
            let middle = (high + low) >> 1
            if isHigh(Self.float(middle)) { high = middle } else { low = middle }
        }
        self.init(value: Self.float(high), direction: rises ? 1 : -1)
    }

    private init(constant isHigh: Bool) {
        self.init(value: isHigh ? 0 : -1, direction: 0)
    }

    private init(value: Float, direction: Int8) {
        self.value = value
        self.direction = direction
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

extension Plane {
    /// The least float at which a rising function is true: the level that says the same.
    ///
    /// - Parameter isHigh: false up to some float and true from there on, with whatever roundings it has
    ///   inside.
    /// - Returns: infinity where it is true of no finite float, and its negative where it is of all.
    public static func level(where isHigh: (Float) -> Bool) -> Float {
        let threshold = ExactThreshold(rises: true, isHigh)
        if threshold.direction == 0 { return threshold.value >= 0 ? -.infinity : .infinity }
        return threshold.value
    }
}
