import BONNTestSupport

/// Something that reads the bytes of strangers, and what it promises about them.
///
/// Whatever the bytes, a target also promises: no trap, no report of a sanitizer, no leak, and no more
/// time and memory than Scripts/fuzz.sh allows an input.
struct Target: Sendable {
    /// On the command line; also of its dictionary and of the folder of its regressions.
    let name: String
    /// Reads an input and insists on what is promised.
    ///
    /// - Returns: whether the input was accepted.
    let check: @Sendable ([UInt8]) throws -> Bool
    /// Small inputs to begin with, made by the project's own writers; the same ones every time.
    let seeds: @Sendable () -> [[UInt8]]
    /// Changes an input so that it still gets past checksums and lengths; nil: libFuzzer alone does.
    var mutate: (@Sendable ([UInt8], _ capacity: Int, inout SeededGenerator) -> [UInt8])?

    /// Every target.
    static let all = [
        model, safetensors, json, recipe, cifar, idx, image(.jpeg), image(.png), image(.gif),
        image(.webp), exif, checkpoint, onnx,
    ]
}

/// A promise that was not kept.
struct BrokenPromise: Error, CustomStringConvertible {
    let description: String
}

/// Insists on a promise.
func promise(_ kept: Bool, _ what: @autoclosure () -> String) throws(BrokenPromise) {
    guard kept else { throw BrokenPromise(description: what()) }
}

/// Insists that something succeeds; what it returns.
func promise<Value>(
    _ what: String, _ work: () throws -> Value
) throws(BrokenPromise) -> Value {
    do {
        return try work()
    } catch let broken as BrokenPromise {
        throw broken
    } catch {
        throw BrokenPromise(description: "\(what) fails: \(error)")
    }
}
