import BONNModelFormat
import BONNNetworks

/// The numbers for which something is true: those from `lower` to `upper`, both included, or all.
///
/// Comparisons with constants, and what `And`, `Or` and `Not` make of them, for one channel.
struct ChannelInterval: Equatable {
    var lower: Float
    var upper: Float
    /// True whatever the number is, even a NaN.
    var isAlways = false

    /// All numbers.
    static let all = ChannelInterval(lower: -.infinity, upper: .infinity)
    /// None at all.
    static let none = ChannelInterval(lower: .infinity, upper: -.infinity)
    /// True whatever comes.
    static let always = ChannelInterval(lower: -.infinity, upper: .infinity, isAlways: true)

    var isEmpty: Bool { !isAlways && !(lower <= upper) }

    /// x compared with a number that is not NaN.
    init(_ comparison: Comparison, _ number: Float) {
        switch comparison {
        case .greaterOrEqual: self = Self(lower: number, upper: .infinity)
        case .lessOrEqual: self = Self(lower: -.infinity, upper: number)
        // Strictly above a number is at least its successor; above infinity is nothing.
        case .greater:
            self = number == .infinity ? .none : Self(lower: number.nextUp, upper: .infinity)
        case .less:
            self = number == -.infinity ? .none : Self(lower: -.infinity, upper: number.nextDown)
        }
    }

    private init(lower: Float, upper: Float, isAlways: Bool = false) {
        self.lower = lower
        self.upper = upper
        self.isAlways = isAlways
    }

    /// Where both are true.
    func and(_ other: ChannelInterval) -> ChannelInterval {
        if isAlways { return other }
        if other.isAlways { return self }
        return Self(lower: max(lower, other.lower), upper: min(upper, other.upper))
    }

    /// Where one is true; nil where that is no interval.
    func or(_ other: ChannelInterval) -> ChannelInterval? {
        if isAlways || other.isAlways { return .always }
        if isEmpty { return other }
        if other.isEmpty { return self }
        guard max(lower, other.lower) <= min(upper, other.upper).nextUp else { return nil }
        return Self(lower: min(lower, other.lower), upper: max(upper, other.upper))
    }

    /// Where it is false; nil where that is no interval.
    var inverted: ChannelInterval? {
        if isAlways { return ChannelInterval.none }
        if isEmpty { return .always }
        if upper == .infinity {
            return lower == -.infinity ? ChannelInterval.none : Self(.less, lower)
        }
        return lower == -.infinity ? Self(.greater, upper) : nil
    }

    /// As a threshold of the format: its number and its direction; nil for an interval with two ends.
    var threshold: (number: Float, direction: Int8)? {
        if isAlways { return (0, 0) }
        if isEmpty { return (-1, 0) }
        if upper == .infinity { return (lower, 1) }
        return lower == -.infinity ? (upper, -1) : nil
    }

    /// The comparison of x for which `fl(fl(x * scale) + shift)` lies in the interval; nil for one with two ends.
    func before(scale: Float, shift: Float) -> ChannelInterval? {
        guard let (number, direction) = threshold, direction != 0 else {
            return threshold == nil ? nil : self
        }
        let exact = ExactThreshold(
            scale: direction > 0 ? scale : -scale, shift: direction > 0 ? shift : -shift,
            level: direction > 0 ? number : -number)
        switch exact.direction {
        case 1: return Self(.greaterOrEqual, exact.value)
        case -1: return Self(.lessOrEqual, exact.value)
        default: return exact.value >= 0 ? .always : ChannelInterval.none
        }
    }

    /// The threshold with which integers compare as with this one.
    static func integer(_ number: Float, direction: Int8) -> Int32 {
        switch direction {
        case 1: Int32(max(-0x1p26, min(0x1p26, number.rounded(.up))))
        case -1: Int32(max(-0x1p26, min(0x1p26, number.rounded(.down))))
        default: number >= 0 ? 0 : -1
        }
    }
}

/// How two numbers are compared.
enum Comparison {
    case greater, greaterOrEqual, less, lessOrEqual

    /// The comparison of an operator.
    init?(operator name: String) {
        switch name {
        case "Greater": self = .greater
        case "GreaterOrEqual": self = .greaterOrEqual
        case "Less": self = .less
        case "LessOrEqual": self = .lessOrEqual
        default: return nil
        }
    }

    /// The same with its two sides exchanged.
    var turned: Comparison {
        switch self {
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        }
    }

    /// Of two numbers.
    func holds(_ first: Float, _ second: Float) -> Bool {
        switch self {
        case .greater: first > second
        case .greaterOrEqual: first >= second
        case .less: first < second
        case .lessOrEqual: first <= second
        }
    }
}
