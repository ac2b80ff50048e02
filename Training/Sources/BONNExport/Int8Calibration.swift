public import BONN
public import Torch

/// Measures on images what the signed bytes of a network have to hold.
///
/// Pixels are bounded by their normalisation, so their largest magnitude is the limit. Features are
/// not: a rare large one would make the steps of all others coarse.
public struct Int8Calibration {
    /// Images seen.
    public private(set) var images = 0
    private var largestPixel: Float = 0
    private var features: [Float] = []

    /// Creates a calibration that has seen nothing.
    public init() {}

    /// Runs normalised images `[N, C, H, W]` through the network in float32 deployment arithmetic.
    public mutating func observe(_ network: Network, _ batch: Tensor) throws(ExportError) {
        let (pixels, seen) = try torch("calibration") { () throws(TorchError) in
            try withoutGradient { () throws(TorchError) in
                (
                    try batch.to(.cpu).floats(),
                    try network(batch, .deployment).features.to(.cpu).floats()
                )
            }
        }
        images += batch.shape[0]
        largestPixel = pixels.reduce(largestPixel) { max($0, abs($1)) }
        features += seen.map(abs)
    }

    /// The limits, for a share of the features that stays within them.
    ///
    /// - Throws: `ExportError` of code `notFinite` when there was nothing to see.
    public func limits(featureShare: Double = 1) throws(ExportError) -> Int8Limits {
        let sorted = features.sorted()
        let index = Int((Double(sorted.count) * featureShare).rounded(.up)) - 1
        guard sorted.indices.contains(index) else {
            throw ExportError(
                .notFinite, "the calibration of 8-bit layers needs at least one image; found none")
        }
        let limits = Int8Limits(stem: largestPixel, head: sorted[index])
        guard limits.stem > 0, limits.head > 0, limits.stem.isFinite, limits.head.isFinite else {
            throw ExportError(
                .notFinite,
                "the calibration of 8-bit layers found pixels up to \(limits.stem) and features up to "
                    + "\(limits.head) on \(images) images; expected finite numbers above 0. Give "
                    + "images of the data set that the network was trained on.")
        }
        return limits
    }
}
