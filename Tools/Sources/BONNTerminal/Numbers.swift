import Foundation

/// Numbers as people read them.
extension Terminal {
    /// A number with a fixed number of decimals.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.*f", decimals, value)
    }

    /// A share as a percentage with two decimals.
    public static func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }

    /// A number of bytes in units of 10^6.
    public static func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 2) + " MB" }

    /// `1 thread`, `2 threads`; other plurals are given.
    public static func count(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
        "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
    }

    /// A count with groups of three digits: `1 234 567`.
    public static func grouped(_ count: Int) -> String {
        var text = ""
        for (position, digit) in String(count).reversed().enumerated() {
            if position > 0 && position % 3 == 0 && digit != "-" { text = " " + text }
            text = "\(digit)" + text
        }
        return text
    }

    /// A duration as `1:02:03` or `2:03`.
    public static func duration(_ seconds: Double) -> String {
        // Ten thousand hours are more than anybody reads from a progress bar.
        let known = seconds.isFinite ? min(max(0, seconds), 3.6e7) : 0
        let whole = Int(known.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest)
            : String(format: "%d:%02d", minutes, rest)
    }
}
