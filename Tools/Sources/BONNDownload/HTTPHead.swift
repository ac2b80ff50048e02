/// What a server says before the body of its answer.
struct HTTPHead: Equatable {
    /// The number of the answer: 200, 404.
    let status: Int
    private let fields: [String: String]

    /// The value of a field, the last where there are several.
    subscript(name: String) -> String? { fields[name.lowercased()] }

    /// Bytes of the body; nil where the head does not say.
    var length: Int? {
        guard self["Transfer-Encoding"] == nil else { return nil }
        return self["Content-Length"].flatMap { Int($0) }
    }

    /// Where the answer sends to, as the server writes it; nil where it sends nowhere.
    var redirection: String? {
        [301, 302, 303, 307, 308].contains(status) ? self["Location"] : nil
    }

    /// Takes a head apart; nil for lines that are none.
    fileprivate init?(_ lines: [String]) {
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/"), let status = Int(words[1]) else {
            return nil
        }
        self.status = status
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].split(separator: " ").joined(separator: " ")
        }
        self.fields = fields
    }
}

/// Finds the head at the start of an answer, which comes in pieces.
struct HTTPHeadReader {
    /// More than any server sends that is asked for a file.
    static let mostBytes = 1 << 16

    /// What of an answer is known.
    enum Progress: Equatable {
        case incomplete
        /// The head, and the first bytes of the body.
        case complete(HTTPHead, body: ArraySlice<UInt8>)
        /// It is not the head of an answer, or a longer one than is looked at.
        case none
    }

    private var bytes: [UInt8] = []
    private var lines: [String] = []
    /// Where the first line that is not complete begins.
    private var start = 0

    /// Takes the next piece.
    mutating func read(_ piece: [UInt8]) -> Progress {
        bytes += piece
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard end < Self.mostBytes else { return .none }
            var line = bytes[start..<end]
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            start = end + 1
            guard line.isEmpty else {
                lines.append(String(decoding: line, as: UTF8.self))
                continue
            }
            guard let head = HTTPHead(lines) else { return .none }
            // What begins with 1 announces the answer.
            guard (100..<200).contains(head.status) else {
                return .complete(head, body: bytes[start...])
            }
            lines = []
        }
        return bytes.count < Self.mostBytes ? .incomplete : .none
    }
}
