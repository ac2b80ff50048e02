import Testing
import Torch

/// The three parameters and two groups of Golden/record.py.
private struct Problem {
    let parameters: [Tensor]
    let optimiser: any Optimiser
    private let isClipped: Bool

    init(_ name: String) throws(TorchError) {
        isClipped = name.hasSuffix("clipped")
        parameters = [
            try ramp([4, 3]).requiresGradient(true),
            try ramp([5], salt: 1).requiresGradient(true),
            try ramp([2, 2, 3, 3], salt: 2).requiresGradient(true),
        ]
        let decays: (Double, Double) =
            switch name {
            case "SGD momentum decay": (0.01, 0)
            case "SGD Nesterov decay": (0.01, 0.002)
            case "Adam decay": (0.05, 0.01)
            case "Adam decoupled": (0.05, 0.3)
            case "AdaGrad", "AdaDelta", "RMSProp", "AdaMax": (0.05, 0.01)
            case "SGD clipped": (0.01, 0)
            default: (0, 0)
            }
        let groups = [
            try ParameterGroup(
                [("first", parameters[0])], learningRate: 0.1, weightDecay: decays.0),
            try ParameterGroup(
                [("second", parameters[1]), ("third", parameters[2])], learningRate: 0.02,
                weightDecay: decays.1),
        ]
        optimiser =
            switch name {
            case "SGD momentum decay": try SGD(groups, momentum: 0.9)
            case "SGD Nesterov decay": try SGD(groups, momentum: 0.9, nesterov: true)
            case "Adam": try Adam(groups)
            case "Adam decay": try Adam(groups, betas: (0.8, 0.99), epsilon: 1e-6)
            case "Adam decoupled": try Adam(groups, decoupled: true)
            case "AdaGrad": try ElementwiseOptimiser(groups, AdaGrad())
            case "AdaDelta": try ElementwiseOptimiser(groups, AdaDelta(rho: 0.8))
            case "RMSProp": try ElementwiseOptimiser(groups, RMSProp(rho: 0.95))
            case "AdaMax": try ElementwiseOptimiser(groups, AdaMax(betas: (0.8, 0.99)))
            case "AdaMax shift-based":
                try ElementwiseOptimiser(groups, AdaMax(betas: (0.8, 0.99), isShiftBased: true))
            case "SGD clipped": try SGD(groups, momentum: 0.9)
            default: try SGD(groups)
            }
    }

    /// Step number `step`, with gradients made from the parameters.
    func advance(_ step: Int) throws(TorchError) {
        for (i, parameter) in parameters.enumerated() {
            let late = i == 2 && step < 5
            try parameter.setGrad(
                late
                    ? nil
                    : 0.5 * parameter.detached() + ramp(parameter.shape, salt: 3 * step + i))
        }
        optimiser.learningRateFactor = 1 - Double(step) / 40
        if isClipped { try optimiser.clipGradients(toNorm: 0.9) }
        try optimiser.step()
    }
}

@Suite struct OptimiserTests {
    static let names = [
        "SGD", "SGD momentum decay", "SGD Nesterov decay", "Adam", "Adam decay", "Adam decoupled",
        "AdaGrad", "AdaDelta", "RMSProp", "AdaMax", "AdaMax shift-based", "SGD clipped",
    ]

    @Test(arguments: names)
    func `twenty steps follow PyTorch's`(name: String) throws {
        let recorded = try Golden.training().optimisers
        #expect(Set(recorded.keys) == Set(Self.names))
        let snapshots = try #require(recorded[name])
        let problem = try Problem(name)
        for step in 0..<20 {
            try problem.advance(step)
            guard step % 5 == 4 else { continue }
            for (found, expected) in zip(problem.parameters, snapshots[step / 5]) {
                try expectClose(
                    found, expected.tensor(), tolerance: 1e-6, "\(name), step \(step + 1)")
            }
        }
    }

    @Test(arguments: names)
    func `a run continued from saved state is the uninterrupted one, bit for bit`(
        name: String
    ) throws {
        let straight = try Problem(name)
        for step in 0..<12 { try straight.advance(step) }

        let first = try Problem(name)
        for step in 0..<7 { try first.advance(step) }
        let saved = try first.optimiser.state().mapValues { tensor in try tensor.clone() }
        let second = try Problem(name)
        try withoutGradient { () throws(TorchError) in
            for (to, from) in zip(second.parameters, first.parameters) { try to.copy_(from: from) }
        }
        try second.optimiser.loadState(saved)
        for step in 7..<12 { try second.advance(step) }
        for (a, b) in zip(straight.parameters, second.parameters) {
            #expect(try a.bytes() == b.bytes())
        }
    }

    @Test func `channels-last gradients and parameters are updated like any other`() throws {
        let results = try [false, true].map { channelsLast in
            let x = try ramp([4, 3, 2, 5]).contiguous(channelsLast: channelsLast)
                .requiresGradient(true)
            let group = try ParameterGroup([("x", x)], learningRate: 0.1, weightDecay: 0.1)
            let optimiser = try SGD([group], momentum: 0.9)
            for step in 0..<3 {
                // Every other gradient lies differently from its parameter.
                try x.setGrad(
                    ramp(x.shape, salt: step).contiguous(channelsLast: step % 2 == 0))
                try optimiser.step()
            }
            return try x.floats()
        }
        #expect(results[0] == results[1])
    }

    @Test func `learning rates are set per group and multiplied by the factor`() throws {
        let (a, b) = (try Tensor.zeros([1]), try Tensor.zeros([1]))
        let optimiser = try SGD([
            ParameterGroup([("a", a)], learningRate: 1),
            ParameterGroup([("b", b)], learningRate: 1),
        ])
        for x in [a, b] { try x.requiresGradient(true).setGrad(.ones([1])) }
        try optimiser.setLearningRate(0.25, ofGroup: 1)
        optimiser.learningRateFactor = 0.5
        try optimiser.step()
        #expect(try [a.item(), b.item()] == [-0.5, -0.125])
        try optimiser.zeroGradients()
        #expect(a.grad == nil && b.grad == nil)
        try optimiser.step()
        #expect(try [a.item(), b.item()] == [-0.5, -0.125])
    }

    @Test(arguments: ["SGD Nesterov decay", "Adam", "AdaMax"])
    func `state that does not fit is refused by name and changes nothing`(name: String) throws {
        let problem = try Problem(name)
        for step in 0..<7 { try problem.advance(step) }
        let good = try problem.optimiser.state().mapValues { tensor in try tensor.clone() }
        let kind = name.hasPrefix("Ada") ? "exp_avg" : "momentum_buffer"

        var missing = good
        missing["third.\(kind)"] = nil
        var unknown = good
        unknown["fourth.\(kind)"] = try .zeros([1])
        var reshaped = good
        reshaped["second.\(kind)"] = try .zeros([6])
        var cases = [
            (missing, "'third.\(kind)' is missing"), (unknown, "no parameter for 'fourth.\(kind)'"),
            (reshaped, "'second.\(kind)' is float32 [6] on cpu, expected float32 [5] on cpu"),
        ]
        if name.hasPrefix("Ada") {
            var negative = good
            negative["first.step"] = try Tensor(int64s: [-1], shape: [])
            cases.append((negative, "'first.step' is -1, expected 0 or more"))
        }
        for (state, part) in cases {
            let error = try #require(throws: TorchError.self) {
                try problem.optimiser.loadState(state)
            }
            #expect(error.code == .state)
            #expect(error.message.contains(part))
        }
        for (key, tensor) in try problem.optimiser.state() {
            #expect(try tensor.equals(#require(good[key])), "\(key)")
        }
    }

    @Test func `settings outside of their range are refused`() throws {
        let x = try Tensor.ones([2])
        let group = try ParameterGroup([("x", x)], learningRate: 0.1)
        let error = TorchError(.argument, "")
        #expect(throws: error) { try ParameterGroup([("x", x)], learningRate: -1) }
        #expect(throws: error) { try ParameterGroup([("x", x)], learningRate: .nan) }
        #expect(throws: error) {
            try ParameterGroup([("x", x)], learningRate: 1, weightDecay: .infinity)
        }
        #expect(throws: error) {
            try ParameterGroup([("i", .arange(3))], learningRate: 1)
        }
        #expect(throws: error) { try SGD([group], momentum: 1) }
        #expect(throws: error) { try SGD([group], nesterov: true) }
        #expect(throws: error) { try SGD([group, group]) }
        #expect(throws: error) { try Adam([group], betas: (0.9, 1)) }
        #expect(throws: error) { try Adam([group], epsilon: -1e-8) }
        #expect(throws: error) { try AdaGrad(epsilon: -1e-8) }
        #expect(throws: error) { try AdaDelta(rho: 1) }
        #expect(throws: error) { try RMSProp(rho: -0.1) }
        #expect(throws: error) { try AdaMax(betas: (0.9, 1)) }
        #expect(throws: error) { try ElementwiseOptimiser([group, group], AdaGrad()) }
        #expect(throws: error) { try Adam([group]).setLearningRate(.nan, ofGroup: 0) }
    }
}
