import CBONNKernels

/// The kernels for one instruction set. All sets compute the same bits; they differ in speed.
public struct KernelSet: Sendable, Equatable, CustomStringConvertible {
    /// The name of the instruction set, such as `avx2`.
    public let name: String
    private let index: Int

    private init(index: Int) {
        self.index = index
        name = String(cString: bonn_kernel_set_at(index).pointee.name)
    }

    /// The sets that this machine can run, slowest first; `scalar` is always one of them.
    public static var available: [KernelSet] {
        all.filter { bonn_kernel_set_runs($0.index) != 0 }
    }

    /// The sets of this build that this machine cannot run.
    public static var unsupported: [KernelSet] {
        all.filter { bonn_kernel_set_runs($0.index) == 0 }
    }

    /// The fastest set that this machine can run.
    public static var best: KernelSet { available[available.count - 1] }

    /// The set with a name.
    ///
    /// - Throws: `.unknownKernelSet` or `.unsupportedKernelSet`.
    public static func named(_ name: String) throws(RuntimeError) -> KernelSet {
        let choices = available.map(\.name).joined(separator: ", ")
        guard let set = all.first(where: { $0.name == name }) else {
            throw RuntimeError(
                .unknownKernelSet,
                "there is no kernel set \"\(name)\" in this build; this machine runs: \(choices)")
        }
        guard available.contains(set) else {
            throw RuntimeError(
                .unsupportedKernelSet,
                "this processor or operating system cannot run the kernel set \"\(name)\"; "
                    + "it runs: \(choices)")
        }
        return set
    }

    /// The name.
    public var description: String { name }

    /// The functions; the table is immutable and lives as long as the process.
    var functions: UnsafePointer<bonn_kernel_set> { bonn_kernel_set_at(index) }

    private static var all: [KernelSet] {
        (0..<bonn_kernel_set_count()).map { KernelSet(index: $0) }
    }
}
