import BONNModelFormat
import BONNNetworks
import Testing

/// What cannot become a model file is refused by name.
@Suite struct LoweringErrorTests {
    /// Seeded numbers, some of which are others.
    struct Changed: WeightSource {
        var weights: SeededWeights
        var values: [Name: [Float]] = [:]
        var kernels: [Name: DeployedKernel] = [:]
        var activations: [Name: DeployedActivation] = [:]

        func values(_ parameter: Name) throws(LoweringError) -> [Float] {
            if let values = values[parameter] { return values }
            return try weights.values(parameter)
        }
        func affine(
            _ batchNorm: Name
        ) throws(LoweringError) -> (scale: [Float], shift: [Float]) {
            try weights.affine(batchNorm)
        }
        func kernel(_ layer: Name) throws(LoweringError) -> DeployedKernel {
            if let kernel = kernels[layer] { return kernel }
            return try weights.kernel(layer)
        }
        func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation {
            if let activation = activations[quantizer] { return activation }
            return try weights.activation(quantizer)
        }
    }

    /// A quantized layer of 4 x 4 x 3 x 3 weights between what a network needs.
    static func plan(padding: PaddingValue = .zero) throws -> NetworkPlan {
        var plan = PlanBuilder(input: Shape(4, 6, 6))
        let bits = try plan.add(.quantize, "sign", PlanBuilder.input)
        let y = try plan.convolution(
            bits, "layer", outputs: 4, window: Window(3, padding: 1), weights: .quantized,
            padding: padding)
        let z = try plan.add(.prelu, "prelu", y)
        return try plan.ended(z, classes: 2)
    }

    static func refusal(
        _ plan: NetworkPlan, _ change: (inout Changed) -> Void = { _ in }
    ) -> LoweringError? {
        var weights = Changed(weights: SeededWeights(plan: plan))
        change(&weights)
        do {
            _ = try PlanLowering(plan, weights: weights)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `numbers that are not finite are refused by their tensor and place`(number: Float) throws {
        let plan = try Self.plan()
        #expect(Self.refusal(plan) == nil)
        let cases: [(name: String, error: LoweringError?)] = [
            ("head.bias", Self.refusal(plan) { $0.values["head.bias"] = [0, number] }),
            ("prelu.slope", Self.refusal(plan) { $0.values["prelu.weight"] = [1, number, 1, 1] }),
            (
                "layer.scale",
                Self.refusal(plan) {
                    let signs = [Float](repeating: 1, count: 144)
                    let term = KernelTerm(signs: signs, scale: [1, number, 1, 1])
                    $0.kernels["layer"] = .binary([term])
                }
            ),
        ]
        for (name, error) in cases {
            #expect(error?.code == .notFinite)
            #expect(
                error?.message.hasPrefix("\(name): element 1 is \(number); ") == true,
                "\(error?.message ?? "accepted")")
        }
    }

    @Test func `bits are not read as numbers`() throws {
        let plan = try Self.plan()
        let kernel = [Float](repeating: 0.5, count: 144)
        let error = Self.refusal(plan) { $0.kernels["layer"] = .real(kernel) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.hasPrefix("layer reads the bits of sign as numbers") == true)
        var sum = PlanBuilder(input: Shape(4, 6, 6))
        let bits = try sum.add(.quantize, "sign", PlanBuilder.input)
        let y = try sum.add(.add, "add", bits, PlanBuilder.input)
        let added = try sum.ended(y, classes: 2)
        #expect(Self.refusal(added)?.message.hasPrefix("add reads the bits of sign") == true)
        #expect(Self.refusal(plan.withRealWeights())?.code == .unsupported)
    }

    @Test func `numbers are not padded with ones`() throws {
        let plan = try Self.plan(padding: .plusOne)
        #expect(Self.refusal(plan) == nil)
        let error = Self.refusal(plan) { $0.activations["sign"] = .real }
        #expect(error?.code == .unsupported)
        #expect(
            error?.message.hasPrefix(
                "layer: expected a padding of zeros in front of numbers, found")
                == true, "\(error?.message ?? "accepted")")
        // Without quantizers, the plan itself has such a padding no more.
        #expect(Self.refusal(plan.withRealActivations()) == nil)
        #expect(Self.refusal(plan.inFullPrecision()) == nil)
    }

    @Test(arguments: [[0.5, 0, -0.25], [-1], [.nan]] as [[Float]])
    func `a max pooling of planes that may fall is refused, as no plane decides it alone`(
        weights: [Float]
    ) throws {
        var plan = PlanBuilder(input: Shape(4, 6, 6))
        let bits = try plan.add(.quantize, "sign", PlanBuilder.input)
        let pooled = try plan.add(.maxPool(Pool(window: Window(2, stride: 2))), "pool", bits)
        let y = try plan.convolution(
            pooled, "layer", outputs: 4, window: Window(1), weights: .quantized)
        let built = try plan.ended(y, classes: 2)
        func refusal(_ weights: [Float]) -> LoweringError? {
            Self.refusal(built) {
                $0.activations["sign"] = .planes(weights.map { Plane(level: [$0], weight: $0) })
            }
        }
        #expect(refusal([0.5, 0, 0.25]) == nil)
        let error = refusal(weights)
        let found = try #require(weights.last)
        #expect(error?.code == .unsupported)
        #expect(
            error?.message.hasPrefix(
                "pool: expected planes of weights of at least 0 in front of a max pooling, found "
                    + "\(found), ") == true, "\(error?.message ?? "accepted")")
    }

    @Test func `what the rules of model files refuse is an error of the format`() throws {
        let plan = try Self.plan(padding: .minusOne)
        let unsigned = Plane(level: [0], levels: .unsignedBits)
        let error = Self.refusal(plan) { $0.activations["sign"] = .planes([unsigned]) }
        #expect(error?.code == .format && error?.message.contains("minus_one") == true)
    }

    @Test func `what a source does not have is its own error`() throws {
        let plan = try Self.plan()
        var other = PlanBuilder(input: plan.input)
        let x = try other.convolution(
            PlanBuilder.input, "another", outputs: 3, window: Window(1))
        let different = try other.ended(x, classes: 2)
        #expect(throws: LoweringError(.source, "another.weight: the plan has no such layer")) {
            try PlanLowering(different, weights: SeededWeights(plan: plan))
        }
    }
}
