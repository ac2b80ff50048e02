import BONNMethods
import BONNTrainer
import Testing
import Torch

/// Blocks and other pieces of networks of every method, forward, backward and in evaluation, against numbers of an
/// independent script.
@Suite struct MethodBlockTests {
    private static let tolerance: Float = 5e-5

    /// A network and its tensors, set to what is recorded.
    private struct Piece {
        let network: Network
        let tensors: RecordedTensors

        init(_ record: MethodRecord) throws {
            network = try RecordedNetwork(record).network
            tensors = RecordedTensors(record, network.store.parameters)
            try tensors.set()
        }

        /// Forward and backward of sum(output * g).
        func run(_ x: Tensor, isFusing: Bool) throws -> Tensor {
            let g = try tensors.record.input("g")
            let pass = try tensors.record.pass(isFusing: isFusing)
            let y = try network(x, pass).logits.reshape(g.shape)
            try (y * g).sum().backward()
            return y
        }
    }

    @Test(arguments: MethodRecord.all(.block), [true, false])
    func `a piece of a network is that of an independent script`(
        record: MethodRecord, isFusing: Bool
    ) throws {
        let piece = try Piece(record)
        let x = try record.input("x").requiresGradient(true)
        let y = try piece.run(x, isFusing: isFusing)
        try record.expect(y, record.results["output"], "output", tolerance: Self.tolerance)
        try record.expect(
            x.grad, record.gradients["x"], "gradient of x", tolerance: Self.tolerance)
        try piece.tensors.expectGradients(tolerance: Self.tolerance)
        let states = record.results.filter { $0.key.contains(".") }
        #expect(states.count == record.results.count - 2)
        try piece.tensors.expect(states, "behind the pass", tolerance: Self.tolerance)
        let evaluated = try withoutGradient { () throws(TorchError) in
            try piece.network(x, Pass(.evaluation, progress: record.progress, isFusing: isFusing))
                .logits.reshape(y.shape)
        }
        try record.expect(
            evaluated, record.results["evaluation"], "evaluation", tolerance: Self.tolerance)
    }

    @Test(arguments: MethodRecord.all(.block).filter { !$0.sgd.isEmpty })
    func `steps of optimizers are those of an independent script`(record: MethodRecord) throws {
        try RecordedTensors.expectSteps(
            of: record, tolerance: Self.tolerance, { try Piece(record) }, tensors: \.tensors,
            run: { _ = try $0.run(record.input("x"), isFusing: true) },
            constrain: { try $0.network.constrain() })
    }
}
