import Testing
import Torch

@Suite struct OperationTests {
    static let golden = Result { try Golden.operations() }

    @Test func `every recorded operation has a Swift side, and the reverse`() throws {
        let recorded = try Self.golden.get().operations.keys
        #expect(Set(recorded) == Set(operationCases.keys))
    }

    @Test(arguments: operationCases.keys.sorted())
    func `an operation and its gradients are PyTorch's`(name: String) throws {
        let golden = try Self.golden.get()
        let recorded = try #require(golden.operations[name])
        let inputs = try recorded.inputs.map { input in
            let tensor = try #require(golden.pool[input]).tensor()
            return try tensor.requiresGradient(isDifferentiable(input, tensor))
        }
        let run = try #require(operationCases[name])
        let outputs = try run(inputs)
        #expect(outputs.count == recorded.outputs.count)
        for (found, expected) in zip(outputs, recorded.outputs) {
            try expectClose(found, expected.tensor(), tolerance: 1e-5, name)
        }
        let first = try #require(outputs.first)
        #expect(first.requiresGradient == !recorded.gradients.isEmpty)
        guard first.requiresGradient else { return }
        try (first * ramp(first.shape)).sum().backward()
        for (input, expected) in zip(inputs, recorded.gradients) {
            #expect((input.grad == nil) == (expected == nil))
            guard let found = input.grad, let expected else { continue }
            try expectClose(found, expected.tensor(), tolerance: 2e-5, "gradient of \(name)")
        }
    }

    @Test(arguments: operationCases.keys.sorted())
    func `gradients are the limits of finite differences`(name: String) throws {
        let golden = try Self.golden.get()
        let recorded = try #require(golden.operations[name])
        let run = try #require(operationCases[name])
        let inputs = try recorded.inputs.map { input in
            let tensor = try #require(golden.pool[input]).tensor(double: true)
            return try tensor.requiresGradient(isDifferentiable(input, tensor))
        }
        let output = try #require(try run(inputs).first)
        guard output.requiresGradient else { return }
        let weights = try ramp(output.shape, dtype: .float64)
        try (output * weights).sum().backward()

        for (which, input) in inputs.enumerated() {
            guard let gradient = try input.grad?.doubles() else { continue }
            let start = try input.doubles()
            var numeric: [Double] = []
            let step = 1e-6
            for element in start.indices {
                let sides = try [step, -step].map { offset in
                    var values = start
                    values[element] += offset
                    var changed = inputs
                    changed[which] = try Tensor(doubles: values, shape: input.shape)
                    let moved = try #require(try run(changed).first)
                    return try (moved * weights).sum().item()
                }
                numeric.append((sides[0] - sides[1]) / (2 * step))
            }
            try expectClose(
                Tensor(doubles: gradient, shape: input.shape),
                Tensor(doubles: numeric, shape: input.shape), tolerance: 1e-7,
                "\(name), gradient of \(recorded.inputs[which])")
        }
    }

    @Test func `the sign of zero is plus one, of either zero`() throws {
        let tiny = Float.leastNonzeroMagnitude
        let x = try Tensor([0, -0.0, -tiny, tiny, -3, .nan], shape: [6]).requiresGradient(true)
        #expect(try x.sign().floats() == [1, 1, -1, 1, -1, -1])
        #expect(try !x.sign().requiresGradient)
    }

    @Test func `a number on the left is divided once`() throws {
        // 3 * (1 / x) would be off by one rounding for many of these.
        let values: [Float] = (1...200).map { Float($0) * 0.37 }
        let quotients = try (3 / Tensor(values, shape: [200])).floats()
        #expect(quotients == values.map { 3 / $0 })
    }

    @Test func `square roots are rounded correctly, whatever the processor`() throws {
        let values: [Float] = (0..<5000).map { Float($0) * 0.0137 }
        let roots = try Tensor(values, shape: [5000]).sqrt().floats()
        #expect(roots == values.map { $0.squareRoot() })
    }

    @Test func `channels-last convolutions give the same numbers in the same layout`() throws {
        let draw = try Generator(seed: 3)
        let (x, w) = (try draw.normal([2, 8, 9, 7]), try draw.normal([16, 8, 3, 3]))
        let expected = try x.conv2d(w, padding: 1)
        let last = try x.contiguous(channelsLast: true)
        #expect(last.isContiguous(channelsLast: true) && !last.isContiguous())
        #expect(last.shape == x.shape)
        #expect(try last.floats() == x.floats())
        let found = try last.conv2d(w.contiguous(channelsLast: true), padding: 1)
        #expect(found.isContiguous(channelsLast: true))
        try expectClose(found, expected, tolerance: 1e-5, "channels last")
        #expect(try last.contiguous().isContiguous())
    }

    /// Running statistics are constants of batch normalisation.
    private func isDifferentiable(_ input: String, _ tensor: Tensor) -> Bool {
        tensor.dtype.isFloatingPoint && !input.hasPrefix("running")
    }
}
