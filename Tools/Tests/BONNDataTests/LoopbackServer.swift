import Foundation
import Synchronization

/// A web server on 127.0.0.1, for one connection at a time.
final class LoopbackServer: Sendable {
    /// What is sent to a request, before the connection is closed.
    struct Answer {
        var head: [UInt8]
        var body: [UInt8]
        /// How often the body is sent.
        var times = 1
        /// Microseconds before each.
        var pause: UInt32 = 0

        /// A status, a body and a length that may be a lie; nil: none is stated.
        init(_ status: String, body: [UInt8], length: Int?, header: [String] = []) {
            var lines = ["HTTP/1.1 \(status)"] + header + ["Connection: close"]
            if let length { lines.append("Content-Length: \(length)") }
            head = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
            self.body = body
        }

        /// A status and a body of the length that is stated.
        init(_ status: String, body: [UInt8], header: [String] = []) {
            self.init(status, body: body, length: body.count, header: header)
        }
    }

    /// The address of its root.
    let address: String
    /// The requests that were answered, header and all.
    var requests: [String] { asked.withLock { $0 } }

    /// Bytes of bodies that were sent, to a client or into the buffers before it.
    var sent: Int { bodies.withLock { $0 } }

    private let listener: CInt
    private let answer: @Sendable (_ request: String) -> Answer
    private let asked = Mutex<[String]>([])
    private let bodies = Mutex(0)

    /// Starts to answer.
    init(_ answer: @escaping @Sendable (_ request: String) -> Answer) throws {
        let (socket, port) = try Self.listen()
        listener = socket
        self.answer = answer
        address = "http://127.0.0.1:\(port)"
        Thread.detachNewThread { [self] in serve() }
    }

    /// The address of a port on which nothing listens.
    static func deadAddress() throws -> String {
        let (socket, port) = try listen()
        close(socket)
        return "http://127.0.0.1:\(port)"
    }

    /// Stops listening.
    func stop() {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            var request = [UInt8](repeating: 0, count: 8192)
            let count = read(connection, &request, request.count)
            if count > 0 {
                let text = String(decoding: request[..<count], as: UTF8.self)
                asked.withLock { $0.append(text) }
                let answer = answer(text)
                var goesOn = send(answer.head, to: connection)
                var sent = 0
                while goesOn, sent < answer.times {
                    usleep(answer.pause)
                    goesOn = send(answer.body, to: connection)
                    sent += 1
                    bodies.withLock { $0 += answer.body.count }
                }
            }
            shutdown(connection, CInt(SHUT_WR))
            close(connection)
        }
    }

    /// Whether the other side took all bytes.
    private func send(_ bytes: [UInt8], to connection: CInt) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let written = bytes[sent...].withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress, $0.count, noSignal)
            }
            guard written > 0 else { return false }
            sent += written
        }
        return true
    }

    private static func listen() throws -> (socket: CInt, port: UInt16) {
        #if canImport(Glibc)
            let stream = CInt(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        let listener = socket(AF_INET, stream, 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) != 0 || Foundation.listen(listener, 8) != 0
                    || getsockname(listener, $0, &length) != 0
            }
        }
        guard listener >= 0, !failed else { throw POSIXError(.EADDRNOTAVAIL) }
        return (listener, UInt16(bigEndian: name.sin_port))
    }
}

#if canImport(Glibc)
    private let noSignal = CInt(MSG_NOSIGNAL)
#else
    private let noSignal: CInt = 0
#endif
