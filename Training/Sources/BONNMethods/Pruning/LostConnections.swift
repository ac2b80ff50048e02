import BONNModelFormat
import BONNNetworks
import Torch

/// Neurons and filters that pruned weights have left without inputs or without outputs (Han et al., 2015; methods.md
/// 2.18). They are removed: what is left of their weights is pruned too, and with it others may lose their last
/// connection.
///
/// What shortcuts add up is one channel, whose inputs and outputs are those of all layers that make or read it. A
/// channel of a convolution that a fully connected layer reads has an output for each of its pixels. Image and classes
/// stay, and so do channels that are read in groups or joined with others.
struct LostConnections {
    /// 1 for the channels of a layer that stay, 0 for the removed ones; none where all stay for certain.
    private(set) var kept: [Name: [Float]] = [:]

    /// Prunes what is left of channels that have lost their connections, until there is none.
    ///
    /// - Parameter masks: of weights `[K, C, kh, kw]` or `[K, C]` by layer, 1 where one stays; they are changed.
    init(_ plan: NetworkPlan, pruning masks: inout [Name: Tensor]) throws(TorchError) {
        let groups = plan.channelGroups.filter { group in
            group.obstacle == nil && !group.producers.isEmpty && !group.readers.isEmpty
        }
        for producer in groups.flatMap(\.producers) {
            kept[producer] = plan[producer].map {
                [Float](repeating: 1, count: $0.shape.channels)
            }
        }
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for group in groups {
                let connected = try Self.connected(group, masks)
                guard kept[group.producers[0]] != connected else { continue }
                hasChanged = true
                for producer in group.producers { kept[producer] = connected }
                try Self.remove(connected, group, &masks)
            }
        }
    }

    /// 1 for channels with a weight that makes them and one that reads them, else 0.
    private static func connected(
        _ group: ChannelGroup, _ masks: [Name: Tensor]
    ) throws(TorchError) -> [Float] {
        var (inputs, outputs) = ([Float](), [Float]())
        for (names, isInput) in [(group.producers, true), (group.readers, false)] {
            var largest = [Float](repeating: 0, count: group.channels)
            for name in names {
                guard let mask = masks[name] else { continue }
                let byChannel =
                    isInput ? mask : try mask.transpose(0, 1).reshape([group.channels, -1])
                let own = try byChannel.flatten(from: 1).amax([1]).floats()
                largest = zip(largest, own).map(max)
            }
            if isInput { inputs = largest } else { outputs = largest }
        }
        return zip(inputs, outputs).map(min)
    }

    /// Prunes the weights of all channels but those that are connected.
    private static func remove(
        _ connected: [Float], _ group: ChannelGroup, _ masks: inout [Name: Tensor]
    ) throws(TorchError) {
        for name in group.producers {
            guard let mask = masks[name] else { continue }
            let own = try Tensor(connected, shape: [group.channels], device: mask.device)
            masks[name] = try mask * own.alongFirstAxis(of: mask)
        }
        for name in group.readers {
            guard let mask = masks[name] else { continue }
            // A flattened value has each channel once a pixel, one behind the other.
            let pixels = mask.shape[1] / group.channels
            let spread = connected.flatMap { [Float](repeating: $0, count: pixels) }
            let shape = [1, mask.shape[1]] + mask.shape.dropFirst(2).map { _ in 1 }
            masks[name] = try mask * Tensor(spread, shape: shape, device: mask.device)
        }
    }
}
