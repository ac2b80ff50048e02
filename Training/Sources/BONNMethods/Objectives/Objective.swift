public import Torch

/// One forward pass of training, and what it was over.
public struct ForwardPass {
    /// [N, C, H, W], normalized.
    public let images: Tensor
    /// [N], int64.
    public let labels: Tensor
    /// What the network computed.
    public let output: NetworkOutput
    /// Where the run is.
    public let progress: RunProgress

    /// Puts a pass together.
    public init(images: Tensor, labels: Tensor, output: NetworkOutput, progress: RunProgress) {
        self.images = images
        self.labels = labels
        self.output = output
        self.progress = progress
    }
}

/// A term of the loss: what a step minimizes is the sum of all terms.
///
/// Made for one network, whose layers it may hold. What it learns or remembers beside the network is in its
/// parameters, which checkpoints keep and the optimizer moves as their roles say.
public protocol Objective: AnyObject {
    /// What it is called: its column of metrics.csv, words between underscores.
    var name: String { get }

    /// What messages call it, behind "the".
    var title: String { get }

    /// Parameters and buffers of its own, named after it.
    var parameters: [Parameter] { get }

    /// Those of them that the next stage of a run takes along, where its objective has the same.
    var carried: [Parameter] { get }

    /// Whether it pulls latent weights somewhere; a weight decay, which pulls them to 0, would then work
    /// against it.
    var pullsLatentWeights: Bool { get }

    /// Whether, before it acts in an epoch after one without it, it has to see the features of all training
    /// images: `start` is then called.
    var startsFromFeatures: Bool { get }

    /// Sets the parameters that follow from the training images.
    ///
    /// - Parameters:
    ///   - features: [N, D] of all of them, as the network sees them in evaluation.
    ///   - labels: [N], int64.
    func start(features: Tensor, labels: Tensor) throws(TorchError)

    /// Whether it acts in an epoch.
    func acts(at progress: RunProgress) -> Bool

    /// The weighted term, a scalar.
    func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor

    /// What follows an update of the parameters, without a gradient; `pass` is one from before it.
    func afterUpdate(_ pass: ForwardPass) throws(TorchError)

    /// Says of a term that is not finite what it is, and where that comes from.
    func complaint(value: Double) throws(TorchError) -> String
}

extension Objective {
    /// The name without underscores.
    public var title: String { String(name.map { $0 == "_" ? " " : $0 }) }

    /// None.
    public var parameters: [Parameter] { [] }

    /// None.
    public var carried: [Parameter] { [] }

    /// No.
    public var pullsLatentWeights: Bool { false }

    /// No.
    public var startsFromFeatures: Bool { false }

    /// Nothing.
    public func start(features: Tensor, labels: Tensor) throws(TorchError) {}

    /// Always.
    public func acts(at progress: RunProgress) -> Bool { true }

    /// Nothing.
    public func afterUpdate(_ pass: ForwardPass) throws(TorchError) {}

    /// The title and the value.
    public func complaint(value: Double) throws(TorchError) -> String { "the \(title) is \(value)" }
}
