import BONNModelFormat
import BONNNetworks

/// A layer in the order of a block, as sources and recipes spell it.
public enum BlockLayer: String, Sendable, CaseIterable {
    /// A batch norm.
    case norm
    /// The sign of a value.
    case sign
    /// The sign of a value and a learned number a channel: RSign of ReActNet.
    case rsign
    /// The convolution (or fully connected layer) whose kernel the source describes; in a shortcut a real 1x1 one.
    case convolution
    /// The sum with the shortcut.
    case add
    /// A learned number a channel that is added.
    case bias
    /// A learned number a channel by which is multiplied.
    case scale
    /// PReLU.
    case prelu
    /// ReLU.
    case relu
    /// Clamped to [-1, 1].
    case hardtanh
    /// In a shortcut average pooling with the stride of the block; in a network without shortcuts its pooling.
    case pool
    /// In a shortcut: channels of zeros around those that are there (option A of He et al., 2016).
    case pad

    /// What it is in a plan, where that needs no more than one value.
    var plain: LayerPlan? {
        switch self {
        case .norm: .batchNorm
        case .sign, .rsign: .quantize
        case .bias: .bias
        case .scale: .scale
        case .prelu: .prelu
        case .relu: .relu
        case .hardtanh: .hardtanh
        case .convolution, .add, .pool, .pad: nil
        }
    }
}

/// A block style as data: the order in which a source's code has its layers.
///
/// A layer is named after the convolution in front of it (before the first, after that one) and its kind:
/// `stages.0.1.0.norm`. A second one of a kind there has a number behind it: `stages.0.1.0.bias2`.
struct SequenceBlock: BlockStyle {
    /// Behind the first convolution of a network.
    var stem: [BlockLayer]
    /// Around the 1-bit convolutions.
    var block: [BlockLayer]
    /// Of a shortcut that changes channels or size.
    var shortcut: [BlockLayer]

    var convolutionsPerBlock: Int { max(1, block.count { $0 == .convolution }) }

    func stem(_ plan: inout PlanBuilder, _ x: Name, _ name: Name) throws(PlanError) -> Name {
        var names = LayerNames(name)
        var y = x
        for layer in stem {
            guard let plain = layer.plain else { throw Self.misplaced(layer, "the stem") }
            y = try plan.add(plain, names.next(layer), y)
        }
        return y
    }

    func unit(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, _ layer: LayerPlan, pool: Pool?
    ) throws(PlanError) -> Name {
        try requireConvolutions(1...1)
        var names = LayerNames(name)
        var y = x
        for step in block {
            switch step {
            case .convolution:
                let place = block.contains(.pool) ? nil : pool
                y = try plan.quantized(y, name, layer, pool: place)
            case .pool:
                if let pool { y = try plan.add(.maxPool(pool), "\(name).pool", y) }
            default:
                guard let plain = step.plain else {
                    throw Self.misplaced(step, "a network without shortcuts")
                }
                y = try plan.add(plain, names.next(step), y)
            }
        }
        return y
    }

    func block(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        try requireConvolutions(1...2)
        var names = LayerNames("\(name).0")
        var count = 0
        var y = x
        for step in block {
            switch step {
            case .convolution:
                if count > 0 { names = LayerNames("\(name).\(count)") }
                let layer = PlanBuilder.convolution3x3(
                    outputs: outputs, stride: count == 0 ? stride : 1)
                y = try plan.quantized(y, "\(name).\(count)", layer, pool: nil)
                count += 1
            case .add:
                let around = try shortcut(
                    &plan, x, "\(name).shortcut", outputs: outputs, stride: stride)
                y = try plan.add(.add, "\(name).add", y, around)
            default:
                guard let plain = step.plain else { throw Self.misplaced(step, "a block") }
                y = try plan.add(plain, names.next(step), y)
            }
        }
        return y
    }

    private func shortcut(
        _ plan: inout PlanBuilder, _ x: Name, _ name: Name, outputs: Int, stride: Int
    ) throws(PlanError) -> Name {
        guard stride > 1 || plan.shape(x).channels != outputs else { return x }
        var names = LayerNames(name)
        var y = x
        // The first convolution has the stride where no pooling has it.
        var left = shortcut.contains(.pool) ? 1 : stride
        for step in shortcut {
            switch step {
            case .pool:
                guard stride > 1 else { continue }
                y = try plan.averagePoolRoundingUp(y, "\(name).pool", stride: stride)
            case .convolution, .pad:
                let more = outputs - plan.shape(y).channels
                guard step == .convolution || more >= 0 && more % 2 == 0 else {
                    throw PlanError(
                        "\(name): expected an even number of channels to add, found \(more)")
                }
                y = try plan.convolution(
                    y, names.next(step), outputs: outputs, window: Window(1, stride: left))
                left = 1
            default:
                guard let plain = step.plain else { throw Self.misplaced(step, "a shortcut") }
                y = try plan.add(plain, names.next(step), y)
            }
        }
        return y
    }

    private func requireConvolutions(_ range: ClosedRange<Int>) throws(PlanError) {
        let count = block.count { $0 == .convolution }
        guard !range.contains(count) else { return }
        throw PlanError(
            "network.block: expected \(range.lowerBound == range.upperBound ? "1" : "1 or 2") of "
                + "convolution for this network, found \(count)")
    }

    private static func misplaced(_ layer: BlockLayer, _ place: String) -> PlanError {
        PlanError("network: expected layers that \(place) has, found \(layer.rawValue)")
    }
}

extension SequenceBlock {
    /// The numbers of a layer `pad` of a shortcut: what makes of its input the middle channels of its output.
    ///
    /// - Parameter shape: `[K, C, 1, 1]`.
    static func padding(_ shape: [Int]) -> [Float] {
        let (outputs, inputs) = (shape[0], shape[1])
        var weights = [Float](repeating: 0, count: outputs * inputs)
        for channel in 0..<inputs {
            weights[((outputs - inputs) / 2 + channel) * inputs + channel] = 1
        }
        return weights
    }
}

extension Name {
    /// Whether a block names a layer of a kind so.
    func isNamed(after layer: BlockLayer) -> Bool {
        text.split(separator: ".").last.map(String.init) == layer.rawValue
    }
}

/// Names of layers in order.
private struct LayerNames {
    private let place: Name
    private var counts: [BlockLayer: Int] = [:]

    init(_ place: Name) { self.place = place }

    mutating func next(_ layer: BlockLayer) -> Name {
        let count = counts[layer, default: 0] + 1
        counts[layer] = count
        return "\(place).\(layer.rawValue)\(count == 1 ? "" : "\(count)")"
    }
}
