import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// Quantizers of every method against numbers of an independent script: forward values, gradients of the
/// input, of latent weights and of the quantizers' own parameters, and steps of optimizers.
@Suite struct MethodQuantizerTests {
    /// A recorded convolution, and the method that it is of.
    struct Case: Sendable, CustomTestStringConvertible {
        let file: String
        let name: String
        let method: @Sendable (MethodRecord) -> any Method
        var phase = Phase.training
        var testDescription: String { name }
    }

    static let cases = [
        Case(file: "bonn", name: "bonn") { _ in BONN() },
        Case(file: "xnor", name: "xnor/paper") { _ in XNORNet() },
        Case(file: "xnor", name: "xnor/code") { _ in XNORNet(source: .code) },
        Case(file: "bireal", name: "bireal/paper") { _ in BiRealNet() },
        Case(file: "abc", name: "abc/M3N3") { ABCNet($0) },
        Case(file: "abc", name: "abc/M2N3") { ABCNet($0) },
        Case(file: "abc", name: "abc/M1N1") { ABCNet($0) },
        Case(file: "tbn", name: "tbn/batch") { _ in TBN() },
        Case(file: "tbn", name: "tbn/fixed", method: { _ in TBN() }, phase: .evaluation),
        Case(file: "reactnet", name: "reactnet/binary") { _ in ReActNet() },
    ]

    /// A convolution with the quantizers of a method.
    private struct Layer {
        let record: MethodRecord
        let store = ParameterStore(seed: 1, device: .cpu)
        let latent: Parameter
        let kernel: any KernelQuantizer
        let activation: any ActivationQuantizer
        let pass: Pass

        init(_ aCase: Case, isFusing: Bool) throws {
            record = try MethodRecord(aCase.file, aCase.name)
            pass = Pass(aCase.phase, isFusing: isFusing)
            let method = aCase.method(record)
            let weight = try record.input("weight")
            let scope = store.root / "layer"
            latent = try scope.parameter(
                "weight", weight.shape, .constant(0), role: .latent)
            try Self.set(latent, weight)
            kernel = try method.kernel(scope, latent: latent.tensor)
            activation = try method.activation(
                store.root / "sign", channels: try record.input("x").shape[1])
            for name in record.parameters where name != "weight" {
                let values = try record.input(name)
                for (parameter, value) in try parts(name, values) { try Self.set(parameter, value) }
            }
            if aCase.name == "tbn/fixed" {
                let threshold = try #require(store["sign.threshold"])
                try Self.set(threshold, Tensor([0.5] as [Float], shape: [1]))
            }
        }

        private static func set(_ parameter: Parameter, _ value: Tensor) throws {
            try withoutGradient { () throws(TorchError) in
                try parameter.tensor.copy_(from: value)
            }
        }

        /// The parameters that hold what is recorded under a name: ABC-Net has one a plane.
        func parts(_ name: String, _ values: Tensor) throws -> [(Parameter, Tensor)] {
            let names = ["weight": "layer.weight", "w": "layer.w", "b0": "sign.bias"]
            if let ours = names[name] { return [(try #require(store[ours]), values)] }
            return try (0..<values.shape[0]).map { plane in
                (
                    try #require(store["sign.\(name)\(plane)"], "no \(name)\(plane)"),
                    try values.narrow(dim: 0, start: plane, length: 1)
                )
            }
        }

        /// Forward and backward of sum(output * g).
        func run(_ x: Tensor) throws -> (activation: Tensor, kernel: Tensor, output: Tensor) {
            let a = try activation(x, pass)
            let k = try kernel(latent.tensor, pass)
            let output = try a.conv2d(k, padding: 1)
            try (output * record.input("g")).sum().backward()
            return (a, k, output)
        }

        /// Compares parameters, or their gradients, with what is recorded.
        func expect(
            _ recorded: [String: MethodRecord.Values], _ what: String,
            _ value: (Parameter) throws -> Tensor?
        ) throws {
            for name in record.parameters {
                let wanted = try #require(recorded[name], "nothing recorded of \(name)")
                let found = try parts(name, wanted.tensor()).map { part in
                    let tensor = try value(part.0)
                    return try #require(tensor, "no \(what) of \(name)")
                }
                try record.expect(
                    found.count == 1 ? found[0] : Tensor.cat(found), wanted, "\(what) of \(name)")
            }
        }
    }

    @Test(arguments: cases, [true, false])
    func `values and gradients are those of an independent script`(
        aCase: Case, isFusing: Bool
    ) throws {
        let layer = try Layer(aCase, isFusing: isFusing)
        let record = layer.record
        let x = try record.input("x").requiresGradient(true)
        let found = try layer.run(x)
        try record.expect(found.activation, record.results["activation"], "activation")
        try record.expect(found.kernel, record.results["kernel"], "kernel")
        try record.expect(found.output, record.results["output"], "output")
        try record.expect(x.grad, record.gradients["x"], "gradient of x")
        try layer.expect(record.gradients, "gradient") { $0.tensor.grad }
        if let running = record.results["running_threshold"] {
            try record.expect(layer.store["sign.threshold"]?.tensor, running, "threshold")
        }
    }

    @Test(arguments: cases)
    func `steps of optimizers are those of an independent script`(aCase: Case) throws {
        for isAdam in [false, true] {
            let layer = try Layer(aCase, isFusing: true)
            let parameters = layer.store.trainable.filter {
                ["mu", "sigma"].contains($0.role.name) == false
            }
            let group = [
                try ParameterGroup(
                    parameters.map { (name: $0.name, tensor: $0.tensor) },
                    learningRate: isAdam ? 0.01 : 0.05)
            ]
            let optimizer: any Optimiser =
                isAdam ? try Adam(group) : try SGD(group, momentum: 0.9)
            for step in isAdam ? [layer.record.adam] : layer.record.sgd {
                try optimizer.zeroGradients()
                _ = try layer.run(try layer.record.input("x"))
                try optimizer.step()
                try layer.expect(step, isAdam ? "Adam step" : "SGD step") { $0.tensor }
                try withoutGradient { () throws(TorchError) in
                    try layer.kernel.constrain(layer.latent.tensor)
                }
            }
        }
    }

    @Test(arguments: cases)
    func `deployed forms are what evaluation computes`(aCase: Case) throws {
        let layer = try Layer(aCase, isFusing: false)
        let x = try layer.record.input("x")
        guard case .planes(let planes) = try layer.activation.deployed(),
            case .binary(let terms) = try layer.kernel.deployed(layer.latent.tensor)
        else {
            throw TestFailure("\(aCase.name) has no few-bit form")
        }
        let values = try x.floats()
        let pixels = x.shape[2] * x.shape[3]
        let found = values.enumerated().map { index, value in
            planes.reduce(Float(0)) { sum, plane in
                let channel = index / pixels % x.shape[1]
                let level = plane.level[plane.level.count == 1 ? 0 : channel]
                return sum + plane.weight * (value >= level ? 1 : -1)
            }
        }
        let evaluated = try layer.activation(x, Pass(.evaluation)).floats()
        #expect(zip(found, evaluated).allSatisfy { abs($0 - $1) < 1e-6 })
        let latent = layer.latent.tensor
        let depth = latent.count / latent.shape[0]
        let kernel = (0..<latent.count).map { index in
            terms.reduce(Float(0)) { sum, term in
                let scale = term.scale[term.scale.count == 1 ? 0 : index / depth]
                return sum + (term.signs[index] >= 0 ? scale : -scale)
            }
        }
        let trained = try layer.kernel(latent, Pass(.evaluation)).detached().floats()
        #expect(zip(kernel, trained).allSatisfy { abs($0 - $1) < 1e-6 })
    }
}

extension ABCNet {
    /// With the bases and as many planes as a record has.
    fileprivate init(_ record: MethodRecord) {
        self.init(
            kernelTerms: record.settings.u?.count ?? 1,
            activationPlanes: record.inputs["v"]?.shape[0] ?? 1)
        kernelShifts = record.settings.u ?? [0]
    }
}

/// Why a test cannot go on.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
