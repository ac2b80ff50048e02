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

    /// Reads the file; a message that is long, or that a terminal would obey, is a failure too.
    func expectRefusal() {
        let error = #expect(throws: InteropError.self, "\(name)") {
            try Checkpoint(bytes, place: "hostile")
        }
        let found = error?.message ?? ""
        #expect(found.contains(message), "\(name): \(found)")
        #expect(found.utf8.count < 600, "\(name): \(found.utf8.count) bytes")
        #expect(found.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }, "\(name)")
    }
}
