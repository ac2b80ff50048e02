public import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Torch

/// Pruning of whole filters (Li et al., Pruning Filters for Efficient ConvNets, ICLR 2017; methods.md 2.19): of a
/// layer with K filters, int(ratio K) with the smallest norms are removed, with their batch norms and all other
/// numbers a channel, and with the planes of the next layers that read them. What is left is a smaller network,
/// which is trained again (40 epochs of CIFAR-10 with a constant rate of 1e-3 in the paper).
///
/// In residual networks these are the first convolutions of blocks; what a shortcut adds to is a group of channels
/// with many layers (`ChannelGroup`), and is pruned with `shortcutRatio` alone: by the norms of the 1x1 shortcut
/// convolution that makes them, as in section 3.3 of the paper; where there is none (the first stage), by those of
/// all layers that do together, of which the paper does not speak.
///
/// Works on latent weights too: the filters of 1-bit layers have norms before they are signs. For these nobody has
/// reported numbers.
///
/// Reported on CIFAR-10: VGG-16 6.75 to 6.60 % error without 34.2 % of the operations and 64.0 % of the weights,
/// ResNet-56 6.96 to 6.94 % without 27.6 % and 13.7 %, ResNet-110 6.47 to 6.70 % without 38.6 % and 32.4 %.
public struct FilterPruning: Sendable, Equatable {
    /// What a filter is measured by.
    public enum Norm: String, Sendable, CaseIterable {
        /// The sum of |w|.
        case l1
        /// The root of the sum of w^2.
        case l2
    }

    /// What of a filter is measured.
    public enum Ranking: String, Sendable, CaseIterable {
        /// All of it.
        case independent
        /// Without the planes whose channels are removed before it.
        case greedy
    }

    /// The share of filters to remove, of layers that have no other.
    public var ratio = 0.0
    /// The share of layers by name; 0: they are skipped.
    public var ratios: [NamedNumber] = []
    /// The share of the channels that shortcuts add to, by the name of the layer that makes them first.
    public var shortcutRatio = 0.0
    /// What a filter is measured by.
    public var norm = Norm.l1
    /// What of it.
    public var ranking = Ranking.independent
    /// Whether filters are removed that are the same as an earlier one of their layer, and none else.
    public var removesDuplicates = false

    /// Removes nothing.
    public init() {}

    /// The filters to keep of each group of channels that loses some.
    ///
    /// - Throws: `NetworkError` for a name in `ratios` that no layer has.
    public func selection(for network: Network) throws -> FilterSelection {
        let plan = network.plan
        let groups = plan.channelGroups
        let producers = groups.flatMap(\.producers)
        if let missing = ratios.first(where: { ratio in
            !producers.contains { ratio.covers($0.text) }
        }) {
            throw NetworkError(
                "\(missing.text): expected the name of a layer with filters, such as "
                    + "\(producers.first?.text ?? "none"), or the beginning of names")
        }
        var selection = FilterSelection()
        for group in groups where group.obstacle == nil && !group.producers.isEmpty {
            let kept = try kept(of: group, network, after: selection)
            if kept.count < group.channels { selection.add(kept, of: group) }
        }
        return selection
    }

    private func kept(
        of group: ChannelGroup, _ network: Network, after selection: FilterSelection
    ) throws -> [Int] {
        let all = Array(0..<group.channels)
        let first = group.producers[0].text
        if removesDuplicates { return try distinct(group, network) }
        let ratio =
            group.producers.count > 1
            ? shortcutRatio : ratios.number(for: first) ?? self.ratio
        let count = max(1, group.channels - Int(ratio * Double(group.channels)))
        guard count < group.channels else { return all }
        let projections = group.producers.filter { name in
            guard case .convolution(let plan)? = network.plan[name]?.layer else { return false }
            return plan.window.height == 1 && plan.window.width == 1 && plan.weights == .real
        }
        let judges =
            group.producers.count > 1 && !projections.isEmpty ? projections : group.producers
        var norms = [Double](repeating: 0, count: group.channels)
        for name in judges {
            let own = try self.norms(of: name, network, after: selection)
            for (index, norm) in own.enumerated() { norms[index] += norm }
        }
        // Of equal norms the earlier filter stays.
        let order = all.sorted { (-norms[$0], $0) < (-norms[$1], $1) }
        return order.prefix(count).sorted()
    }

    /// The norm of each filter of a layer.
    private func norms(
        of name: Name, _ network: Network, after selection: FilterSelection
    ) throws -> [Double] {
        guard let layer = network.plan[name], let weight = network.store["\(name).weight"] else {
            throw NetworkError("\(name): expected a layer with weights")
        }
        var filters = try weight.tensor.detached().to(.float64)
        if ranking == .greedy,
            let planes = selection.indices(of: layer.inputs[0], network.plan)
        {
            filters = try filters.indexSelect(
                dim: 1, Tensor(int64s: planes.map(Int64.init), shape: [planes.count]))
        }
        let rows = try filters.flatten(from: 1)
        return switch norm {
        case .l1: try rows.abs().sum([1]).doubles()
        case .l2: try rows.square().sum([1]).sqrt().doubles()
        }
    }

    /// The first of the filters that are the same in every layer that makes the channels.
    private func distinct(_ group: ChannelGroup, _ network: Network) throws -> [Int] {
        var rows = [[UInt32]](repeating: [], count: group.channels)
        for name in group.producers {
            guard let weight = network.store["\(name).weight"] else {
                return Array(0..<group.channels)
            }
            let values = try weight.tensor.detached().to(.cpu).contiguous().floats()
            let length = values.count / group.channels
            for row in rows.indices {
                rows[row] += values[row * length..<(row + 1) * length].map(\.bitPattern)
            }
        }
        var seen: Set<[UInt32]> = []
        return rows.indices.filter { seen.insert(rows[$0]).inserted }
    }
}
