import Testing

@testable import BONNInterop

/// A file that has to be refused, and a part of what is then said.
///
/// No argument of a test: the testing library would write all bytes into its log.
struct HostileCase: Sendable {
    let name: String
    let bytes: [UInt8]
    let message: String

    init(_ name: String, _ bytes: [UInt8], _ message: String) {
        self.name = name
        self.bytes = bytes
        self.message = message
    }

    /// Cuts a right file at every byte, each of which has to be refused, and changes every byte, which may be read
    /// but never traps or makes more numbers than the file has bytes.
    static func expectDamageToBeNoticed(_ whole: [UInt8], _ name: String) {
        for count in whole.indices {
            #expect(throws: InteropError.self, "\(name), \(count) bytes") {
                try Checkpoint(Array(whole[..<count]), place: "cut")
            }
        }
        for index in whole.indices {
            for bit in [UInt8(0x01), 0x80, 0xFF] {
                var changed = whole
                changed[index] ^= bit
                guard let read = try? Checkpoint(changed, place: "changed") else { continue }
                for entry in read.entries {
                    #expect(read.floats(entry).count <= whole.count, "\(name), byte \(index)")
                }
            }
        }
    }

    /// Reads the file; a message that is long, or that a terminal would obey, is a failure too.
    func expectRefusal(
        by read: ([UInt8]) throws -> Void = { _ = try Checkpoint($0, place: "hostile") }
    ) {
        let error = #expect(throws: InteropError.self, "\(name)") { try read(bytes) }
        let found = error?.message ?? ""
        #expect(found.contains(message), "\(name): \(found)")
        #expect(found.utf8.count < 600, "\(name): \(found.utf8.count) bytes")
        #expect(found.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }, "\(name)")
    }
}
