public import BONNModelFormat

extension Model {
    /// A model file that was read and checked, before it is packed for the kernels: for those who also
    /// want to know its digest, its size or its tensors, and want the file read once.
    ///
    ///     let source = try Model.Source(path: "network.bonn")
    ///     let model = try Model(source)
    public struct Source: Sendable {
        /// Where the file is.
        public let path: String
        /// What is in it.
        public let file: ModelFile
        /// The version of its format and the digest that it states of itself.
        public let seal: ModelFile.Seal
        /// How many bytes it has.
        public let byteCount: Int
        /// The types of the values of its graph, the input's included.
        public let types: [Name: ValueType]

        /// Reads a model file and checks everything in it.
        ///
        /// - Parameter path: a `.bonn` file.
        /// - Throws: `RuntimeError` with `.fileNotFound`, `.notAFile`, `.unreadableFile`,
        ///   `.fileTooLarge`, `.invalidModel` or `.outOfMemory`.
        public init(path: String) throws(RuntimeError) {
            let bytes = try FileReader.bytes(path: path)
            do {
                (file, types, seal) = try ModelFile.read(bytes)
            } catch {
                let code: RuntimeError.Code =
                    error.code == .outOfMemory ? .outOfMemory : .invalidModel
                throw RuntimeError(code, "\(path): \(error.message)")
            }
            self.path = path
            byteCount = bytes.count
        }
    }

    /// Loads a model file that was read.
    ///
    /// - Throws: `RuntimeError` with `.unknownValue`, `.limitExceeded` or `.outOfMemory`.
    public init(
        _ source: Source, kernels: KernelSet = .best, exposing names: [Name] = [],
        limits: ResourceLimits = .standard
    ) throws(RuntimeError) {
        do {
            try self.init(
                source.file, source.types, kernels: kernels, exposing: names, limits: limits)
        } catch {
            throw RuntimeError(error.code, "\(source.path): \(error.message)")
        }
    }
}
