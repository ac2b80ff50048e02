import BONNData
import Testing

@testable import BONNDownload

@Suite struct HTTPHeadTests {
    private let answer = Array(
        ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/2 200 \r\ncontent-length:  12\r\n"
            + "Content-Type: text/plain\n\nbody\r\n\r\n").utf8)

    @Test(arguments: [1, 2, 7, 1_000])
    func `a head is found in pieces of any length`(length: Int) throws {
        var reader = HTTPHeadReader()
        var found: (head: HTTPHead, body: [UInt8])?
        for start in stride(from: 0, to: answer.count, by: length) {
            let piece = Array(answer[start..<min(start + length, answer.count)])
            if found != nil {
                found?.body += piece
            } else if case .complete(let head, let body) = reader.read(piece) {
                found = (head, Array(body))
            }
        }
        let (head, body) = try #require(found)
        #expect(head.status == 200 && head.length == 12 && head.redirection == nil)
        #expect(head["CONTENT-TYPE"] == "text/plain" && head["Link"] == nil)
        #expect(body == Array("body\r\n\r\n".utf8))
    }

    @Test(arguments: ["\r\n", "hello\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 x\r\n\r\n"])
    func `what is no head is told`(text: String) {
        var reader = HTTPHeadReader()
        #expect(reader.read(Array(text.utf8)) == .none)
    }

    @Test func `no more than a bounded head is kept`() {
        var reader = HTTPHeadReader()
        let piece = [UInt8](repeating: 0x78, count: HTTPHeadReader.mostBytes / 2)
        #expect(reader.read(piece) == .incomplete)
        #expect(reader.read(piece) == .none)
    }

    @Test func `a body whose parts are counted has no length beforehand`() {
        var reader = HTTPHeadReader()
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        guard case .complete(let head, _) = reader.read(Array(text.utf8)) else {
            Issue.record("no head found")
            return
        }
        #expect(head.length == nil)
    }

    @Test func `a program that is not installed is named`() {
        let error = #expect(throws: DataError.self) {
            _ = try SystemProgram("no-such-program", [], purpose: "to test").failure()
        }
        #expect(error?.code == .program)
        #expect(
            error?.message == "the program no-such-program is needed to test and is not installed")
    }
}
