import ArgumentParser
import BONNRuntime

/// How a network is run; shared by the commands that run one.
struct SessionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Kernel set: \(KernelSet.available.map(\.name).joined(separator: ", ")) on this "
                + "machine; the last one unless given.",
            valueName: "name"))
    var kernels: String?

    @Option(help: ArgumentHelp("Threads.", valueName: "n"))
    var threads = 1

    /// The kernel set that is asked for, or the fastest one.
    ///
    /// Throws `ValidationError`, which lists what this machine runs and what it lacks.
    func kernelSet() throws -> KernelSet {
        guard let kernels else { return .best }
        if let set = KernelSet.available.first(where: { $0.name == kernels }) { return set }
        let available = KernelSet.available.map(\.name)
        let missing = KernelSet.unsupported.map(\.name)
        let problem =
            missing.contains(kernels)
            ? "--kernels: this machine cannot run '\(kernels)'; it runs: "
                + Choices.nearestFirst(available, to: kernels).joined(separator: ", ")
            : Choices.message("--kernels", found: kernels, valid: available)
        let lacking =
            missing.isEmpty ? "" : "; not on this machine: \(missing.joined(separator: ", "))"
        throw ValidationError(problem + lacking)
    }

    /// A session for a model.
    func session(_ model: Model, batch: Int = 1) throws -> InferenceSession {
        let limit = InferenceSession.maximumThreads
        guard (1...limit).contains(threads) else {
            throw ValidationError("--threads: expected 1 to \(limit), found \(threads)")
        }
        guard batch >= 1 else {
            throw ValidationError("--batch: expected at least 1, found \(batch)")
        }
        return try InferenceSession(model, threads: threads, batch: batch)
    }
}
