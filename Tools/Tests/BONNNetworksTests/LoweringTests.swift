import BONNModelFormat
import BONNNetworks
import Testing

/// Lowering against an interpreter of plans that shares nothing with it but the plan.
@Suite struct LoweringTests {
    /// Plans of one seed in ten, to be run side by side.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func `the runtime computes what a plan of any layers means, bit for bit`(
        remainder: UInt64
    ) throws {
        for seed in stride(from: remainder, to: 300, by: 10) {
            let plan = try RandomPlan.plan(seed: seed)
            for isInt8 in [false, true] {
                try expectExact(
                    SeededWeights(plan: plan, seed: seed, forms: .drawn, isInt8: isInt8),
                    isInt8 ? "8-bit" : "real")
            }
        }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `magnitudes of whatever stands behind a quantizer are exact`(remainder: UInt64) throws {
        for seed in stride(from: remainder, to: 100, by: 10) {
            let plan = try RandomPlan.plan(seed: seed).withMagnitudes()
            try expectExact(SeededWeights(plan: plan, seed: seed, forms: .drawn), "magnitudes")
        }
    }

    @Test func `the plans that are drawn hold every kind of layer, term and plane`() throws {
        var found: Set<String> = []
        for seed in 0..<300 as Range<UInt64> {
            let plan = try RandomPlan.plan(seed: seed)
            let weights = SeededWeights(plan: plan, seed: seed, forms: .drawn)
            for layer in plan.layers {
                found.insert("\(layer.layer)".prefix { $0 != "(" }.description)
                if layer.layer == .quantize {
                    switch try weights.activation(layer.name) {
                    case .real: found.insert("real activation")
                    case .planes(let planes):
                        found.insert("\(planes.count) planes")
                        for plane in planes {
                            found.insert("\(plane.levels)")
                            if plane.level.count > 1 { found.insert("levels of channels") }
                        }
                    }
                }
                guard layer.layer.hasQuantizedWeights else { continue }
                let planes =
                    try plan.quantizer(before: layer).map { try weights.activation($0.name) }
                    ?? .real
                if case .convolution(let convolution) = layer.layer {
                    found.insert("\(convolution.padding)")
                    if convolution.groups > 1 { found.insert("groups of bits") }
                    if convolution.hasBias { found.insert("bias behind bits") }
                }
                switch (try weights.kernel(layer.name), planes) {
                case (.real, _): found.insert("real kernel")
                case (.binary(let terms), .real): found.insert("\(terms.count) terms of numbers")
                case (.binary(let terms), .planes(let planes)):
                    found.insert("\(terms.count) terms of \(planes.count) planes")
                    if terms.contains(where: { $0.scale.count > 1 }) {
                        found.insert("scales of outputs")
                    }
                }
            }
        }
        let expected: Set<String> = [
            "convolution", "linear", "quantize", "batchNorm", "bias", "scale", "relu", "hardtanh",
            "prelu", "absolute", "stopGradient", "maxPool", "averagePool", "globalAveragePool",
            "add",
            "multiply", "concatenate", "flatten", "dropout", "real activation", "1 planes",
            "2 planes", "signedBits", "unsignedBits",
            "levels of channels", "zero", "plusOne", "minusOne", "groups of bits",
            "bias behind bits", "real kernel", "1 terms of numbers", "2 terms of numbers",
            "1 terms of 1 planes", "1 terms of 2 planes", "2 terms of 1 planes",
            "2 terms of 2 planes", "scales of outputs",
        ]
        #expect(expected.subtracting(found).isEmpty, "\(expected.subtracting(found))")
    }

    @Test func `a batch norm that others read too stands in the graph and in the thresholds`()
        throws
    {
        var plan = PlanBuilder(input: Shape(4, 6, 6))
        let norm = try plan.add(.batchNorm, "norm", PlanBuilder.input)
        let bits = try plan.add(.quantize, "sign", norm)
        let y = try plan.convolution(
            bits, "layer", outputs: 4, window: Window(3, padding: 1), weights: .quantized)
        let sum = try plan.add(.add, "add", y, norm)
        let built = try plan.ended(sum, classes: 2)
        let lowering = try PlanLowering(built, weights: SeededWeights(plan: built))
        #expect(lowering.bitLayers[0].source == "norm" && lowering.bitLayers[0].norm == nil)
        try expectExact(SeededWeights(plan: built), "a norm with two readers")
    }

    @Test func `max pooling of planes is the pooling of the value that they stand for`() throws {
        var plan = PlanBuilder(input: Shape(3, 6, 6))
        let value = try plan.add(.batchNorm, "norm", PlanBuilder.input)
        let bits = try plan.add(.quantize, "planes", value)
        let pooled = try plan.add(.maxPool(Pool(window: Window(2, stride: 2))), "pool", bits)
        let flat = try plan.add(.flatten, "flat", pooled)
        let layer = LinearPlan(outputs: 5, hasBias: false, weights: .quantized)
        let logits = try plan.add(.linear(layer), "logits", flat)
        let built = try plan.plan(features: flat, output: logits)
        for seed in 1...20 as ClosedRange<UInt64> {
            let weights = SeededWeights(plan: built, seed: seed, forms: .drawn)
            guard case .planes(let planes) = try weights.activation("planes"),
                case .binary(let terms) = try weights.kernel("logits")
            else { continue }
            // The value of each pixel, pooled as one number, and summed in Double.
            let image = built.image(seed: seed)
            let (scale, shift) = try weights.affine("norm")
            func number(_ channel: Int, _ row: Int, _ column: Int) -> Double {
                let product = image[(channel * 6 + row) * 6 + column] * scale[channel]
                let x = product + shift[channel]
                return planes.reduce(0) { sum, plane in
                    let level = plane.level[plane.level.count == 1 ? 0 : channel]
                    let low = plane.levels == .signedBits ? -1.0 : 0
                    return sum + Double(plane.weight) * (x >= level ? 1 : low)
                }
            }
            var features: [Double] = []
            for channel in 0..<3 {
                for row in 0..<3 {
                    for column in 0..<3 {
                        features.append(
                            [(0, 0), (0, 1), (1, 0), (1, 1)].map {
                                number(channel, 2 * row + $0.0, 2 * column + $0.1)
                            }.max()!)
                    }
                }
            }
            let expected = (0..<5).map { output in
                terms.reduce(0.0) { sum, term in
                    let signs = term.signs[output * 27..<(output + 1) * 27]
                    let dot = zip(signs, features).reduce(0.0) { $0 + ($1.0 >= 0 ? $1.1 : -$1.1) }
                    return sum + dot * Double(term.scale[term.scale.count == 1 ? 0 : output])
                }
            }
            let found = try PlanLowering(built, weights: weights).file.logits(image)
            #expect(
                zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-4 }, "seed \(seed)")
        }
    }
}
