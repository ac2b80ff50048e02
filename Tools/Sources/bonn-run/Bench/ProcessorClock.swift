import CProcessorClock

/// The frequency at which the processor runs just now, by timing instructions whose cycles are
/// known: cycles cannot be read without privileges, and the nominal frequency is not the real one.
enum ProcessorClock {
    /// Some 20 microseconds: long against reading a clock, short against what is measured.
    private static let additions: UInt64 = 1 << 16

    /// Cycles per nanosecond of the core that this thread runs on; nil on an architecture for
    /// which the chain of instructions is not written.
    static func gigahertz() -> Double? {
        let clock = ContinuousClock()
        let start = clock.now
        let cycles = processor_dependent_additions(additions)
        let nanoseconds = (clock.now - start) / .nanoseconds(1)
        return cycles > 0 ? Double(cycles) / nanoseconds : nil
    }
}
