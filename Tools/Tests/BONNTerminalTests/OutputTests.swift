import BONNFiles
import BONNModelFormat
import Foundation
import Testing

@testable import BONNTerminal

@Suite struct TableTests {
    @Test func `columns stand under each other, marks and wide letters counted as shown`() {
        let table = Table([["cafe\u{301}", "1"], ["日本", "22"], ["abcdef", "333"]])
        #expect(table.lines == ["cafe\u{301}      1", "日本     22", "abcdef  333"])
        #expect(displayWidth("cafe\u{301}") == 4)
        #expect(displayWidth("日本") == 4)
        #expect(displayWidth("😀") == 2)
        #expect(displayWidth("plain") == 5)
    }

    @Test func `rows of different lengths and lines without spaces at their ends`() {
        #expect(Table([["a", "b"], ["c"], []], left: [0, 1]).lines == ["a  b", "c", ""])
        #expect(Table([["a", ""], ["b", ""]]).lines == ["a", "b"])
    }

    @Test func `no cell can move the cursor or forge a row`() {
        let lines = Table([["a\u{1B}[2J", "x\ny"], ["\u{202E}b", "\u{2028}"]]).lines
        #expect(lines.count == 2)
        for line in lines {
            #expect(line.unicodeScalars.allSatisfy { isPrintable($0) }, "\(line)")
        }
    }
}

@Suite struct JSONOutputTests {
    /// One of each kind of what a terminal obeys, and what it shows.
    static let hostile = "\u{1B}[31m\u{9B}2J\u{7F}\u{202E}\u{2028}\u{2029}\u{85}\u{E0041}é日\"\\\n"

    @Test func `what a terminal obeys is escaped, and reads back as it was`() throws {
        let value = JSONValue.members(["\u{9B}key": .strings([Self.hostile])])
        let text = escapedJSON(value.text)
        #expect(text.unicodeScalars.allSatisfy { isPrintable($0) })
        #expect(text.contains("é日"))
        #expect(try JSONValue(parsing: text, place: "text") == value)
    }

    @Test func `an encoded value as well`() throws {
        let text = escapedJSON(try encodedJSON(["key": Self.hostile]))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.unicodeScalars.allSatisfy { isPrintable($0) } })
        let back = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(back["key"]?.utf8.elementsEqual(Self.hostile.utf8) == true)
    }
}

@Suite struct NumberTests {
    @Test func `durations of any size have a text`() {
        #expect(Terminal.duration(59.6) == "1:00")
        #expect(Terminal.duration(3723) == "1:02:03")
        #expect(Terminal.duration(-5) == "0:00")
        for odd in [Double.nan, .infinity, -.infinity] {
            #expect(Terminal.duration(odd) == "0:00")
        }
        #expect(Terminal.duration(1e300) == "10000:00:00")
    }

    @Test func `counts, shares and sizes`() {
        #expect(Terminal.grouped(1_234_567) == "1 234 567")
        #expect(Terminal.grouped(-123) == "-123")
        #expect(Terminal.grouped(.min) == "-9 223 372 036 854 775 808")
        #expect(Terminal.percent(0.12345) == "12.35 %")
        #expect(Terminal.megabytes(1_500_000) == "1.50 MB")
        #expect(Terminal.count(1, "thread") == "1 thread")
        #expect(Terminal.count(2, "thread") == "2 threads")
    }
}

@Suite struct ResultStreamTests {
    /// The two ends of a pipe, closed after the body.
    private func withPipe(_ body: (_ read: CInt, _ write: CInt) throws -> Void) throws {
        var ends: [CInt] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        try body(ends[0], ends[1])
    }

    @Test func `a full device loses a line, and every one after it`() throws {
        let full = open("/dev/full", O_WRONLY)
        // Only Linux has one.
        guard full >= 0 else { return }
        defer { close(full) }
        let stream = ResultStream(full)
        for _ in 0..<3 {
            #expect(throws: OutputLost(code: ENOSPC)) { try stream.write("line\n") }
        }
        #expect(throws: OutputLost(code: ENOSPC)) { try stream.finish() }
        let lost = try #require(stream.takeLoss())
        #expect(lost.writes == 3 && !lost.loss.isClosedPipe)
        #expect(stream.takeLoss() == nil)
    }

    @Test func `more than a pipe holds is written whole while it is read, nonblocking or not`()
        throws
    {
        try withPipe { read, write in
            _ = fcntl(write, F_SETFL, O_NONBLOCK)
            let text = String(repeating: "0123456789", count: 100_000)
            let reader = Task.detached { () -> Int in
                var count = 0
                var buffer = [UInt8](repeating: 0, count: 4096)
                while count < text.utf8.count {
                    let part = Foundation.read(read, &buffer, buffer.count)
                    if part <= 0 { break }
                    count += part
                }
                return count
            }
            #expect(writeAll(text.utf8, to: write) == nil)
            let done = DispatchSemaphore(value: 0)
            Task {
                #expect(await reader.value == text.utf8.count)
                done.signal()
            }
            done.wait()
        }
    }

    @Test func `a descriptor that is not open for writing is an error`() throws {
        let null = open("/dev/null", O_RDONLY)
        defer { close(null) }
        #expect(throws: OutputLost(code: EBADF)) { try ResultStream(null).write("x") }
    }
}
