import Foundation
import Testing

@testable import BONNData

@Suite struct MD5Tests {
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f"
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a"
        ),
    ])
    func `the digests of RFC 1321 come out`(text: String, digest: String) {
        var md5 = MD5()
        md5.update(Array(text.utf8))
        #expect(md5.finish() == digest)
    }

    @Test(arguments: [1, 3, 63, 64, 65, 1000])
    func `pieces of any size give the digest of the whole`(piece: Int) {
        // 1,000 bytes 0, 1, 2, ... modulo 256; the digest is md5sum's.
        let bytes = (0..<1000).map { UInt8($0 % 256) }
        var md5 = MD5()
        for start in stride(from: 0, to: bytes.count, by: piece) {
            md5.update(Array(bytes[start..<min(start + piece, bytes.count)]))
        }
        #expect(md5.finish() == "cbecbdb0fdd5cec1e242493b6008cc79")
    }

    @Test(arguments: [
        (55, "04364420e25c512fd958a70738aa8f72"), (56, "668a72d5ba17f08e62dabcafad6db14b"),
        (57, "693037871c4a9d3d8685018905cb530a"), (63, "7dc2ca208106a2f703567bdff99d8981"),
        (64, "c1bb4f81d892b2d57947682aeb252456"), (119, "ab347a5f68c8a443cfcddc633f12c24f"),
        (120, "fb98667f98096de92620b64f46e1c5b5"),
    ])
    func `lengths around the padding give md5sum's digest`(length: Int, digest: String) {
        var md5 = MD5()
        md5.update([UInt8](repeating: 0x78, count: length))
        #expect(md5.finish() == digest)
    }
}
