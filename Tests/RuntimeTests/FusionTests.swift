import BONNModelFormat
import BONNTestSupport
import Testing

@testable import BONNRuntime

/// Which nodes become one step. That fused steps compute what single nodes do is for
/// `RandomModelTests`, with every choice of exposed values.
@Suite struct FusionTests {
    private static let conv3 = Window(3, padding: 1)

    private func operations(_ file: ModelFile, exposing names: [Name] = []) throws -> [String] {
        try Model(file, exposing: names).steps.map(\.operation)
    }

    @Test func `a BONN block is one step, and its shortcut another`() throws {
        var builder = ModelBuilder(seed: 1, input: Shape(8, 6, 6))
        let first = Networks.block(&builder, "input", outputs: 8, stride: 1)
        let second = Networks.block(&builder, first, outputs: 16, stride: 2)
        let means = builder.globalAveragePool(second)
        #expect(
            try operations(builder.model(output: means)) == [
                "threshold", "binary_convolution+add+prelu+threshold", "average_pool",
                "convolution+batch_norm", "binary_convolution+add+prelu", "global_average_pool",
            ])
    }

    @Test func `a QuickNet block is one step`() throws {
        var builder = ModelBuilder(seed: 2, input: Shape(8, 6, 6))
        let bits = builder.threshold("input")
        let sums = builder.binaryConvolution(bits, outputs: 8, window: Self.conv3)
        let activated = builder.relu(sums)
        let normalised = builder.batchNorm(activated)
        let sum = builder.add("input", normalised)
        let next = builder.threshold(sum)
        let body = builder.binaryConvolution(next, outputs: 8, window: Self.conv3)
        let means = builder.globalAveragePool(builder.add(body, sum))
        #expect(
            try operations(builder.model(output: means)) == [
                "threshold", "binary_convolution+relu+batch_norm+add+threshold",
                "binary_convolution+add", "global_average_pool",
            ])
    }

    @Test func `a gate is a step, and what it opens joins the step that it opens it in`() throws {
        var builder = ModelBuilder(seed: 8, input: Shape(8, 6, 6))
        let bits = builder.threshold("input")
        let sums = builder.binaryConvolution(bits, outputs: 8, window: Self.conv3)
        let scaled = builder.multiply(
            sums, builder.convolution("input", outputs: 1, window: Self.conv3))
        let means = builder.globalAveragePool(scaled)
        let gate = builder.sigmoid(builder.convolution(means, outputs: 8, window: Window(1)))
        let gated = builder.multiply(scaled, gate)
        let logits = builder.globalAveragePool(builder.relu(builder.add(gated, "input")))
        #expect(
            try operations(builder.model(output: logits)) == [
                "threshold", "convolution", "binary_convolution+multiply", "global_average_pool",
                "convolution+sigmoid", "multiply+add+relu", "global_average_pool",
            ])
    }

    @Test func `a chain of bits never leaves the packed form`() throws {
        var builder = ModelBuilder(seed: 3, input: Shape(3, 8, 8))
        let stem = builder.convolution("input", outputs: 70, window: Self.conv3)
        var bits = builder.threshold(stem)
        let sums = builder.binaryConvolution(bits, outputs: 70, window: Self.conv3, scale: .none)
        bits = builder.threshold(sums)
        bits = builder.maxPool(bits, Window(2, stride: 2))
        bits = builder.flatten(bits)
        let hidden = builder.binaryLinear(bits, outputs: 33, scale: .none)
        let logits = builder.binaryLinear(builder.threshold(hidden), outputs: 10, scale: .layer)
        let model = try Model(builder.model(output: logits))
        #expect(
            model.steps.map(\.operation) == [
                "convolution+threshold", "binary_convolution+threshold", "max_pool", "flatten",
                "binary_linear+threshold", "binary_linear",
            ])
        let stored = model.steps.dropFirst().dropLast().flatMap(\.outputs)
        #expect(stored.allSatisfy { model.values[$0].element == .signedBits })
    }

    @Test func `a value with other readers, an exposed one and the output are stored`() throws {
        var builder = ModelBuilder(seed: 4, input: Shape(8, 4, 4))
        let bits = builder.threshold("input")
        let sums = builder.binaryConvolution(bits, outputs: 8, window: Self.conv3)
        let activated = builder.prelu(sums)
        let means = builder.globalAveragePool(builder.add(activated, sums))
        let file = builder.model(output: means)
        #expect(
            try operations(file) == [
                "threshold", "binary_convolution", "prelu+add", "global_average_pool",
            ])
        #expect(
            try operations(file, exposing: [activated]) == [
                "threshold", "binary_convolution", "prelu", "add", "global_average_pool",
            ])
        let twice = builder.add(means, means)
        #expect(try operations(builder.model(output: twice)).last == "add")
    }

    @Test func `groups whose bits would share a word compare in a step of their own`() throws {
        for (outputs, isOneStep) in [(130, false), (128, true)] {
            var builder = ModelBuilder(seed: 5, input: Shape(8, 4, 4))
            let bits = builder.threshold("input")
            let sums = builder.binaryConvolution(
                bits, outputs: outputs, window: Self.conv3, groups: 2)
            let flat = builder.flatten(builder.threshold(sums))
            let logits = builder.binaryLinear(flat, outputs: 3, scale: .none)
            let found = try operations(builder.model(output: logits))
            #expect(found.contains("binary_convolution+threshold") == isOneStep, "\(found)")
            #expect(found.count { $0 == "threshold" } == (isOneStep ? 1 : 2), "\(found)")
        }
    }

    @Test func `a large stem is pooled row by row, a small or a needed one is not`() throws {
        func stem(_ size: Int, _ window: Window, isShared: Bool = false) throws -> [String] {
            var builder = ModelBuilder(seed: 6, input: Shape(3, size, size))
            let sums = builder.convolution("input", outputs: 8, window: Self.conv3)
            let activated = builder.prelu(builder.batchNorm(sums))
            let pooled = builder.maxPool(activated, window)
            var means = builder.globalAveragePool(builder.relu(pooled))
            if isShared { means = builder.add(means, builder.globalAveragePool(activated)) }
            return try operations(builder.model(output: means))
        }
        let overlapping = Window(3, stride: 2, padding: 1)
        #expect(
            try stem(32, overlapping) == [
                "convolution+batch_norm+prelu+max_pool+relu", "global_average_pool",
            ])
        let apart = ["convolution+batch_norm+prelu", "max_pool+relu"]
        #expect(try stem(30, overlapping).prefix(2) == apart[...])
        #expect(try stem(80, Window(5, stride: 5)).prefix(2) == apart[...])
        #expect(try stem(32, overlapping, isShared: true).prefix(2) == apart[...])
    }
}
