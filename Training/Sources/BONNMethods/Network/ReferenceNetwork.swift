import BONNModelFormat
import BONNNetworks
import Torch

/// A network that was trained before.
public struct TrainedNetwork {
    /// Opens the one of a checkpoint at a path.
    ///
    /// - Throws: for a file that cannot be read, and for a network of other images or other classes.
    public typealias Opener = (_ path: String) throws -> TrainedNetwork

    /// The network, with the weights to evaluate.
    public let network: Network
    /// What tells these weights from all others, 32 bytes.
    public let digest: [UInt8]

    /// Names a network.
    public init(_ network: Network, digest: [UInt8]) {
        self.network = network
        self.digest = digest
    }
}

/// A real network that another one learns from: one of the same plan that is trained along with it, or one of a
/// checkpoint that stays as it is.
///
/// It computes once for each forward pass of the other, whoever asks how often.
final class ReferenceNetwork {
    let network: Network
    /// What belongs to a checkpoint of the other network: weights where they are trained along, else what tells
    /// the network of the checkpoint from all others.
    let parameters: [Parameter]
    /// Whether it is trained along.
    let isTrained: Bool
    private let student: Network
    private let identity: (expected: [Float], path: String)
    private var last: (logits: Tensor, output: NetworkOutput)?

    /// A network that is trained along.
    ///
    /// - Parameters:
    ///   - plan: what it computes; quantizers and few bits are left out.
    ///   - name: what its parameters are named after.
    ///   - student: who learns from it.
    ///   - values: what its outputs have beside logits and features.
    init(
        trainedAlong student: Network, _ plan: NetworkPlan, name: String, keeping values: [Name]
    ) throws {
        network = try Network(
            plan, FullPrecision(), seed: student.store.seed, device: student.store.device,
            prefix: "\(name).")
        network.keep(values)
        parameters = network.store.parameters
        isTrained = true
        identity = ([], "")
        self.student = student
    }

    /// The network of a checkpoint.
    ///
    /// - Parameters:
    ///   - path: of the checkpoint.
    ///   - student: who learns from it.
    ///   - name: what its identity is named after.
    ///   - key: the key of the recipe that names the path, for messages.
    ///   - values: what its outputs have beside logits and features, with the shapes that they have in the student.
    /// - Throws: `NetworkError` where there is no way to open checkpoints, or where a value is another; what the
    ///   opening throws.
    init(
        at path: String, for student: Network, name: String, key: String,
        keeping values: [Name] = []
    ) throws {
        guard let open = student.trained else {
            throw NetworkError("\(key) is \(path): there is no way to open checkpoints here")
        }
        let trained = try open(path)
        network = trained.network
        for value in values where network.plan[value]?.shape != student.plan[value]?.shape {
            let found = network.plan[value].map { "one of \($0.shape)" } ?? "none"
            throw NetworkError(
                "\(key) is \(path): expected a network with a value \(value) of "
                    + "\(student.plan[value].map { "\($0.shape)" } ?? "any shape"), found "
                    + "\(found); take one of the same layers and widths")
        }
        network.keep(values)
        let scope = ParameterStore(seed: 0, device: student.store.device).root / name
        let expected = trained.digest.map(Float.init)
        let digest = try scope.parameter(
            "teacher", [expected.count], .values(expected), role: .buffer)
        parameters = [digest]
        isTrained = false
        identity = (expected, path)
        self.student = student
    }

    /// What it computes for the images of a pass of the student, with a gradient where it is trained.
    ///
    /// - Throws: `TorchError` of code `state` where a run goes on with another checkpoint than it began with.
    func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> NetworkOutput {
        if let last, last.logits === pass.output.logits { return last.output }
        let output: NetworkOutput
        if isTrained {
            output = try network(
                pass.images,
                Pass(.training, progress: pass.progress, generator: student.generator))
        } else {
            if last == nil { try requireIdentity() }
            output = try withoutGradient { () throws(TorchError) in
                try network(pass.images, .evaluation)
            }
        }
        last = (pass.output.logits, output)
        return output
    }

    private func requireIdentity() throws(TorchError) {
        let found = try parameters[0].tensor.to(.cpu).floats()
        guard found == identity.expected else {
            throw TorchError(
                .state,
                "\(identity.path) holds other weights than when the run began; put back the checkpoint that "
                    + "it learned from, or start a new run")
        }
    }
}

/// The cross-entropy of a reference that is trained along.
final class ReferenceLoss: Objective {
    let name: String
    private let reference: ReferenceNetwork

    init(_ reference: ReferenceNetwork, name: String) {
        self.reference = reference
        self.name = name
    }

    var parameters: [Parameter] { reference.parameters }
    var carried: [Parameter] { reference.parameters }

    func callAsFunction(_ pass: ForwardPass) throws(TorchError) -> Tensor {
        try reference(pass).logits.crossEntropy(pass.labels)
    }
}
