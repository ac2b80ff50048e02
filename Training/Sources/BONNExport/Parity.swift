public import BONNModelFormat

/// How far the runtime was from the trained network on the images compared so far.
public struct Parity: Sendable, Equatable {
    /// One configuration of the runtime and how far it was from the network.
    public struct Entry: Sendable, Equatable {
        /// The kernel set.
        public let kernels: String
        /// Threads of the session.
        public let threads: Int
        /// Images with the same top-1 class.
        public internal(set) var agreeing = 0
        /// Largest difference of a logit.
        public internal(set) var maxAbsDifference = 0.0
        /// Largest difference of a logit over the largest logit of its image.
        public internal(set) var maxRelativeDifference = 0.0
        /// Images whose logits are not the very bits of the network's.
        public internal(set) var differingFromNetwork = 0
        /// Images whose logits are not the very bits of the first configuration.
        public internal(set) var differingFromFirst = 0
    }

    /// Images compared so far.
    public internal(set) var images = 0
    /// One entry per kernel set and number of threads.
    public internal(set) var entries: [Entry]

    /// Whether every configuration computes the network's logits, bit for bit.
    public var passed: Bool {
        images > 0
            && entries.allSatisfy {
                $0.differingFromNetwork == 0 && $0.differingFromFirst == 0
            }
    }

    /// The certificate of the worst configuration.
    public var certificate: ParityCertificate {
        ParityCertificate(
            images: images,
            top1Agreement: images == 0
                ? 0 : Double(entries.map(\.agreeing).min() ?? 0) / Double(images),
            maxAbsDifference: entries.map(\.maxAbsDifference).max() ?? 0,
            maxRelativeDifference: entries.map(\.maxRelativeDifference).max() ?? 0,
            kernels: Set(entries.map(\.kernels)).sorted())
    }

    /// Throws `ExportError` of code `parity` unless every configuration agrees with the network.
    public func require() throws(ExportError) {
        guard !passed else { return }
        let lines = entries.map {
            "\($0.kernels) with \($0.threads) thread\($0.threads == 1 ? "" : "s"): "
                + "\($0.agreeing) of \(images) top-1 agree, \($0.differingFromNetwork) images differ in bits, "
                + "by \($0.maxRelativeDifference) of the largest logit at most; "
                + "\($0.differingFromFirst) differ from the first configuration"
        }
        throw ExportError(
            .parity,
            "the model file does not compute what the network computes; expected the same "
                + "bits. " + lines.joined(separator: "; "))
    }
}

extension Parity.Entry {
    /// Takes in the logits of one image.
    mutating func add(expected: ArraySlice<Float>, found: ArraySlice<Float>) {
        func top(_ values: ArraySlice<Float>) -> Int? {
            values.indices.max { values[$0] < values[$1] }.map { $0 - values.startIndex }
        }
        if top(expected) == top(found) { agreeing += 1 }
        if !zip(expected, found).allSatisfy({ $0.bitPattern == $1.bitPattern }) {
            differingFromNetwork += 1
        }
        let largest = Double(expected.map(abs).max() ?? 0)
        for (a, b) in zip(expected, found) {
            let difference = abs(Double(a) - Double(b))
            // A NaN on either side is the largest possible difference, not a silent pass.
            let absolute = difference.isNaN ? .infinity : difference
            maxAbsDifference = max(maxAbsDifference, absolute)
            if absolute > 0 {
                maxRelativeDifference = max(maxRelativeDifference, absolute / largest)
            }
        }
    }
}
