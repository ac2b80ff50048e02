import BONNModelFormat
import Crypto
import Testing

@testable import BONNData

@Suite struct DigestTests {
    @Test func `the root package's SHA-256 is that of swift-crypto at any length and division`() {
        var generator = SeededGenerator(seed: 256)
        for _ in 0..<500 {
            let bytes = randomBytes(
                Int.random(in: 0...5_000, using: &generator), seed: generator.next())
            var ours = BONNModelFormat.SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(200, rest.count), using: &generator)
                ours.update(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            let expected = Array(Crypto.SHA256.hash(data: bytes))
            #expect(ours.finish().bytes == expected, "\(bytes.count) bytes in pieces")
            #expect(
                BONNModelFormat.SHA256.digest(bytes).bytes == expected, "\(bytes.count) bytes")
        }
    }
}
