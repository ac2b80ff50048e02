import Testing
import Torch

@Suite struct AutogradTests {
    @Test func `gradients accumulate in leaves until they are cleared`() throws {
        let x = try Tensor([1, -2, 3], shape: [3]).requiresGradient(true)
        #expect(x.grad == nil)
        try (x * x).sum().backward()
        #expect(try x.grad?.floats() == [2, -4, 6])
        try (3 * x).sum().backward()
        #expect(try x.grad?.floats() == [5, -1, 9])
        try x.setGrad(nil)
        #expect(x.grad == nil)
    }

    @Test func `a graph is freed by backward unless it is retained`() throws {
        let x = try Tensor([2], shape: [1]).requiresGradient(true)
        let y = try (x * x).sum()
        try y.backward(retainGraph: true)
        try y.backward()
        #expect(try x.grad?.item() == 8)
        #expect(throws: TorchError(.operation, "")) { try y.backward() }
    }

    @Test func `a gradient becomes what a function makes of it, on its way`() throws {
        let x = try Tensor([1, -2, 3], shape: [3]).requiresGradient(true)
        var seen: [[Float]] = []
        let y = try (x * 2).mappingGradient { (gradient) throws(TorchError) in
            seen.append(try gradient.floats())
            #expect(!recordsGradients)
            return try gradient * gradient
        }
        #expect(try y.floats() == [2, -4, 6])
        try (y * Tensor([1, 2, 3], shape: [3])).sum().backward()
        #expect(seen == [[1, 2, 3]])
        #expect(try x.grad?.floats() == [2, 8, 18])
        let still = try Tensor([1], shape: [1]).mappingGradient { (gradient) in gradient }
        #expect(!still.requiresGradient)
    }

    @Test func `backward throws what a function of gradients throws, and lets it go`() throws {
        final class Witness {}
        let x = try Tensor([1, -2], shape: [2]).requiresGradient(true)
        weak var kept: Witness?
        do {
            let witness = Witness()
            kept = witness
            let y = try x.mappingGradient { (gradient) throws(TorchError) in
                _ = witness
                throw TorchError(.state, "this gradient is refused")
            }
            #expect {
                try y.sum().backward()
            } throws: { error in
                (error as? TorchError)?.message.contains("this gradient is refused") == true
            }
            #expect(throws: TorchError.self) {
                try x.mappingGradient { (gradient) throws(TorchError) in
                    try gradient.narrow(dim: 0, start: 0, length: 1)
                }.sum().backward()
            }
        }
        #expect(kept == nil)
    }

    @Test func `withoutGradient restores the mode, also after a throw and when nested`() throws {
        let x = try Tensor.ones([2, 3]).requiresGradient(true)
        #expect(recordsGradients)
        #expect(throws: TorchError.self) {
            try withoutGradient { () throws(TorchError) in
                #expect(!recordsGradients)
                _ = try withoutGradient { () throws(TorchError) in try x + 1 }
                #expect(!recordsGradients)
                _ = try x.matmul(x)
            }
        }
        #expect(recordsGradients)
        #expect(try (x + 1).requiresGradient)
        #expect(
            try withoutGradient { () throws(TorchError) in try x + 1 }.requiresGradient == false)
    }

    @Test func `detached cuts the graph and shares the storage`() throws {
        let x = try Tensor([1, 2], shape: [2]).requiresGradient(true)
        let cut = try x.detached()
        #expect(!cut.requiresGradient)
        try withoutGradient { () throws(TorchError) in try cut.fill_(7) }
        #expect(try x.floats() == [7, 7])
    }

    @Test func `in-place changes throw while gradients are recorded`() throws {
        let x = try Tensor.ones([2])
        let changes: [(String, () throws(TorchError) -> Void)] = [
            ("copy_", { () throws(TorchError) in try x.copy_(from: x) }),
            ("add_", { () throws(TorchError) in try x.add_(x) }),
            ("mul_", { () throws(TorchError) in try x.mul_(2) }),
            ("fill_", { () throws(TorchError) in try x.zero_() }),
            ("clamp_", { () throws(TorchError) in try x.clamp_(min: 5, max: 6) }),
            ("lerp_", { () throws(TorchError) in try x.lerp_(x, weight: 0.5) }),
        ]
        for (name, change) in changes {
            let error = #expect(throws: TorchError.self) { try change() }
            #expect(error?.message.contains(name) == true, "\(name)")
            #expect(error?.message.contains("withoutGradient") == true, "\(name)")
        }
        #expect(try x.floats() == [1, 1])
    }

    @Test func `in-place changes do what their names say`() throws {
        let x = try Tensor([1, 2, 3], shape: [3])
        let y = try Tensor([10, 20, 30], shape: [3])
        try withoutGradient { () throws(TorchError) in
            try x.add_(y, scale: 0.5)
            try x.mul_(2)
            try x.lerp_(y, weight: 0.25)
            try x.clamp_(min: 0, max: 25)
        }
        // 1 + 5 = 6, 12, 12 + (10 - 12) / 4; and so on.
        #expect(try x.floats() == [11.5, 23, 25])
        try withoutGradient { () throws(TorchError) in try x.copy_(from: y.to(.float64)) }
        #expect(try x.floats() == [10, 20, 30])
    }
}
