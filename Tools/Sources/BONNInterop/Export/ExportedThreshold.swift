import BONNModelFormat

/// A threshold as comparisons of float32 numbers, a number a channel.
///
/// High is x >= lower and x <= upper, one of them infinite unless nothing shall pass; what is high whatever x is,
/// even NaN, is stated apart.
struct ExportedThreshold {
    /// As the model file has them: 1 for x >= t, -1 for x <= t, 0 for a constant.
    let directions: [Int8]
    /// What x is compared with.
    let numbers: [Float]

    /// The numbers of an operation.
    init(_ threshold: Threshold, _ tensors: [Name: ModelTensor]) {
        directions = tensors[threshold.direction]!.int8s()
        let tensor = tensors[threshold.threshold]!
        numbers =
            tensor.elementType == .i32 ? tensor.int32s().map(Self.reachable) : tensor.floats()
    }

    /// What x must reach.
    var lower: [Float] {
        zip(directions, numbers).map { $0 == 1 ? $1 : $0 == -1 ? -.infinity : .infinity }
    }

    /// What x must not pass; nil where all channels have only a lower bound.
    var upper: [Float]? {
        guard directions.contains(where: { $0 != 1 }) else { return nil }
        return zip(directions, numbers).map { $0 == -1 ? $1 : $0 == 1 ? .infinity : -.infinity }
    }

    /// The channels that are high whatever x is; nil for none.
    var always: [Bool]? {
        let always = zip(directions, numbers).map { $0 == 0 && $1 >= 0 }
        return always.contains(true) ? always : nil
    }

    /// The float32 number with which sums, at most 2^24 in size, compare as with this integer.
    private static func reachable(_ number: Int32) -> Float {
        let largest = Int32(FormatLimits.binaryTerms)
        return number > largest ? 0x1p25 : number < -largest ? -0x1p25 : Float(number)
    }
}
