import ArgumentParser
import BONNRuntime

/// What a model file may cost; shared by the commands that read one.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Memory that the weights of a model file may take, and as much again a run. Unless given, "
                + "\(ResourceLimits.standard.modelBytes / 1_000_000), and for a run "
                + "\(ResourceLimits.standard.imageBytes / 1_000_000) for each image and "
                + "\(ResourceLimits.standard.threadBytes / 1_000_000) for each thread.",
            valueName: "MB"))
    var limitMemory: Int?

    @Option(
        help: ArgumentHelp(
            "Steps that one image may take, in 10^9; a multiply-add of real numbers is one, sixteen of "
                + "bits are one. Unless given, \(ResourceLimits.standard.work / 1_000_000_000).",
            valueName: "n"))
    var limitWork: Int?

    func validate() throws {
        for (option, value) in [("--limit-memory", limitMemory), ("--limit-work", limitWork)] {
            if let value, !(1...1_000_000_000).contains(value) {
                throw ValidationError("\(option): expected 1 to 1000000000, found \(value)")
            }
        }
    }

    /// The limits of a model that runs so many images at once.
    func limits(batch: Int = 1) -> ResourceLimits {
        var limits = ResourceLimits.standard
        if let limitMemory {
            limits.modelBytes = limitMemory * 1_000_000
            limits.imageBytes = limits.modelBytes / max(1, batch)
            limits.threadBytes = 0
        }
        if let limitWork {
            // Loading grows with the work that it prepares.
            let share = Double(limitWork * 1_000_000_000) / Double(limits.work)
            limits.loadingWork = Int(min(Double(limits.loadingWork) * share, 0x1p62))
            limits.work = limitWork * 1_000_000_000
        }
        return limits
    }
}
