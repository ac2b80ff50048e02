import BONNModelFormat
import BONNRuntime

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Loads a model and runs it once while a library in front of the C library refuses an allocation
/// (Tests/RuntimeTests/Faults/allocations.c). Prints "ok" or the code of the error, then what the library
/// counted.
@main
enum AllocationProbe {
    static func main() {
        let path = CommandLine.arguments[1]
        let elements = Int(CommandLine.arguments[2]) ?? 0
        let input = [Float](repeating: 0.5, count: elements)
        var logits = [Float](repeating: 0, count: 1_000)
        tell("bonn_allocations_begin")
        do throws(RuntimeError) {
            try run(path, input, &logits)
            print("ok")
        } catch {
            print(error.code.rawValue)
        }
        tell("bonn_allocations_end")
    }

    private static func run(
        _ path: String, _ input: [Float], _ logits: inout [Float]
    ) throws(RuntimeError) {
        let model = try Model(path: path)
        var session = try InferenceSession(model, threads: 2)
        var span = logits.mutableSpan
        try session.run(input.span, into: &span)
    }

    /// Calls a function of the library that stands in front.
    private static func tell(_ name: String) {
        guard let address = dlsym(nil, name) else {
            print("no \(name)")
            exit(2)
        }
        unsafeBitCast(address, to: (@convention(c) () -> Void).self)()
    }
}
