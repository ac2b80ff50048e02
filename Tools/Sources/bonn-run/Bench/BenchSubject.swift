import BONNModelFormat
import BONNRuntime
import Foundation

/// A network that is measured, and what loading it took.
struct BenchSubject {
    /// The path of the file, or the name of the network.
    let name: String
    /// The loaded network.
    let model: Model
    /// From the bytes, of a file or in memory, to a model that is ready for a session.
    let loadMilliseconds: Double
    /// Bytes of the model file.
    let fileBytes: Int
    /// Resident bytes before the model was loaded; nil where they mean nothing, because the
    /// process has built the network itself.
    let residentBefore: Int?

    /// Loads a model file.
    init(path: String, kernels: KernelSet, limits: ResourceLimits) throws {
        name = path
        residentBefore = ProcessMemory.resident()?.now
        let clock = ContinuousClock()
        let start = clock.now
        let source = try Model.Source(path: path)
        model = try Model(source, kernels: kernels, limits: limits)
        loadMilliseconds = (clock.now - start) / .milliseconds(1)
        fileBytes = source.byteCount
    }

    /// Loads a network that the tool has built, which needs no limits.
    init(name: String, _ file: ModelFile, kernels: KernelSet) throws {
        self.name = name
        residentBefore = nil
        let bytes = try file.serialized()
        fileBytes = bytes.count
        let clock = ContinuousClock()
        let start = clock.now
        model = try Model(ModelFile(bytes: bytes), kernels: kernels, limits: .unlimited)
        loadMilliseconds = (clock.now - start) / .milliseconds(1)
    }
}
