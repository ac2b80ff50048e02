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
        Case(file: "binaryconnect", name: "binaryconnect/deterministic") { _ in
            BinaryConnect(glorotRates: false)
        },
        Case(file: "binaryconnect", name: "binaryconnect/glorot") { _ in BinaryConnect() },
        Case(file: "binaryconnect", name: "binaryconnect/stochastic") { _ in
            BinaryConnect(stochastic: true, glorotRates: false)
        },
        Case(file: "bnn", name: "bnn/deterministic") { _ in BNN(glorotRates: false) },
        Case(file: "bnn", name: "bnn/stochastic") { _ in
            BNN(stochastic: true, glorotRates: false)
        },
        Case(file: "bwn", name: "bwn") { _ in BWN() },
        Case(file: "dorefa", name: "dorefa/W1A1") { DoReFaNet($0) },
        Case(file: "dorefa", name: "dorefa/W1A2") { DoReFaNet($0) },
        Case(file: "dorefa", name: "dorefa/W2A2") { DoReFaNet($0) },
        Case(file: "dorefa", name: "dorefa/W4A3") { DoReFaNet($0) },
        Case(file: "dorefa", name: "dorefa/W1A4") { DoReFaNet($0) },
        Case(file: "dorefa", name: "dorefa/W1A2G3") { DoReFaNet($0) },
        Case(file: "dorefa", name: "dorefa/W1A2G6") { DoReFaNet($0) },
        Case(file: "tang", name: "tang/m1") { TangNet($0) },
        Case(file: "tang", name: "tang/m2") { TangNet($0) },
        Case(file: "irnet", name: "irnet/start") { IRNet($0) },
        Case(file: "irnet", name: "irnet/middle") { IRNet($0) },
        Case(file: "irnet", name: "irnet/late") { IRNet($0) },
        Case(file: "recu", name: "recu/start") { _ in ReCU() },
        Case(file: "recu", name: "recu/late") { _ in ReCU() },
        Case(file: "adabin", name: "adabin/start") { AdaBin($0) },
        Case(file: "adabin", name: "adabin/middle") { AdaBin($0) },
        Case(file: "pcnn", name: "pcnn/J1") { _ in PCNN() },
        Case(file: "pcnn", name: "pcnn/J2") { _ in PCNN(projections: 2) },
        Case(file: "mcn", name: "mcn/K4") { _ in MCN(averaged: false) },
        Case(file: "mcn", name: "mcn/K4-1") { _ in MCN() },
        Case(file: "rebnn", name: "rebnn") { _ in ReBNN() },
    ]

    /// A convolution with the quantizers of a method.
    private struct Layer {
        let record: MethodRecord
        let store = ParameterStore(seed: 1, device: .cpu)
        let method: any Method
        let latent: Parameter
        let kernel: any KernelQuantizer
        let activation: any ActivationQuantizer
        let phase: Phase
        let isFusing: Bool
        /// What latent weights are measured in: where updates were multiplied, the papers' 1 is less.
        let unit: Double

        init(_ aCase: Case, isFusing: Bool) throws {
            record = try MethodRecord(aCase.file, aCase.name)
            phase = aCase.phase
            self.isFusing = isFusing
            unit = 1 / (record.settings.rate ?? 1)
            method = aCase.method(record)
            let weight = try record.input("weight") * unit
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
            let names = [
                "weight": "layer.weight", "w": "layer.w", "scale": "layer.scale",
                "projections": "layer.projections", "modulation": "layer.modulation",
                "b0": "sign.bias", "distance": "sign.distance", "center": "sign.center",
            ]
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
            let pass = try record.settings.pass(phase, isFusing: isFusing)
            let a = try activation(x, pass)
            let k = try kernel(latent.tensor, pass)
            let output = try method.sums(a.conv2d(k, padding: 1), pass)
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
        for (name, buffer) in [("threshold", "sign.threshold"), ("scales", "sign.scales")] {
            guard let running = record.results["running_\(name)"] else { continue }
            try record.expect(layer.store[buffer]?.tensor, running, name)
        }
        if let evaluation = record.results["evaluation"] {
            let pass = Pass(.evaluation, isFusing: isFusing)
            let isKernel = evaluation.shape == layer.latent.tensor.shape
            try record.expect(
                isKernel
                    ? layer.kernel(layer.latent.tensor, pass) : layer.activation(x, pass),
                evaluation, "evaluation")
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
                try layer.expect(step, isAdam ? "Adam step" : "SGD step") {
                    $0 === layer.latent ? try $0.tensor / layer.unit : $0.tensor
                }
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
        let values = try x.floats()
        let pixels = x.shape[2] * x.shape[3]
        let found: [Float]
        switch try layer.activation.deployed() {
        case .real: found = values
        case .planes(let planes):
            found = values.enumerated().map { index, value in
                planes.reduce(Float(0)) { sum, plane in
                    let channel = index / pixels % x.shape[1]
                    let level = plane.level[plane.level.count == 1 ? 0 : channel]
                    let low: Float = plane.levels == .unsignedBits ? 0 : -1
                    return sum + plane.weight * (value >= level ? 1 : low)
                }
            }
        }
        let evaluated = try layer.activation(x, Pass(.evaluation)).floats()
        #expect(zip(found, evaluated).allSatisfy { abs($0 - $1) < 1e-6 })
        let latent = layer.latent.tensor
        let trained = try layer.kernel(latent, Pass(.evaluation)).detached()
        let depth = trained.count / trained.shape[0]
        let kernel: [Float]
        switch try layer.kernel.deployed(latent) {
        case .real(let values): kernel = values
        case .binary(let terms):
            kernel = (0..<trained.count).map { index in
                terms.reduce(Float(0)) { sum, term in
                    let scale = term.scale[term.scale.count == 1 ? 0 : index / depth]
                    return sum + (term.signs[index] >= 0 ? scale : -scale)
                }
            }
        }
        #expect(kernel.count == trained.count)
        #expect(zip(kernel, try trained.floats()).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    /// What is deployed as bits is so by design, and what is not is known.
    @Test func `what a method cannot do is refused, and drawn weights are real`() throws {
        let store = ParameterStore(seed: 1, device: .cpu)
        let wide = try DoReFaNet(activationBits: 5).activation(store.root / "sign", channels: 1)
        #expect {
            _ = try wide.deployed()
        } throws: { error in
            (error as? TorchError)?.message.contains("5 bits are 31 planes") == true
        }
        let latent = try Tensor([0.1, -0.05] as [Float], shape: [1, 2])
        let drawn = try BinaryConnect(stochastic: true, glorotRates: false)
            .kernel(store.root / "layer", latent: latent)
        #expect(try drawn.deployed(latent) == .real([0.1, -0.05]))
        #expect {
            _ = try drawn(latent, Pass(.training))
        } throws: { error in
            (error as? TorchError)?.code == .state
        }
        let sums = try Tensor([3, 0, 0, 0] as [Float], shape: [2, 2]).requiresGradient(true)
        let method = DoReFaNet(gradientBits: 4)
        #expect(throws: TorchError.self) { _ = try method.sums(sums, Pass(.training)) }
        #expect(try method.sums(sums, Pass(.evaluation)).floats() == [3, 0, 0, 0])
        // An image without a gradient keeps none.
        let pass = Pass(.training, generator: try Generator(seed: 4))
        let g = try Tensor([0.5, -0.25, 0, 0] as [Float], shape: [2, 2])
        try (method.sums(sums, pass) * g).sum().backward()
        let gradient = try #require(sums.grad).floats()
        #expect(abs(gradient[0] - 0.5) <= 0.04 && gradient[2...] == [0, 0])
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

extension DoReFaNet {
    /// With the bits of a record.
    fileprivate init(_ record: MethodRecord) {
        self.init(
            weightBits: record.settings.weightBits ?? 0,
            activationBits: record.settings.activationBits ?? 0,
            gradientBits: record.settings.gradientBits ?? 32)
    }
}

extension TangNet {
    /// With the binarizations of a record.
    fileprivate init(_ record: MethodRecord) {
        self.init(binarizations: record.settings.terms ?? 0)
    }
}

extension IRNet {
    /// With t of a record at the start.
    fileprivate init(_ record: MethodRecord) {
        self.init(initialSharpness: record.settings.tMin ?? 0)
    }
}

extension AdaBin {
    /// With t of a record at the start.
    fileprivate init(_ record: MethodRecord) {
        self.init(initialSharpness: record.settings.tMin ?? 0)
    }
}
