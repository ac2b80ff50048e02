import Foundation
import Synchronization

/// A web server on 127.0.0.1 that gives every request the same answer.
final class LoopbackServer: Sendable {
    /// The address of its root.
    let address: String
    /// How many requests were answered.
    var requests: Int { count.withLock { $0 } }

    private let listener: CInt
    private let answer: [UInt8]
    private let count = Mutex(0)

    /// Starts to answer with these bytes, header and all; the connection is closed after them.
    init(answer: [UInt8]) throws {
        let (socket, port) = try Self.listen()
        listener = socket
        self.answer = answer
        address = "http://127.0.0.1:\(port)"
        Thread.detachNewThread { [self] in serve() }
    }

    /// An answer with a status and a length that may be a lie.
    static func answer(_ status: String, body: [UInt8], length: Int? = nil) -> [UInt8] {
        Array(
            "HTTP/1.1 \(status)\r\nContent-Length: \(length ?? body.count)\r\nConnection: close\r\n\r\n"
                .utf8) + body
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
            if read(connection, &request, request.count) > 0 {
                count.withLock { $0 += 1 }
                var sent = 0
                while sent < answer.count {
                    let written = answer[sent...].withUnsafeBytes {
                        send(connection, $0.baseAddress, $0.count, noSignal)
                    }
                    guard written > 0 else { break }
                    sent += written
                }
            }
            shutdown(connection, CInt(SHUT_WR))
            close(connection)
        }
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
