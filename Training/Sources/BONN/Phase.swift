/// What a network is run for.
public enum Phase: Sendable {
    /// Batch statistics, dropout, gradients.
    case training
    /// Running statistics, in the arithmetic of the device.
    case evaluation
    /// Running statistics, in the arithmetic of the deployed model (see `Operation` of
    /// BONNModelFormat): real sums as chains of float32 fused multiply-adds (computed on the CPU,
    /// whatever the device), averages in float64, rounded once, and binary sums as exact integers.
    /// What the runtime computes agrees with it bit for bit; needs a device with float64, and has
    /// no gradient.
    case deployment
}
