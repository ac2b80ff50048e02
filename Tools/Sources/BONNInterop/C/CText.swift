import BONNModelFormat

/// How numbers and other people's text stand in a C99 source of ASCII characters.
enum CText {
    /// A float32 that is no NaN, exactly: `0x1.8p+1f`, which every compiler of C99 reads to the same bits.
    static func literal(_ value: Float) -> String {
        if value.isInfinite { return value < 0 ? "-BONN_INFINITY" : "BONN_INFINITY" }
        let bits = value.bitPattern
        let sign = bits >> 31 == 0 ? "" : "-"
        if bits << 1 == 0 { return sign + "0.0f" }
        let exponent = Int(bits >> 23 & 0xFF)
        // The 23 bits of the fraction as six digits of four bits.
        let fraction = hexadecimal(bits << 1 & 0xFF_FFFF, digits: 6)
        let leading = exponent == 0 ? "0" : "1"
        let power = exponent == 0 ? -126 : exponent - 127
        return "\(sign)0x\(leading).\(fraction)p\(power < 0 ? "" : "+")\(power)f"
    }

    /// A 32-bit integer; the smallest one has no literal in C.
    static func literal(_ value: Int32) -> String {
        value == .min ? "(-2147483647 - 1)" : "\(value)"
    }

    /// A packed word: `0x00000009u`.
    static func literal(_ value: UInt32) -> String { "0x\(hexadecimal(value, digits: 8))u" }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }

    /// A text within a comment: on one line, without anything that ends or begins a comment, and without
    /// trigraphs.
    static func comment(_ text: String) -> String {
        var result = ""
        for scalar in printable(text, limit: 200).unicodeScalars {
            let needsSpace =
                switch (result.unicodeScalars.last, scalar) {
                case ("*", "/"), ("/", "*"), ("/", "/"), ("?", "?"): true
                default: false
                }
            if needsSpace { result += " " }
            result += scalar.isASCII ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }
        return result
    }

    /// A string literal with the bytes of a text.
    static func string(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            // ? because two of them may begin a trigraph.
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "?"):
                result += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: result += String(UnicodeScalar(byte))
            default:
                // Always three digits, so that a digit behind them is not taken for one more.
                let digits = String(byte, radix: 8)
                result += "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
            }
        }
        return result + "\""
    }
}
