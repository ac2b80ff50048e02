public import BONNModelFormat

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// How long one layer of a network takes, and how much work it does.
public struct LayerTiming: Sendable, Equatable {
    /// The node of the graph.
    public let name: Name
    /// The operation's name in the format; `regroup` where the runtime aligns channel groups.
    public let operation: String
    /// Multiply-accumulates over +-1, of all images of the run.
    public let binaryMACs: Int
    /// Multiply-accumulates over real numbers, of all images of the run.
    public let realMACs: Int
    /// The median time in nanoseconds.
    public let nanoseconds: Int
}

extension InferenceSession {
    /// Runs the network several times and measures every layer.
    ///
    /// - Parameters:
    ///   - input: as for `run(_:)`.
    ///   - runs: how often; at least 1.
    /// - Returns: the layers in the order of execution.
    /// - Throws: as `run(_:)`, and `.invalidOption` for less than one run.
    public mutating func profile(
        _ input: [Float], runs: Int = 10
    ) throws(RuntimeError) -> [LayerTiming] {
        guard runs >= 1 else {
            throw RuntimeError(.invalidOption, "a profile needs 1 or more runs, not \(runs)")
        }
        let images = try imageCount(of: input.count)
        var times = [[UInt64]](
            repeating: [UInt64](repeating: 0, count: runs), count: model.steps.count)
        for run in 0..<runs {
            try stage(input.span, images: images)
            for step in model.steps.indices {
                let start = monotonicNanoseconds()
                try engine.run(step: step, images: images)
                times[step][run] = monotonicNanoseconds() - start
            }
        }
        return model.steps.indices.map { index in
            let step = model.steps[index]
            return LayerTiming(
                name: step.node, operation: step.operation,
                binaryMACs: step.body.binaryMACs * images, realMACs: step.body.realMACs * images,
                nanoseconds: Int(times[index].sorted()[runs / 2]))
        }
    }
}

private func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
