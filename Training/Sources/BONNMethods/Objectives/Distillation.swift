public import BONNConfiguration
public import Torch

/// What a recipe says of learning from a teacher.
public struct DistillationSettings: ObjectiveSettings {
    /// The name of the objective.
    public static let name = "distillation_loss"

    /// The keys.
    public static let keys: [Key<DistillationSettings>] = [
        .number(
            "distillation", \.weight, in: 0...(.greatestFiniteMagnitude),
            "weight of the teacher's soft labels; alone with cross_entropy: 0; 0: off"),
        .text("teacher", \.teacher, "the checkpoint of the network whose soft labels are learned"),
        .number("temperature", \.temperature, in: 0.01...1000, "of the soft labels"),
    ]

    /// The weight of the loss.
    public var weight = 0.0
    /// The path of the teacher's checkpoint.
    public var teacher = ""
    /// T.
    public var temperature = 1.0

    /// The defaults.
    public init() {}

    /// Creates settings.
    public init(weight: Double, teacher: String, temperature: Double = 1) {
        self.weight = weight
        self.teacher = teacher
        self.temperature = temperature
    }

    /// The loss of the logits.
    ///
    /// - Throws: `NetworkError` where no teacher is named, or none can be opened; what opening it throws.
    public func objective(for network: Network) throws -> (any Objective)? {
        guard weight > 0 else { return nil }
        guard !teacher.isEmpty else {
            throw NetworkError(
                "losses.distillation is \(weight), but losses.teacher is empty: expected the path of a "
                    + "checkpoint")
        }
        return DistillationLoss(
            self,
            try ReferenceNetwork(
                at: teacher, for: network, name: Self.name, key: "losses.teacher"))
    }
}

/// The cross-entropy against the soft labels of a teacher (Hinton et al., 2015),
///
///     weight T^2 mean over the batch of -sum_k p_k log q_k,  p and q the softmax of teacher and student over T
///
/// The factor T^2 keeps the size of gradients. The teacher is a trained network of any kind, in evaluation, with
/// the same images and classes. ReActNet and Real-to-Binary's successors learn from soft labels alone with T = 1
/// (methods.md 3.3): `losses.cross_entropy: 0`; with another weight both labels are learned.
public final class DistillationLoss: Objective {
    private let settings: DistillationSettings
    private let teacher: ReferenceNetwork

    init(_ settings: DistillationSettings, _ teacher: ReferenceNetwork) {
        self.settings = settings
        self.teacher = teacher
    }

    /// Its column.
    public var name: String { DistillationSettings.name }

    /// What tells the teacher from others.
    public var parameters: [Parameter] { teacher.parameters }

    /// The mean over the batch.
    public func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        let t = settings.temperature
        let soft = try (teacher(pass).logits / t).softmax(dim: 1)
        let logarithms = try (pass.output.logits / t).logSoftmax(dim: 1)
        return try (soft * logarithms).sum([1]).mean() * (-settings.weight * t * t)
    }
}
