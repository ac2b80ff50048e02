import CBONNDigest

/// SHA-256 (FIPS 180-4), for telling whether a file is what was written.
///
///     var hash = SHA256()
///     hash.update(bytes)
///     let digest = hash.finish()
public struct SHA256: Sendable {
    /// Bytes of a block, on which the function works.
    private static let blockBytes = 64
    private static let compress = bonn_sha256_best()

    /// The initial value: of the square roots of the first eight primes (FIPS 180-4, section 5.3.3).
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    /// What does not fill a block yet.
    private var rest: [UInt8] = []
    private var byteCount: UInt64 = 0

    /// Starts a digest.
    public init() {}

    /// The digest of some bytes.
    public static func digest(_ bytes: some Collection<UInt8>) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    /// Takes more bytes. How they are divided does not matter.
    public mutating func update(_ bytes: some Collection<UInt8>) {
        let isContiguous: Void? = bytes.withContiguousStorageIfAvailable { buffer in
            update(UnsafeRawBufferPointer(buffer))
        }
        if isContiguous == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount += UInt64(bytes.count)
        var bytes = bytes[...]
        if !rest.isEmpty {
            let missing = min(Self.blockBytes - rest.count, bytes.count)
            rest.append(contentsOf: bytes.prefix(missing))
            bytes = bytes.dropFirst(missing)
            guard rest.count == Self.blockBytes else { return }
            Self.compress(&state, rest, 1)
            rest = []
        }
        let blocks = bytes.count / Self.blockBytes
        if blocks > 0 {
            let whole = UnsafeRawBufferPointer(rebasing: bytes.prefix(blocks * Self.blockBytes))
            Self.compress(&state, whole.assumingMemoryBound(to: UInt8.self).baseAddress!, blocks)
        }
        rest.append(contentsOf: bytes.dropFirst(blocks * Self.blockBytes))
    }

    /// The digest of everything that was taken: padded by a one, zeros and the number of bits
    /// (FIPS 180-4, section 5.1.1).
    public consuming func finish() -> Digest {
        let bits = byteCount &* 8
        let filled = (Int(byteCount % UInt64(Self.blockBytes)) + 9) % Self.blockBytes
        let zeros = filled == 0 ? 0 : Self.blockBytes - filled
        update(
            [0x80] + [UInt8](repeating: 0, count: zeros)
                + (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * $0)) })
        return Digest(
            bytes: state.flatMap { word in
                (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) }
            })
    }

    /// 32 bytes that tell one content from every other.
    public struct Digest: Sendable, Equatable, Hashable, CustomStringConvertible {
        /// The bytes, the most significant of the first word first.
        public let bytes: [UInt8]

        init(bytes: [UInt8]) { self.bytes = bytes }

        /// A digest as it is written: 64 hexadecimal digits, small letters; nil for anything else.
        public init?(_ text: String) {
            let digits = Array(text.utf8)
            guard digits.count == 64 else { return nil }
            var bytes: [UInt8] = []
            for index in stride(from: 0, to: 64, by: 2) {
                guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1])
                else { return nil }
                bytes.append(high << 4 | low)
            }
            self.bytes = bytes
        }

        /// 64 hexadecimal digits.
        public var description: String {
            let digits = Array("0123456789abcdef".utf8)
            return String(
                decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
                as: UTF8.self)
        }

        private static func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            default: nil
            }
        }
    }
}
