import BONNModelFormat

extension AlignedMemory {
    /// Memory with any contents, or the runtime's error where the system gives none.
    ///
    /// - Throws: `.outOfMemory`.
    static func allocate(byteCount: Int) throws(RuntimeError) -> AlignedMemory {
        guard let memory = AlignedMemory(byteCount: byteCount) else {
            throw RuntimeError(
                .outOfMemory, "the system gave no \(byteCount) bytes of memory")
        }
        return memory
    }
}
