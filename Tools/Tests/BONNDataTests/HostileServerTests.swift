import Foundation
import Synchronization
import Testing

@testable import BONNData
@testable import BONNDownload

/// Downloads from servers that break off, lie, dawdle or never end.
@Suite(.timeLimit(.minutes(2))) struct HostileServerTests {
    private typealias Answer = LoopbackServer.Answer
    private let scratch: ScratchFolder
    private let packed: PackedSet
    private let part = ".cifar-10-binary.tar.gz.part"

    init() throws {
        scratch = try ScratchFolder()
        packed = try PackedSet(scratch)
    }

    private func left() throws -> [String: Int] {
        var sizes: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch("data")) {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: scratch("data/" + name))
            sizes[name] = attributes[.size] as? Int
        }
        return sizes
    }

    private func run(_ address: String, patience: Patience = Patience()) throws -> String {
        var download = DatasetDownload(packed.archive, server: address)
        download.patience = patience
        return try download.run(into: scratch("data"))
    }

    /// The message of a download that must fail, without the address.
    private func failure(
        patience: Patience = Patience(), _ answer: @escaping @Sendable (String) -> Answer
    ) throws -> String {
        let server = try LoopbackServer(answer)
        defer { server.stop() }
        let error = #expect(throws: DataError.self) {
            _ = try run(server.address, patience: patience)
        }
        #expect(error?.code == .network)
        let message = try #require(error).message
        #expect(message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(message)")
        let prefix = server.address + "/cifar-10-binary.tar.gz: "
        #expect(message.hasPrefix(prefix), "\(message)")
        return String(message.dropFirst(prefix.count))
    }

    @Test func `a body that never ends is left after the length of the archive`() throws {
        let size = packed.archive.size
        let message = try failure { _ in
            var answer = Answer(
                "200 OK", body: [UInt8](repeating: 0x78, count: 1 << 16), length: nil)
            answer.times = .max
            return answer
        }
        #expect(message == "sends more than the \(grouped(size)) bytes of the archive")
        #expect(try left().isEmpty)
    }

    @Test func `a redirect whose body never ends is followed without it`() throws {
        let body = packed.bytes
        let server = try LoopbackServer { request in
            if request.hasPrefix("GET /there") { return Answer("200 OK", body: body) }
            var answer = Answer(
                "302 Found", body: [UInt8](repeating: 0x78, count: 1 << 16), length: nil,
                header: ["Location: /there"])
            answer.times = .max
            return answer
        }
        defer { server.stop() }
        let before = try residentMemory()
        let start = ContinuousClock.now
        #expect(try run(server.address) == scratch("data/cifar-10-batches-bin"))
        let time = ContinuousClock.now - start
        // What the system's buffers took before the client hung up; Foundation took 285 MB a minute.
        #expect(server.sent < 32 << 20)
        // Other tests run at the same time.
        let grown = try residentMemory() - before
        #expect(grown < 100 << 20)
        #expect(time < .seconds(20))
    }

    @Test func `a redirect that leads to itself with a body that never ends is given up`() throws {
        let message = try failure { _ in
            var answer = Answer(
                "302 Found", body: [UInt8](repeating: 0x78, count: 1 << 16), length: nil,
                header: ["Location: /elsewhere"])
            answer.times = .max
            return answer
        }
        #expect(message.hasPrefix("redirects more than 10 times, last to http://"), "\(message)")
        #expect(try left() == [part: 0])
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n"])
    func `a head that never ends is not waited for`(start: String) throws {
        let isHint = start.contains("103")
        let message = try failure { _ in
            var answer = Answer("", body: [], length: nil)
            answer.head = isHint ? [] : Array(start.utf8)
            let field = "X-Field: \(String(repeating: "y", count: 1_000))\r\n"
            answer.body = Array((isHint ? start + field + "\r\n" : field).utf8)
            answer.times = .max
            return answer
        }
        // Newer versions of curl are the first to have enough.
        #expect(
            message == "sends what is no answer of a web server"
                || message.hasPrefix("the transfer failed"), "\(message)")
    }

    @Test(arguments: [1, 5_000, 900_000_000_000])
    func `another length than the archive's is refused before a byte is taken`(
        length: Int
    ) throws {
        let message = try failure { _ in
            Answer("200 OK", body: Array("x".utf8), length: length)
        }
        #expect(
            message == "sends \(grouped(length)) bytes, expected \(grouped(packed.archive.size))")
        #expect(try left() == [part: 0])
    }

    @Test func `a page instead of the archive is told by its kind, as text`() throws {
        let page = Array("<html>Please log in</html>".utf8)
        let message = try failure { _ in
            Answer("200 OK", body: page, header: ["Content-Type: text/html\u{1B}[2J"])
        }
        #expect(message.hasPrefix("sends 26 bytes of text/html"), "\(message)")
    }

    @Test(arguments: ["Basic realm=\"x\"", "Digest realm=\"x\"", "Basic realm=", "Negotiate"])
    func `a server that asks for a password is an error`(challenge: String) throws {
        let message = try failure { _ in
            Answer("401 Unauthorized", body: [], header: ["WWW-Authenticate: \(challenge)"])
        }
        #expect(message == "the server answered 401, expected 200 (OK)")
    }

    @Test(arguments: [
        "204 No Content", "206 Partial Content", "300 Multiple Choices", "301 Moved",
        "304 Not Modified",
        "403 Forbidden", "416 Range Not Satisfiable", "500 \u{1B}[31mred",
    ])
    func `any other status is an error`(status: String) throws {
        let message = try failure { _ in Answer(status, body: []) }
        #expect(message == "the server answered \(status.prefix(3)), expected 200 (OK)")
    }

    @Test func `what is no answer at all is an error`() throws {
        let message = try failure { _ in
            var answer = Answer("", body: Array("\u{1B}[2Jhello\r\n\r\n".utf8))
            answer.head = []
            return answer
        }
        #expect(
            message.hasPrefix("the transfer failed") || message.hasPrefix("sends"), "\(message)")
    }

    @Test func `a redirect is followed, and a loop of them is not`() throws {
        let body = packed.bytes
        let server = try LoopbackServer { request in
            request.hasPrefix("GET /there")
                ? Answer("200 OK", body: body)
                : Answer("302 Found", body: [], header: ["Location: /there"])
        }
        defer { server.stop() }
        #expect(try run(server.address) == scratch("data/cifar-10-batches-bin"))
        #expect(server.requests.count == 2)
    }

    @Test func `a loop of redirects ends after ten`() throws {
        let message = try failure { _ in
            Answer("307 Again", body: [], header: ["Location: /loop"])
        }
        #expect(message.hasPrefix("redirects more than 10 times, last to http://"), "\(message)")
    }

    @Test(arguments: ["ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
    func `a redirect to anything but a web server is not followed`(target: String) throws {
        let message = try failure { _ in
            Answer("302 Found", body: [], header: ["Location: \(target)"])
        }
        #expect(message.hasPrefix("redirects to \(target), which is not safe"), "\(message)")
    }

    @Test(arguments: [0, 1, 700])
    func `a server that dawdles is given up`(bytes: Int) throws {
        let patience = Patience(bytes: 100_000, time: .milliseconds(400))
        let size = packed.archive.size
        let message = try failure(patience: patience) { _ in
            var answer = Answer(
                "200 OK", body: [UInt8](repeating: 0x78, count: bytes), length: size)
            answer.times = 10_000
            answer.pause = 20_000
            return answer
        }
        #expect(message.contains("bytes in 0.4 seconds, expected 100,000 at least"), "\(message)")
    }

    @Test func `a transfer that breaks off goes on from there`() throws {
        let body = packed.bytes
        let server = try LoopbackServer { request in
            guard
                let range = request.split(separator: "\r\n").first(where: {
                    $0.hasPrefix("Range: bytes=")
                }), let start = Int(range.dropFirst(13).dropLast())
            else {
                return Answer("200 OK", body: Array(body.prefix(5_000)), length: body.count)
            }
            return Answer(
                "206 Partial Content", body: Array(body[start...]),
                header: ["Content-Range: bytes \(start)-\(body.count - 1)/\(body.count)"])
        }
        defer { server.stop() }
        let error = #expect(throws: DataError.self) { _ = try run(server.address) }
        #expect(error?.code == .network)
        #expect(
            error?.message.hasSuffix("; what came so far is kept, try again to go on from there")
                == true, "\(String(describing: error))")
        #expect(try left() == [part: 5_000])
        #expect(try run(server.address) == scratch("data/cifar-10-batches-bin"))
        #expect(server.requests.last?.contains("Range: bytes=5000-\r\n") == true)
        #expect(server.requests.count == 2)
        #expect(try left().keys.sorted() == ["cifar-10-batches-bin"])
    }

    /// What a server may answer to a request for the rest, and how many requests that makes.
    @Test(arguments: [
        ("200 OK", "", 1), ("416 Range Not Satisfiable", "", 2),
        ("206 Partial Content", "Content-Range: bytes 0-9/10", 2),
        ("206 Partial Content", "", 2),
    ])
    func `where a server does not go on, the whole is fetched again`(
        status: String, header: String, requests: Int
    ) throws {
        try scratch.write([UInt8](repeating: 0, count: 5_000), "data/" + part)
        let body = packed.bytes
        let server = try LoopbackServer { request in
            request.contains("Range: ") && status != "200 OK"
                ? Answer(status, body: Array("x".utf8), header: header.isEmpty ? [] : [header])
                : Answer("200 OK", body: body)
        }
        defer { server.stop() }
        #expect(try run(server.address) == scratch("data/cifar-10-batches-bin"))
        #expect(server.requests.count == requests)
    }

    @Test(arguments: [5_000, 0, 1])
    func `the rest of another archive is fetched again as a whole`(beyond: Int) throws {
        let body = packed.bytes
        // Of the right length, longer, and of the same length with other bytes.
        let kept = beyond == 5_000 ? 5_000 : body.count + beyond
        try scratch.write([UInt8](repeating: 7, count: kept), "data/" + part)
        let server = try LoopbackServer { request in
            request.contains("Range: ")
                ? Answer(
                    "206 Partial Content", body: Array(body[5_000...]),
                    header: ["Content-Range: bytes 5000-\(body.count - 1)/\(body.count)"])
                : Answer("200 OK", body: body)
        }
        defer { server.stop() }
        #expect(try run(server.address) == scratch("data/cifar-10-batches-bin"))
        #expect(server.requests.count == (beyond == 5_000 ? 2 : 1))
    }

    @Test func `a complete archive that was not unpacked is not fetched again`() throws {
        try scratch.write(packed.bytes, "data/" + part)
        #expect(try run("http://127.0.0.1:1") == scratch("data/cifar-10-batches-bin"))
    }

    @Test func `two processes do not write one archive`() throws {
        try FileManager.default.createDirectory(
            atPath: scratch("data"), withIntermediateDirectories: true)
        let other = try PartialFile(scratch("data/" + part))
        defer { other.close() }
        let error = #expect(throws: DataError.self) { _ = try run("http://127.0.0.1:1") }
        #expect(error?.message.hasSuffix("another process is downloading this archive") == true)
    }

    @Test func `a link in the place of the hidden file is not followed`() throws {
        try scratch.write("precious", "mine")
        try scratch.makeFolder("data")
        try FileManager.default.createSymbolicLink(
            atPath: scratch("data/" + part), withDestinationPath: scratch("mine"))
        let error = #expect(throws: DataError.self) { _ = try run("http://127.0.0.1:1") }
        #expect(error?.code == .unwritable)
        #expect(try String(contentsOfFile: scratch("mine"), encoding: .utf8) == "precious")
    }
}
