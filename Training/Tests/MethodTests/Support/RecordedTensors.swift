import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNTrainer
import Testing
import Torch

/// Parameters and buffers by name, as a case names them: of a network or of a layer, of losses and of what happens
/// between the steps.
struct RecordedTensors {
    let record: MethodRecord
    let all: [Parameter]

    /// - Parameter all: every parameter and buffer that there is.
    init(_ record: MethodRecord, _ all: [Parameter]) {
        self.record = record
        self.all = all
    }

    subscript(name: String) -> Parameter {
        get throws {
            try #require(
                all.first { $0.name == name },
                "\(record.testDescription): no \(name) among \(all.map(\.name))")
        }
    }

    /// Sets everything that the inputs name but images, labels and the gradient of the output.
    func set() throws {
        for (name, values) in record.inputs where !["x", "g", "labels"].contains(name) {
            let parameter = try self[name]
            try withoutGradient { () throws(TorchError) in
                try parameter.tensor.copy_(
                    from: Tensor(values.values, shape: parameter.tensor.shape))
            }
        }
    }

    /// Compares all gradients of parameters; what has none recorded has none, and what has one was set.
    func expectGradients(tolerance: Float = 2e-5) throws {
        for parameter in all where parameter.isTrainable {
            guard let wanted = record.gradients[parameter.name] else {
                let size = try parameter.tensor.grad?.abs().sum().item() ?? 0
                #expect(size == 0, "\(record.testDescription): a gradient of \(parameter.name)")
                continue
            }
            #expect(record.inputs[parameter.name] != nil)
            try record.expect(
                parameter.tensor.grad, wanted, "gradient of \(parameter.name)",
                tolerance: tolerance)
        }
        for name in record.parameters { #expect(try self[name].isTrainable) }
    }

    /// Compares parameters and buffers.
    func expect(
        _ recorded: [String: MethodRecord.Values], _ what: String, tolerance: Float = 2e-5
    ) throws {
        for (name, wanted) in recorded.sorted(by: { $0.key < $1.key }) {
            try record.expect(
                self[name].tensor, wanted, "\(name) \(what)", tolerance: tolerance)
        }
    }

    /// Takes the recorded steps of SGD and Adam, where there are some.
    ///
    /// - Parameters:
    ///   - fresh: makes the tensors anew.
    ///   - run: forward and backward.
    ///   - constrain: what follows an update.
    static func expectSteps<Layers>(
        of record: MethodRecord, tolerance: Float = 2e-5, _ fresh: () throws -> Layers,
        tensors: (Layers) -> RecordedTensors, run: (Layers) throws -> Void,
        constrain: (Layers) throws -> Void
    ) throws {
        for (name, steps) in [("SGD", record.sgd), ("Adam", [record.adam])] where !steps[0].isEmpty
        {
            let layers = try fresh()
            let found = tensors(layers)
            let group = [
                try ParameterGroup(
                    record.parameters.map { (name: $0, tensor: try found[$0].tensor) },
                    learningRate: name == "Adam" ? 0.01 : 0.05)
            ]
            let optimizer: any Optimiser =
                name == "Adam" ? try Adam(group) : try SGD(group, momentum: 0.9)
            for (index, step) in steps.enumerated() {
                #expect(step.keys.sorted() == record.parameters)
                try optimizer.zeroGradients()
                try run(layers)
                try optimizer.step()
                try constrain(layers)
                try found.expect(step, "after step \(index + 1) of \(name)", tolerance: tolerance)
            }
        }
    }
}

/// A network of the pieces that a case names, with the recorded numbers.
struct RecordedNetwork {
    let record: MethodRecord
    let configuration: TrainingConfiguration
    let network: Network

    init(_ record: MethodRecord) throws {
        self.record = record
        configuration = try record.configuration()
        let method = configuration.model.method
        let values = record.inputs["x"] ?? record.batches.first?["x"]
        let shape = try #require(values, "\(record.testDescription) has no images").shape
        var builder = PlanBuilder(input: Shape(shape[1], shape[2], shape[3]))
        let plan = try Self.plan(&builder, record, method.value.style)
        network = try Network(
            method.weights == .real ? plan.withRealWeights() : plan, method.value, seed: 1)
        network.generator = try record.seed.map { try Generator(seed: $0) }
    }

    private static func plan(
        _ builder: inout PlanBuilder, _ record: MethodRecord, _ style: any BlockStyle
    ) throws -> NetworkPlan {
        var y = PlanBuilder.input
        for piece in record.plan {
            let layer = PlanBuilder.convolution3x3(outputs: record.outputs, stride: record.stride)
            switch piece {
            case "block":
                y = try style.block(
                    &builder, y, "block", outputs: record.outputs, stride: record.stride)
            case "unit": y = try style.unit(&builder, y, "block.0", layer, pool: nil)
            case "layer":
                y = try builder.add(layer, "layer", builder.add(.quantize, "sign", y))
            case "linear":
                let linear = LinearPlan(
                    outputs: record.outputs, hasBias: false, weights: .quantized)
                y = try builder.add(.linear(linear), "linear", builder.add(.quantize, "sign", y))
            case "average_pool":
                y = try builder.add(.averagePool(Pool(window: Window(2, stride: 2))), "pool", y)
            case "flatten": y = try builder.add(.flatten, "row", y)
            case "quantize": y = try builder.add(.quantize, "next", y)
            case "head": return try builder.ended(y, classes: record.classes)
            default: Issue.record("\(record.testDescription): no piece of a plan is named \(piece)")
            }
        }
        return try builder.plan(features: y, output: y)
    }
}
