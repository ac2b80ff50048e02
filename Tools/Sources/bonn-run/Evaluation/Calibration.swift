/// How far probabilities of the predicted classes are from the shares in which these are right: the expected
/// calibration error (Guo et al., On Calibration of Modern Neural Networks, ICML 2017), with 15 bins of equal width.
struct Calibration {
    private struct Bin {
        var count = 0
        var right = 0
        var probability = 0.0
    }

    private var bins = [Bin](repeating: Bin(), count: 15)

    /// Adds an image.
    ///
    /// - Parameter probability: of the predicted class, in 0...1; none (NaN), of logits that are not finite, counts 0.
    mutating func add(probability: Double, isRight: Bool) {
        let probability = probability.isNaN ? 0 : min(max(probability, 0), 1)
        let place = min(bins.count - 1, Int(probability * Double(bins.count)))
        bins[place].count += 1
        bins[place].right += isRight ? 1 : 0
        bins[place].probability += probability
    }

    /// The mean over the images of |share that is right - mean probability| of their bins; 0 for no image.
    var expectedError: Double {
        let images = bins.reduce(0) { $0 + $1.count }
        let sum = bins.reduce(0) { $0 + abs(Double($1.right) - $1.probability) }
        return images == 0 ? 0 : sum / Double(images)
    }
}
