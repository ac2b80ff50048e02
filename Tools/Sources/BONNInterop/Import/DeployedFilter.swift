import BONNNetworks

/// One output channel of a kernel, as it is computed with: in float64, and rounded to float32 once.
struct DeployedFilter {
    /// -1 and +1.
    let signs: [Float]
    /// By what they are multiplied; nil where that is a tensor of the checkpoint.
    let scale: Float?

    /// Makes it of what is stored.
    ///
    /// - Parameters:
    ///   - filter: `[C, kh, kw]`.
    ///   - channels: C.
    ///   - place: the name of the tensor and the number of the channel, for messages.
    init(
        _ filter: ArraySlice<Float>, channels: Int, of source: ImportSource,
        place: (key: String, channel: Int)
    ) throws(LoweringError) {
        let kernels = source.kernels
        var numbers = filter.map(Double.init)
        switch kernels.center {
        case .none: break
        case .filter:
            let mean = Self.mean(numbers)
            for index in numbers.indices { numbers[index] -= mean }
        case .inputs:
            let pixels = numbers.count / channels
            for pixel in 0..<pixels {
                let places = stride(from: pixel, to: numbers.count, by: pixels)
                let mean = places.reduce(0) { $0 + numbers[$1] } / Double(channels)
                for index in places { numbers[index] -= mean }
            }
        }
        if kernels.isClamped { numbers = numbers.map { max(-1, min(1, $0)) } }
        let mean = Self.mean(numbers.map(abs))
        switch kernels.scale {
        case .stored:
            scale = try Self.magnitude(numbers, of: source, place)
        case .mean:
            scale = Float(mean)
        case .powerOfTwo:
            let sum = numbers.reduce(0) { $0 + $1 * $1 }
            let center = Self.mean(numbers)
            let variance =
                (sum - Double(numbers.count) * center * center) / Double(numbers.count - 1)
            let ratio = mean / variance.squareRoot()
            guard ratio.isNormal, (-100...100).contains(ratio.exponent) else {
                throw LoweringError(
                    .source,
                    "\(place.key): expected latent weights that differ, found none in channel "
                        + "\(place.channel), whose standard deviation is 0; the file is damaged")
            }
            // The logarithm is rounded up where it is more than half above the exponent.
            let isUp = ratio.significand * ratio.significand > 2
            scale = Float(
                sign: .plus, exponent: Int(ratio.exponent) + (isUp ? 1 : 0), significand: 1)
        case .learned: scale = nil
        case .one, .real: scale = 1
        }
        // A channel of zeros that is multiplied by 0 has no sign to lose.
        guard !numbers.contains(0) || mean == 0 && scale == 0 else {
            throw LoweringError(
                .source,
                "\(place.key): expected latent weights with signs, found a 0 in channel \(place.channel), "
                    + "whose sign is 0 in PyTorch and cannot be a bit; set it to a number of the wanted sign"
            )
        }
        signs = numbers.map { $0 < 0 ? -1 : 1 }
    }

    private static func mean(_ numbers: [Double]) -> Double {
        numbers.reduce(0, +) / Double(numbers.count)
    }

    /// The one magnitude of a filter.
    private static func magnitude(
        _ numbers: [Double], of source: ImportSource, _ place: (key: String, channel: Int)
    ) throws(LoweringError) -> Float {
        let alpha = abs(numbers.first ?? 0)
        guard let other = numbers.first(where: { abs($0) != alpha }) else { return Float(alpha) }
        throw LoweringError(
            .source,
            "\(place.key): expected one magnitude times signs in each output channel, as \(source.shownName) is "
                + "deployed, found the magnitudes \(Float(alpha)) and \(Float(abs(other))) in channel "
                + "\(place.channel); latent weights have to be made 1-bit ones by their training code, and "
                + "saved then")
    }
}
