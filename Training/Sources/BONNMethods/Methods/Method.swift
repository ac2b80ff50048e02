public import BONNConfiguration
public import BONNNetworks
public import Torch

/// How the layers of few bits of a network are trained and what they are deployed as: a paper in one file.
///
/// A value with its settings. It says in which order layers stand, what becomes of the plan, and which
/// quantizers the layers get; where it needs to, which losses it adds and how it is trained.
public protocol Method: Sendable, Equatable {
    /// What is known of the method.
    static var card: MethodCard { get }

    /// The keys of its settings, as they stand in the section `method:` of a recipe.
    static var keys: [Key<Self>] { get }

    /// The method as its paper has it.
    init()

    /// In which order the layers stand.
    var style: any BlockStyle { get }

    /// What the method changes of a plan.
    func adapt(_ plan: NetworkPlan) throws(PlanError) -> NetworkPlan

    /// Whether a quantizer draws numbers in training, from the generator of the pass.
    var drawsNumbers: Bool { get }

    /// How many passes an evaluation is the average of, in each of which numbers are drawn; 0: it is one pass, in
    /// which none are.
    var evaluationDraws: Int { get }

    /// The latent weights of a kernel [K, C, kh, kw] or [K, C].
    func latent(_ kernel: [Int]) -> LatentParameter

    /// The kernel quantizer of a layer, with its parameters in a scope.
    func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer

    /// The activation quantizer in front of a layer, with its parameters in a scope.
    func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer

    /// What becomes of the sums of a quantized layer, [N, K, H, W] or [N, K], in training and in evaluation: the
    /// same numbers, whose gradient a method may change.
    func sums(_ sums: Tensor, _ pass: Pass) throws(TorchError) -> Tensor

    /// Whether the same becomes of the sums of layers with real weights.
    var changesRealSums: Bool { get }

    /// What a batch norm of the plan is.
    ///
    /// - Parameters:
    ///   - momentum: the share of a batch in the running statistics.
    ///   - isLast: whether the logits are its values.
    func normalization(
        _ scope: ParameterScope, channels: Int, momentum: Double, isLast: Bool
    ) throws(TorchError) -> any Normalization

    /// Sets parameters of a new network that start elsewhere than the layers' do.
    func prepare(_ network: Network) throws(TorchError)

    /// What compares logits with labels in the place of a recipe's loss of classification; nil: that one does.
    func classification(for network: Network) throws -> (any Objective)?

    /// Terms of the loss of the method's own, beside those that a recipe asks for.
    func objectives(for network: Network) throws -> [any Objective]

    /// What happens between the steps.
    func rules(for network: Network) throws(TorchError) -> [any TrainingRule]

    /// How a step evaluates and updates.
    func update(for network: Network) throws(TorchError) -> any UpdateRule
}

extension Method {
    /// None.
    public static var keys: [Key<Self>] { [] }

    /// Nothing.
    public func adapt(_ plan: NetworkPlan) -> NetworkPlan { plan }

    /// No.
    public var drawsNumbers: Bool { false }

    /// One pass, without.
    public var evaluationDraws: Int { 0 }

    /// Of its shape, from a Gaussian of variance 2 / fan-in.
    public func latent(_ kernel: [Int]) -> LatentParameter { LatentParameter(kernel) }

    /// The sums.
    public func sums(_ sums: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { sums }

    /// No.
    public var changesRealSums: Bool { false }

    /// The ordinary one.
    public func normalization(
        _ scope: ParameterScope, channels: Int, momentum: Double, isLast: Bool
    ) throws(TorchError) -> any Normalization {
        try BatchNorm2d(scope, channels: channels, momentum: momentum)
    }

    /// Nothing.
    public func prepare(_ network: Network) throws(TorchError) {}

    /// That of the recipe.
    public func classification(for network: Network) -> (any Objective)? { nil }

    /// None.
    public func objectives(for network: Network) throws(TorchError) -> [any Objective] { [] }

    /// None.
    public func rules(for network: Network) throws(TorchError) -> [any TrainingRule] { [] }

    /// One evaluation and one update.
    public func update(for network: Network) throws(TorchError) -> any UpdateRule { SingleUpdate() }
}

/// What a table of methods shows of one.
public struct MethodCard: Sendable {
    /// As recipes and command lines spell it.
    public let name: String
    /// What it is called.
    public let title: String
    /// Authors, venue, year.
    public let paper: String
    /// Bits of weights and of activations, such as `1/1`.
    public let widths: String
    /// What its authors report, with network and data.
    public let reported: String
    /// The same as numbers, as far as there are some for networks and images that can be had here.
    public let figures: [ReportedFigure]
    /// What the runtime does with it.
    public let deployment: String

    /// Creates a card.
    public init(
        name: String, title: String, paper: String, widths: String, reported: String,
        figures: [ReportedFigure] = [], deployment: String
    ) {
        self.name = name
        self.title = title
        self.paper = paper
        self.widths = widths
        self.reported = reported
        self.figures = figures
        self.deployment = deployment
    }
}
