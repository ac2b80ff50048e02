import BONNConfiguration
import BONNModelFormat
import BONNNetworks
import Testing
import Torch

@testable import BONNMethods

/// Networks with fused operations against the same networks with the composed ones that define them.
@Suite struct FastPathTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var configuration: NetworkConfiguration
        var method = BONN()
        let size: ImageSize
        var testDescription: String {
            "\(configuration.network) \(method.block.shortcut) \(method.block.placement), "
                + "\(method.slope), reading \(method.reading.rawValue), "
                + "gradient \(method.scaleGradient.rawValue)"
        }

        func network(for size: ImageSize, seed: UInt64) throws -> Network {
            var configuration = configuration
            configuration.method = MethodConfiguration(method)
            let network = try Network(configuration, for: size, seed: seed)
            try withoutGradient {
                for parameter in network.store.parameters where parameter.role == .scale {
                    try parameter.tensor.copy_(from: Self.exactScale(parameter.tensor.shape))
                }
            }
            return network
        }

        /// Numbers that differ, with a mean of exactly 1: sums of signs times it are exact in whatever way they
        /// are added. Otherwise roundings of the composed sums would decide which of equal numbers is the largest
        /// of a window, or on which side of a PReLU's corner a number stands that is the mean of its channel.
        private static func exactScale(_ shape: [Int]) throws -> Tensor {
            let count = shape.reduce(1, *)
            let values = (0..<count).map { index -> Float in
                2 * index + 1 == count ? 1 : 2 * index < count ? 0.5 : 1.5
            }
            return try Tensor(values, shape: shape)
        }
    }

    static let networks = [
        Case(
            configuration: .init(network: "wrn22", widths: [3, 4, 17, 6], classes: 3),
            size: ImageSize(height: 7, width: 6)),
        Case(
            configuration: .init(
                network: "wrn22", widths: [4, 5, 6, 7], classes: 3),
            method: BONN(block: BONNBlock(shortcut: .classic, placement: .beforeAddition)), size: 6
        ),
        Case(
            configuration: .init(
                network: "resnet18", widths: [4, 4, 6, 16, 10], classes: 4, inputChannels: 1),
            size: ImageSize(height: 24, width: 17)),
        Case(
            configuration: .init(network: "vgg-small", widths: [4, 6, 8], classes: 3),
            size: ImageSize(height: 8, width: 9)),
        // Quantized fully connected layers: values without height and width.
        Case(
            configuration: .init(network: "convnet", widths: [4, 4, 6, 8], classes: 3),
            size: ImageSize(height: 9, width: 8)),
    ]

    /// Those whose gradients do not grow from layer to layer, as rounding would with them.
    private static let slopes = [
        SignSlope.polynomial, .clip, SignSlope(.identity), SignSlope(.clip, window: 1.25),
    ]

    static let cases = networks.flatMap { network in
        slopes.flatMap { slope in
            ScaleReading.allCases.flatMap { reading in
                ScaleGradient.allCases.map { gradient in
                    var aCase = network
                    aCase.method.slope = slope
                    aCase.method.reading = reading
                    aCase.method.scaleGradient = gradient
                    return aCase
                }
            }
        }
    }

    @Test(arguments: cases)
    func `every fast path equals the composed definition`(aCase: Case) throws {
        let seed = try Self.seed(aCase)
        let composed = try Self.run(aCase, seed: seed, isFusing: false)
        let fused = try Self.run(aCase, seed: seed, isFusing: true)
        #expect(Set(fused.keys) == Set(composed.keys))
        for (name, expected) in composed {
            let found = try #require(fused[name])
            // LibTorch adds those of a batch norm, whose terms cancel, in an order of the layout and the threads.
            let isOfNorm = name.hasPrefix("gradient of") && name.contains(".norm.")
            let share = isOfNorm ? 5e-5 : 1e-5
            let tolerance = share * max(1, expected.map(abs).max() ?? 0)
            #expect(
                found.count == expected.count
                    && zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance },
                "\(name), seed \(seed)")
        }
    }

    @Test func `operations are fused where they can be, and nowhere else`() throws {
        let wrn = try Self.networks[0].network(for: 8, seed: 1)
        // A sign joins its batch norm, and a PReLU its addition: 18 of each.
        #expect(wrn.composed.steps.count - wrn.fused.steps.count == 36)
        let before = try Self.networks[1].network(for: 8, seed: 1)
        #expect(before.composed.steps.count - before.fused.steps.count == 18)
        var plan = PlanBuilder(input: Shape(3, 8, 8))
        let norm = try plan.add(.batchNorm, "norm", PlanBuilder.input)
        let sign = try plan.add(.quantize, "sign", norm)
        let sum = try plan.add(.add, "add", sign, norm)
        let prelu = try plan.add(.prelu, "prelu", sum)
        // Others read what would be gone: the norm, and the sum as features.
        let shared = try Network(plan.plan(features: sum, output: prelu), BONN(), seed: 1)
        #expect(shared.fused.steps.map(\.name) == shared.composed.steps.map(\.name))
        var identity = Self.networks[0]
        identity.method.slope = SignSlope(.identity)
        let slope = try identity.network(for: 8, seed: 1)
        #expect(slope.composed.steps.count - slope.fused.steps.count == 18)
    }

    @Test func `shifts in front of a PReLU and behind it join it, and a sum too`() throws {
        var configuration = NetworkConfiguration(
            network: "wrn22", widths: [3, 4, 17, 6], classes: 3)
        configuration.method = MethodConfiguration(ReActNet())
        let network = try Network(configuration, for: ImageSize(height: 7, width: 6), seed: 5)
        // Of four layers behind each of 18 convolutions one is left.
        #expect(network.composed.steps.count - network.fused.steps.count == 18 * 3)
        let generator = try Generator(seed: 6)
        try withoutGradient {
            for parameter in network.store.parameters where parameter.role == .shift {
                try parameter.tensor.copy_(
                    from: generator.normal(parameter.tensor.shape) * 0.3)
            }
        }
        let images = try generator.normal([3, 3, 7, 6])
        func run(isFusing: Bool) throws -> [String: [Double]] {
            let output = try network(images, Pass(.training, isFusing: isFusing))
            try (output.logits.square().sum() + output.features.sum()).backward()
            var found = ["logits": output.logits]
            for parameter in network.store.trainable {
                found[parameter.name] = try #require(parameter.tensor.grad, "\(parameter.name)")
                try parameter.tensor.setGrad(nil)
            }
            return try found.mapValues { try $0.detached().to(.float64).doubles() }
        }
        let composed = try run(isFusing: false)
        let fused = try run(isFusing: true)
        for (name, expected) in composed {
            let found = try #require(fused[name])
            let tolerance = 1e-4 * max(1, expected.map(abs).max() ?? 0)
            #expect(
                zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance }, "\(name), seed 5")
        }
    }

    private static func network(_ aCase: Case, seed: UInt64) throws -> (Network, Tensor) {
        let network = try aCase.network(for: aCase.size, seed: seed)
        let images = try Generator(seed: seed).normal([
            3, aCase.configuration.inputChannels, aCase.size.height, aCase.size.width,
        ])
        return (network, images)
    }

    /// Outputs, gradients of everything, and running statistics of a step; then evaluation.
    private static func run(
        _ aCase: Case, seed: UInt64, isFusing: Bool
    ) throws -> [String: [Double]] {
        let (network, images) = try network(aCase, seed: seed)
        try images.requiresGradient(true)
        let generator = try Generator(seed: seed + 1)
        var found: [String: Tensor] = [:]
        let output = try network(images, Pass(.training, isFusing: isFusing))
        let g = try generator.normal(output.logits.shape)
        let h = try generator.normal(output.features.shape)
        try ((output.logits * g).sum() + (output.features * h).sum()).backward()
        found["logits"] = output.logits
        found["features"] = output.features
        found["gradient of images"] = try #require(images.grad)
        for parameter in network.store.parameters {
            guard parameter.isTrainable else {
                found[parameter.name] = parameter.tensor
                continue
            }
            // The kernel loss alone reaches mu and sigma.
            guard parameter.role != .mu, parameter.role != .sigma else {
                #expect(parameter.tensor.grad == nil)
                continue
            }
            found["gradient of \(parameter.name)"] = try #require(
                parameter.tensor.grad, "no gradient of \(parameter.name)")
        }
        try withoutGradient { () throws(TorchError) in
            found["evaluation"] = try network(
                images, Pass(.evaluation, isFusing: isFusing)
            ).logits
        }
        return try found.mapValues { try $0.detached().to(.float64).doubles() }
    }

    /// The first seed with which no value stands so near to a sign's or a slope's corner that rounding alone
    /// puts it on the other side.
    private static func seed(_ aCase: Case) throws -> UInt64 {
        for seed in 1...200 as ClosedRange<UInt64> {
            let (network, images) = try network(aCase, seed: seed)
            let quantized = network.plan.layers.filter { $0.layer == .quantize }.map {
                $0.inputs[0]
            }
            let steps = StepList(network.composed.steps, kept: quantized)
            let isClear = try withoutGradient {
                // Training moves the running statistics, which evaluation then reads.
                try [Phase.training, .evaluation].allSatisfy { phase in
                    try steps.run(images, Pass(phase, isFusing: false)).allSatisfy { value in
                        try value.detached().floats().allSatisfy {
                            abs($0) > 1e-5 && abs(abs($0) - 1) > 1e-5
                        }
                    }
                }
            }
            if isClear { return seed }
        }
        throw PlanError("no seed from 1 to 200 keeps all values away from the corners")
    }
}
