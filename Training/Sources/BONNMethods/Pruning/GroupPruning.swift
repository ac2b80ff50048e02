import BONNConfiguration
import BONNModelFormat
import BONNNetworks
public import Torch

/// BONN's own pruning of a trained 1-bit network (Zhao et al., IJCV 130(2), 2022; section 3.7.3, equations 3.109 and
/// 3.120 and Algorithm 6 of the book; methods.md 1.12).
///
/// When a stage begins, the K filters of each quantized layer are put into J = int(K epsilon) groups of similar ones
/// (`FilterClusters`). With Kbar_j the mean of group j, of I_j filters with D weights each,
///
///     L_P = weight * sum_l sum_j sum_i { |K_ij - Kbar_j|^2 + nu |K_ij - Kbar_j|^2 / s_j^2 + nu D log s_j^2 }  (3.109)
///     K_ij <- (1 - gamma) K_ij + gamma Kbar_j                                            (Algorithm 6, line 4)
///     dL/dK_ij = (1 / I_j) d(L_S + L_B)/dKbar_j + 2 (K_ij - Kbar_j) (1 + nu / s_j^2)                   (3.120)
///
/// The arrow is taken at its word: latent weights are changed, after each step. The first term of the gradient is
/// the mean over the group. gamma grows from nearly 0 to 1: it is 1 over the steps left until `convergence`, so that
/// what a filter is away from the mean of its group shrinks evenly to nothing; from then on the filters of a group
/// are the same in every bit, and are trained as one. A further stage with the same epsilon finds the same groups.
///
/// What the sources leave open: Psi_j is s_j^2 I, with s_j^2 the mean square of K_ij - Kbar_j at the beginning of
/// each epoch, which minimizes (3.109), and s_j at least that of BONN's sigma; the factor in front of L_P could not
/// be read; neither gamma nor epsilon nor nu of the experiments, nor their results, could be found.
public final class GroupPruning: TrainingRule, Objective {
    /// A layer and its groups.
    private struct Layer {
        let latent: Parameter
        /// The group of each filter, `[K]`: whole numbers.
        let groups: Parameter
        /// s_j^2, `[J]`.
        let variances: Parameter

        var index: Tensor { get throws(TorchError) { try groups.tensor.to(.int64) } }
        var count: Int { variances.tensor.shape[0] }
    }

    /// The column of L_P.
    public let name = "group_loss"
    private let settings: PruningConfiguration
    private let layers: [Layer]
    /// The last step in which filters were moved.
    private var last: RunProgress?

    /// Groups the filters of a network.
    ///
    /// - Throws: `NetworkError` where it has no quantized layers, or such whose latent weights are no filters.
    init(_ settings: PruningConfiguration, _ network: Network) throws {
        guard !network.quantizedLayers.isEmpty else {
            throw NetworkError(
                "pruning.groups: expected a network with quantized layers, found none; bonn prune filters is for "
                    + "real ones")
        }
        self.settings = settings
        let scope = ParameterStore(seed: 0, device: network.store.device).root / "pruning"
        var layers: [Layer] = []
        for layer in network.quantizedLayers {
            let shape = layer.latent.tensor.shape
            guard let planned = network.plan.layers.first(where: { $0.name.text == layer.name }),
                shape == network.plan.weightShape(of: planned)
            else {
                throw NetworkError(
                    "pruning.groups: expected latent weights of the shape of the kernel in \(layer.name), found "
                        + "\(shape); the method has others")
            }
            let count = max(1, Int(Double(shape[0]) * settings.groups))
            let clusters = try FilterClusters(layer.latent.tensor, count: count)
            let own = scope / layer.name
            layers.append(
                Layer(
                    latent: layer.latent,
                    groups: try own.parameter(
                        "groups", [shape[0]], .values(clusters.groups.map(Float.init)),
                        role: .buffer),
                    variances: try own.parameter("variances", [count], .constant(1), role: .buffer))
            )
        }
        self.layers = layers
    }

    /// The groups and their variances.
    public var state: [Parameter] { layers.flatMap { [$0.groups, $0.variances] } }

    /// L_P.
    public func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        var terms: [Tensor] = []
        for layer in layers {
            terms.append(
                try Self.loss(
                    of: layer.latent.tensor, layer.index, variances: layer.variances.tensor,
                    nu: settings.nu))
        }
        return try settings.groupLoss * Tensor.stack(terms).sum()
    }

    /// Sets each s_j^2 to what minimizes L_P.
    public func beginEpoch(_ progress: RunProgress) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for layer in layers {
                let filters = try layer.latent.tensor.flatten(from: 1)
                let squares = try Self.residuals(of: filters, layer.index, layer.count).square()
                    .mean([1]).reshape([-1, 1])
                let means = try Self.means(of: squares, layer.index, layer.count).flatten()
                let least = BONNKernel.smallestSigma * BONNKernel.smallestSigma
                try layer.variances.tensor.copy_(from: means.clamp(min: least))
            }
        }
    }

    /// Gives the filters of a group the mean of their gradients, and the pull of L_P.
    public func gradientsReady(_ progress: RunProgress) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for layer in layers {
                guard let gradient = layer.latent.tensor.grad else { continue }
                // The residuals of a group add up to 0, and with them the gradients of L_P.
                let index = try layer.index
                let task = try Self.means(of: gradient.flatten(from: 1), index, layer.count)
                    .indexSelect(dim: 0, index)
                let filters = try layer.latent.tensor.flatten(from: 1)
                let factors = try 1.0 + settings.nu / layer.variances.tensor
                let pull =
                    try Self.residuals(of: filters, index, layer.count)
                    * factors.indexSelect(dim: 0, index).reshape([-1, 1])
                try gradient.copy_(
                    from: (task + pull * (2 * settings.groupLoss)).reshape(gradient.shape))
            }
        }
    }

    /// Moves filters to the mean of their group, once in each step, in which a method may update more than once.
    public func afterUpdate(_ progress: RunProgress) throws(TorchError) {
        guard progress != last else { return }
        last = progress
        let gamma = settings.rate(at: progress)
        try withoutGradient { () throws(TorchError) in
            for layer in layers {
                let latent = layer.latent.tensor
                let filters = try latent.flatten(from: 1)
                let index = try layer.index
                let means = try Self.means(of: filters, index, layer.count)
                    .indexSelect(dim: 0, index)
                try latent.copy_(
                    from: (filters * (1 - gamma) + means * gamma).reshape(latent.shape))
            }
        }
    }

    /// The loss of a layer, without the weight: 3.109 for latent weights `[K, ...]`, their groups `[K]` and the
    /// variances of these, `[J]`.
    public static func loss(
        of latent: Tensor, _ index: Tensor, variances: Tensor, nu: Double
    ) throws(TorchError) -> Tensor {
        let filters = try latent.flatten(from: 1)
        let count = variances.shape[0]
        let squares = try residuals(of: filters, index, count).square().sum([1])
        let own = try variances.indexSelect(dim: 0, index)
        let weights = Double(filters.shape[1])
        return try (squares * (1.0 + nu / own) + own.log() * (nu * weights)).sum()
    }

    /// K_ij - Kbar_j of rows `[K, D]`.
    private static func residuals(
        of filters: Tensor, _ index: Tensor, _ count: Int
    ) throws(TorchError) -> Tensor {
        try filters - means(of: filters, index, count).indexSelect(dim: 0, index)
    }

    /// The mean of each group of rows, `[J, D]`.
    private static func means(
        of rows: Tensor, _ index: Tensor, _ count: Int
    ) throws(TorchError) -> Tensor {
        let groups = try Tensor.arange(count).to(rows.device).reshape([count, 1])
        let members = try groups.eq(index.unsqueeze(0)).to(rows.dtype)
        return try members.matmul(rows) / members.sum([1], keep: true)
    }
}

extension PruningConfiguration {
    /// gamma in a step: 1 over the steps that are left until the filters of a group are the same, then 1.
    func rate(at progress: RunProgress) -> Double {
        let steps = Double(progress.epochs * progress.steps) * convergence
        let left = steps - Double(progress.epoch * progress.steps + progress.step)
        return left > 1 ? 1 / left : 1
    }
}
