import BONNModelFormat
import BONNNetworks

/// The tensors of a checkpoint that are the parameters of a plan: all of them, and nothing else.
struct NamedTensors {
    /// The tensors by the plan's names: `LAYER.weight`, `LAYER.running_mean`.
    let entries: [Name: Checkpoint.Entry]

    /// Names what a checkpoint holds.
    ///
    /// - Throws: `.mismatch`, which lists all that is missing, of another shape or left over.
    init(
        _ plan: NetworkPlan, of source: ImportSource, in checkpoint: Checkpoint, place: String
    ) throws(InteropError) {
        var found: [Name: Checkpoint.Entry] = [:]
        for entry in checkpoint.entries { found[entry.name] = entry }
        var entries: [Name: Checkpoint.Entry] = [:]
        var used: Set<Name> = []
        var problems: [Problem] = []
        for layer in plan.layers {
            let parameters = source.parameters(of: layer, in: plan)
            guard !parameters.isEmpty else { continue }
            guard let module = source.modules.module(of: layer.name) else {
                problems.append(
                    Problem("no module", layer.name, "expected a rule for it in checkpoint.modules")
                )
                continue
            }
            // How many batches a batch norm has seen in training, of no use here.
            if layer.layer == .batchNorm { used.insert("\(module).num_batches_tracked") }
            if layer.layer.hasQuantizedWeights {
                for name in source.unused { used.insert("\(module).\(name)") }
            }
            for (parameter, shape) in parameters {
                let key = Name("\(module).\(parameter)")
                guard used.insert(key).inserted else {
                    problems.append(Problem("used twice", key, "again for \(layer.name)"))
                    continue
                }
                guard let entry = found[key] else {
                    problems.append(Problem("missing", key, "expected \(text(shape))"))
                    continue
                }
                guard shape == entry.shape || source.fits(entry.shape, parameter, of: layer) else {
                    problems.append(
                        Problem(
                            "other shape", key,
                            "expected \(text(shape)), found \(text(entry.shape))"))
                    continue
                }
                entries["\(layer.name).\(parameter)"] = entry
            }
        }
        for entry in checkpoint.entries where !used.contains(entry.name) {
            problems.append(Problem("left over", entry.name, "found \(text(entry.shape))"))
        }
        for name in checkpoint.others {
            problems.append(Problem("left over", name, "found no tensor"))
        }
        guard problems.isEmpty else {
            throw Problem.error(problems, of: source, in: checkpoint, place: place)
        }
        self.entries = entries
    }
}

/// A tensor that does not fit.
private struct Problem {
    let kind: String
    let key: String
    let remark: String

    init(_ kind: String, _ key: Name, _ remark: String) {
        self.kind = kind
        self.key = printable(key.text, limit: 60)
        self.remark = remark
    }

    /// The most that are listed.
    private static let mostListed = 20

    /// One error of them all.
    static func error(
        _ problems: [Problem], of source: ImportSource, in checkpoint: Checkpoint, place: String
    ) -> InteropError {
        let kinds = ["no module", "used twice", "missing", "other shape", "left over"].compactMap {
            kind -> String? in
            let count = problems.count { $0.kind == kind }
            return count == 0 ? nil : "\(count) \(kind)"
        }
        var lines = [
            "\(printable(place)): expected the tensors of \(source.shownName) "
                + "(\(printable(source.title, limit: 80))), found "
                + "\(checkpoint.entries.count) with these differences: "
                + kinds.joined(separator: ", ")
                + "; name the source that they are of, or save the state dictionary of its network alone"
        ]
        let listed = problems.prefix(mostListed)
        let width = listed.map(\.key.count).max() ?? 0
        for problem in listed {
            lines.append(
                "  \(padded(problem.kind, 11))  \(padded(problem.key, width))  \(problem.remark)")
        }
        if problems.count > listed.count {
            lines.append("  and \(problems.count - listed.count) more")
        }
        return InteropError(.mismatch, lines.joined(separator: "\n"))
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

/// A shape for a message.
private func text(_ shape: [Int]) -> String { printable("\(shape)", limit: 60) }

extension ImportSource {
    /// The tensors of a layer, by their names in PyTorch, with their shapes.
    func parameters(
        of layer: PlannedLayer, in plan: NetworkPlan
    ) -> [(parameter: String, shape: [Int])] {
        let channels = [layer.shape.channels]
        func weights(_ weights: Weights, hasBias: Bool) -> [(parameter: String, shape: [Int])] {
            let shape = plan.weightShape(of: layer)
            let bias = hasBias ? [("bias", channels)] : []
            switch weights {
            case .real: return [("weight", shape)] + bias
            case .quantized:
                let scale = kernels.scale == .learned ? [(kernels.scaleTensor, channels)] : []
                return [(kernels.tensor, kernels.shape(shape))] + scale + bias
            case .binomial, .mean: return bias
            }
        }
        if layer.name.isNamed(after: .pad) { return [] }
        switch layer.layer {
        case .convolution(let plan): return weights(plan.weights, hasBias: plan.hasBias)
        case .linear(let plan): return weights(plan.weights, hasBias: plan.hasBias)
        case .batchNorm:
            let own = isBare(layer.name) ? [] : ["weight", "bias"]
            return (own + ["running_mean", "running_var"]).map { ($0, channels) }
        case .prelu, .scale: return [("weight", channels)]
        case .bias: return [("bias", channels)]
        case .quantize: return layer.name.isNamed(after: .rsign) ? [("bias", channels)] : []
        case .relu, .hardtanh, .absolute, .stopGradient, .maxPool, .averagePool,
            .globalAveragePool, .add, .multiply, .concatenate, .flatten, .dropout:
            return []
        }
    }

    /// Whether a tensor has one number a channel, or one for all, with dimensions of 1 around them: code has these
    /// as it multiplies with them.
    fileprivate func fits(_ shape: [Int], _ parameter: String, of layer: PlannedLayer) -> Bool {
        let isScale = kernels.scale == .learned && parameter == kernels.scaleTensor
        guard layer.layer.hasChannelParameter || isScale else { return false }
        let many = shape.filter { $0 != 1 }
        return many.isEmpty || many == [layer.shape.channels]
    }
}
