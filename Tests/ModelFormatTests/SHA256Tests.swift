import BONNModelFormat
import BONNTestSupport
import CBONNDigest
import Testing

@Suite struct `SHA-256` {
    /// NIST, "Secure Hash Standard Validation System", byte-oriented: short and long messages, and the
    /// examples of FIPS 180-4.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("d3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
        ("11af", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"),
        ("b4190e", "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"),
        ("616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f"
                + "6d6e6f706e6f7071",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `vectors of NIST come out`(message: String, digest: String) {
        let digits = Array(message)
        let bytes = stride(from: 0, to: digits.count, by: 2).map {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)!
        }
        #expect(SHA256.digest(bytes).description == digest)
    }

    @Test func `a million times the letter a comes out`() {
        var hash = SHA256()
        let part = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000)
        for _ in 0..<1_000 { hash.update(part) }
        #expect(
            hash.finish().description
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `every length and every division into parts gives the same digest`() {
        var generator = SeededGenerator(seed: 72)
        for length in 0...260 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let whole = SHA256.digest(bytes)
            var hash = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = rest.prefix(Int.random(in: 0...90, using: &generator))
                hash.update(part)
                rest = rest.dropFirst(part.count)
            }
            #expect(hash.finish() == whole, "\(length) bytes")
        }
    }

    @Test func `the processor's instructions and portable C give the same words`() {
        var generator = SeededGenerator(seed: 73)
        for blocks in [0, 1, 2, 3, 17] {
            let bytes = (0..<64 * blocks).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let start = (0..<8).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }
            var fast = start
            var plain = start
            // One byte off every alignment.
            let shifted = [0] + bytes
            shifted.withUnsafeBufferPointer {
                bonn_sha256_best()(&fast, $0.baseAddress! + 1, blocks)
                bonn_sha256_portable(&plain, $0.baseAddress! + 1, blocks)
            }
            #expect(fast == plain, "\(blocks) blocks")
            #expect(blocks == 0 || plain != start)
        }
    }

    @Test func `a digest is read as it is written, and nothing else is read`() {
        let digest = SHA256.digest([1, 2, 3])
        #expect(SHA256.Digest(digest.description) == digest)
        for text in ["", String(digest.description.dropLast()), digest.description + "0"] {
            #expect(SHA256.Digest(text) == nil)
        }
        #expect(SHA256.Digest(digest.description.uppercased()) == nil)
    }
}
