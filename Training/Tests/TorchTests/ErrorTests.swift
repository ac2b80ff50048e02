import Testing
import Torch

@Suite struct ErrorTests {
    /// Operations that must fail, and what their message must contain: operation, shapes, reason.
    static let refused:
        [(name: String, run: @Sendable () throws(TorchError) -> Void, parts: [String])] = [
            (
                "matmul",
                { () throws(TorchError) in _ = try Tensor.ones([2, 3]).matmul(.ones([4, 5])) },
                ["matmul(Float [2, 3], Float [4, 5]): ", "cannot be multiplied"]
            ),
            (
                "add", { () throws(TorchError) in _ = try Tensor.ones([2, 3]) + Tensor.ones([2]) },
                ["add(Float [2, 3], Float [2]): ", "must match"]
            ),
            (
                "conv2d",
                { () throws(TorchError) in
                    _ = try Tensor.ones([1, 3, 8, 8]).conv2d(.ones([4, 2, 3, 3]))
                },
                ["conv2d(Float [1, 3, 8, 8], Float [4, 2, 3, 3]): ", "channels"]
            ),
            (
                "cat",
                { () throws(TorchError) in _ = try Tensor.cat([.ones([2, 3]), .ones([2, 4])]) },
                ["cat(Float [2, 3], Float [2, 4]): ", "Sizes of tensors must match"]
            ),
            (
                "reshape", { () throws(TorchError) in _ = try Tensor.ones([2, 3]).reshape([4]) },
                ["reshape(Float [2, 3]): ", "invalid for input of size 6"]
            ),
            (
                "select",
                { () throws(TorchError) in _ = try Tensor.ones([2, 3]).select(dim: 1, index: 3) },
                ["select(Float [2, 3]): ", "out of range"]
            ),
            (
                "narrow",
                { () throws(TorchError) in
                    _ = try Tensor.ones([5]).narrow(dim: 0, start: 3, length: 3)
                },
                ["narrow(Float [5]): ", "exceeds dimension size (5)"]
            ),
            (
                "indexSelect",
                { () throws(TorchError) in
                    _ = try Tensor.ones([2, 3]).indexSelect(dim: 0, Tensor(int64s: [2], shape: [1]))
                },
                ["indexSelect(Float [2, 3], Long [1]): ", "out of range"]
            ),
            (
                "crossEntropy",
                { () throws(TorchError) in
                    _ = try Tensor.ones([1, 3]).crossEntropy(Tensor(int64s: [3], shape: [1]))
                },
                ["crossEntropy(Float [1, 3], Long [1]): ", "Target 3 is out of bounds"]
            ),
            (
                "batchNorm",
                { () throws(TorchError) in
                    _ = try Tensor.ones([1, 3]).batchNorm(
                        weight: nil, bias: nil, runningMean: nil, runningVariance: nil,
                        training: true)
                },
                ["batchNorm(Float [1, 3]): ", "more than one value per channel"]
            ),
            (
                "item", { () throws(TorchError) in _ = try Tensor.ones([2]).item() },
                ["item(Float [2]): ", "2 elements cannot be converted to Scalar"]
            ),
            (
                "backward",
                { () throws(TorchError) in
                    try Tensor.ones([2]).requiresGradient(true).backward()
                },
                ["backward(Float [2]): ", "scalar outputs"]
            ),
            (
                "copy_",
                { () throws(TorchError) in
                    let x = try Tensor.ones([2, 3])
                    try withoutGradient { () throws(TorchError) in try x.copy_(from: .ones([3])) }
                },
                ["copy_(Float [2, 3], Float [3]): ", "shapes differ"]
            ),
            (
                "set grad", { () throws(TorchError) in try Tensor.ones([2]).setGrad(.ones([3])) },
                ["set grad(Float [2], Float [3]): "]
            ),
            (
                "requiresGradient",
                { () throws(TorchError) in
                    try Tensor(int64s: [1], shape: [1]).requiresGradient(true)
                },
                ["requiresGradient(Long [1]): ", "floating point"]
            ),
            (
                "dropout",
                { () throws(TorchError) in
                    _ = try Tensor.ones([2]).dropout(1, generator: Generator(seed: 0))
                },
                ["dropout(Float [2]): ", "must be in [0, 1), found 1"]
            ),
            (
                "tensor", { () throws(TorchError) in _ = try Tensor([1, 2], shape: [3]) },
                ["tensor(): ", "[3]", "needs 12 bytes, found 8"]
            ),
            (
                "empty", { () throws(TorchError) in _ = try Tensor.empty([2, -1]) },
                ["empty(): ", "negative dimension"]
            ),
            (
                "memory", { () throws(TorchError) in _ = try Tensor.empty([1 << 40, 1 << 16]) },
                ["empty(): "]
            ),
        ]

    @Test(arguments: refused.indices)
    func `a refused operation names itself, its shapes and LibTorch's reason`(index: Int) throws {
        let (name, run, parts) = Self.refused[index]
        let error = try #require(throws: TorchError.self, "\(name)") { try run() }
        #expect(error.code == .operation)
        for part in parts {
            #expect(error.message.contains(part), "\(name)")
        }
        #expect(!error.message.contains("frame #"), "a backtrace is not for users")
        #expect(error.description == error.message)
    }

    @Test func `a failure leaves nothing behind`() throws {
        let x = try Tensor.ones([2, 3])
        for _ in 0..<1000 {
            #expect(throws: TorchError.self) { try x.matmul(x) }
        }
        #expect(try x.matmul(x.transpose(0, 1)).floats() == [3, 3, 3, 3])
    }

    @Test func `values outside of their range are refused before LibTorch sees them`() throws {
        let x = try Tensor.ones([2, 3])
        let argument = TorchError(.argument, "")
        #expect(throws: argument) { try x.sum([]) }
        #expect(throws: argument) { try x.mean([], keep: true) }
        #expect(throws: argument) { try x.clamp() }
        #expect(throws: argument) { try x.int64s() }
        #expect(throws: argument) { try setThreads(0) }
        #expect(throws: argument) { try setThreads(100_000) }
    }
}
