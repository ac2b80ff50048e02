import BONNModelFormat
import BONNTestSupport
import CLibFuzzer
import Foundation

/// The one target that this process fuzzes. libFuzzer calls everything here from one thread.
enum Campaign {
    nonisolated(unsafe) private static var target = Target.all[0]
    private static let seeds = target.seeds()
    nonisolated(unsafe) private static var inputs = 0
    nonisolated(unsafe) private static var accepted = 0

    /// Chooses the target and says at the end how deep its inputs went.
    static func begin(_ chosen: Target) {
        target = chosen
        atexit {
            let line =
                "\(Campaign.target.name): accepted \(Campaign.accepted) of \(Campaign.inputs) inputs\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
    }

    /// Runs one input; a broken promise ends the process as a crash does.
    static func run(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        inputs += 1
        let input = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
        do {
            if try target.check(input) { accepted += 1 }
        } catch let broken as BrokenPromise {
            stop("broken promise of \(target.name): \(broken)")
        } catch {
            let message = "\(error)"
            // Messages name what a stranger wrote; they stay short, and obey nobody.
            guard printable(message) == message else {
                stop("\(target.name): a message of more than one line: \(message.debugDescription)")
            }
            guard message.utf8.count <= longestMessage else {
                stop("\(target.name): a message of \(message.utf8.count) bytes: \(message)")
            }
        }
        return 0
    }

    /// The longest message of an error, in bytes.
    private static let longestMessage = 2_000

    private static func stop(_ message: String) -> Never {
        FileHandle.standardError.write(Data("\n\(message)\n".utf8))
        abort()
    }

    /// Changes an input in place; see libFuzzer's documentation of the function of this name.
    static func mutate(
        _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, capacity: Int, seed: UInt32
    ) -> Int {
        var generator = SeededGenerator(seed: UInt64(seed))
        guard let mutate = target.mutate, !generator.oneIn(10) else {
            return LLVMFuzzerMutate(bytes, count, capacity)
        }
        // Most of what libFuzzer keeps is refused in a new way; now and then, begin with what is accepted.
        let input =
            !seeds.isEmpty && generator.oneIn(4)
            ? generator.pick(seeds) : [UInt8](UnsafeBufferPointer(start: bytes, count: count))
        let output = mutate(input, capacity, &generator)
        guard !output.isEmpty, output.count <= capacity else {
            return LLVMFuzzerMutate(bytes, count, capacity)
        }
        _ = UnsafeMutableBufferPointer(start: bytes, count: capacity).update(fromContentsOf: output)
        return output.count
    }
}

/// libFuzzer finds this by its name.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateForFuzzer(
    _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
    Campaign.mutate(bytes, count, capacity: capacity, seed: seed)
}

/// Bytes changed as libFuzzer changes them.
func changedByLibFuzzer(_ bytes: some Collection<UInt8>, capacity: Int) -> [UInt8] {
    guard capacity >= bytes.count, capacity > 0 else { return Array(bytes) }
    var room = [UInt8](repeating: 0, count: capacity)
    room.replaceSubrange(0..<bytes.count, with: bytes)
    let count = room.withUnsafeMutableBufferPointer {
        LLVMFuzzerMutate($0.baseAddress, bytes.count, capacity)
    }
    return Array(room[..<count])
}
