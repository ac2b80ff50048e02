import BONNData
import BONNFiles
import BONNModelFormat
import Foundation

/// A program of the system, run for what it prints.
///
/// What it prints waits in a pipe until it is asked for, so that it takes no more memory here than the
/// piece that is looked at; of what it complains about the beginning is kept.
final class SystemProgram {
    /// What came on standard output.
    enum Output {
        case bytes([UInt8])
        /// Nothing in the time that was given.
        case nothing
        /// The program has said all.
        case over
    }

    private static let longestComplaint = 2_000

    private let name: String
    private let purpose: String
    private let process = Process()
    private let (output, complaints) = (Pipe(), Pipe())
    private var isOver = (output: false, complaints: false)
    private var complaint: [UInt8] = []

    /// Starts a program.
    ///
    /// - Parameter purpose: What it is needed for, as a message says it: "to unpack x".
    init(_ name: String, _ arguments: [String], purpose: String) throws(DataError) {
        self.name = name
        self.purpose = purpose
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = complaints
        do {
            try process.run()
        } catch {
            throw DataError(
                .program,
                "cannot run \(name) \(purpose): \(printable(Files.reason(error)))")
        }
    }

    deinit { stop() }

    /// What comes next.
    ///
    /// - Parameter time: Milliseconds to wait at most; -1: until something comes.
    func next(within time: CInt = -1) -> Output {
        if isOver.output && isOver.complaints { return .over }
        // A negative descriptor is passed over.
        var streams = [
            pollfd(
                fd: isOver.output ? -1 : output.fileHandleForReading.fileDescriptor,
                events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: isOver.complaints ? -1 : complaints.fileHandleForReading.fileDescriptor,
                events: Int16(POLLIN), revents: 0),
        ]
        // A signal only ends the wait.
        guard poll(&streams, nfds_t(streams.count), time) > 0 else { return .nothing }
        if streams[1].revents != 0 {
            let bytes = readPiece(streams[1].fd) ?? []
            isOver.complaints = bytes.isEmpty
            complaint += bytes.prefix(Self.longestComplaint - complaint.count)
        }
        guard streams[0].revents != 0 else { return .nothing }
        let bytes = readPiece(streams[0].fd) ?? []
        isOver.output = bytes.isEmpty
        return bytes.isEmpty ? .nothing : .bytes(bytes)
    }

    /// Waits for the end of a program that has said all, or was stopped.
    ///
    /// - Returns: nil where it succeeded, else the first line of what it complained about.
    /// - Throws: `.program` where there is no such program.
    func failure() throws(DataError) -> String? {
        process.waitUntilExit()
        // 127 is what env answers when there is no such program.
        guard process.terminationStatus != 127 else {
            throw DataError(
                .program, "the program \(name) is needed \(purpose) and is not installed")
        }
        guard process.terminationStatus != 0 else { return nil }
        let first = complaint.split(separator: UInt8(ascii: "\n")).first
        return first.map { String(decoding: $0, as: UTF8.self) } ?? "no message"
    }

    /// Ends the program, unless it has ended. It has nothing to save.
    func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
