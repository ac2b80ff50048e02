/// The most that a core can do with the algorithm of a kernel set.
enum KernelCeiling {
    /// Binary multiply-accumulates per cycle and core, with all operands in registers; nil for a
    /// kernel set that is not in the table.
    ///
    /// Each number is instructions per multiply-accumulate times the widest issue of the cores
    /// that have these instructions, so that no core can pass it. Loads, widening of byte counters
    /// and edges are not in it: they are what keeps a kernel below 100 %.
    static func binaryMACsPerCycle(_ kernels: String) -> Double? {
        switch kernels {
        // xor, popcnt, add: 3 instructions for 64, on 4 ports.
        case "scalar": 64.0 * 4 / 3
        // Lookup of 4 bits at a time: one byte shuffle and one byte addition for 128 (32 outputs
        // times 4 inputs), on the 4 vector ports of Zen 3, two of which shuffle.
        case "avx2": 128.0 * 4 / 2
        // xor, popcnt, add: 3 instructions for 512, on the 4 ports of 512 bits of Zen 5. Zen 4 (4 ports
        // of 256 bits) and Ice Lake (2 of 512) reach half of it.
        case "avx512": 512.0 * 4 / 3
        // exclusive or, CNT, UADALP: 3 instructions for 128, on the 4 vector ports of the widest ARM
        // cores (Cortex-X, Apple's); those with 2 ports reach half of it.
        case "neon": 128.0 * 4 / 3
        default: nil
        }
    }
}
