import Foundation
import Testing
import Torch

/// The network of Golden/record.py: convolution, batch normalisation, ReLU, pooling, linear.
private struct Network {
    var tensors: [String: Tensor]
    let optimiser: SGD

    static let trained = ["0.weight", "1.weight", "1.bias", "5.weight", "5.bias"]

    init(_ tensors: [String: Tensor]) throws {
        self.tensors = tensors
        let parameters = try Self.trained.map { name in
            (name: name, tensor: try #require(tensors[name]).requiresGradient(true))
        }
        optimiser = try SGD(
            [ParameterGroup(parameters, learningRate: 0.05)], momentum: 0.9, nesterov: true)
    }

    /// One update; returns the loss before it.
    func step(_ images: Tensor, _ classes: Tensor) throws -> Double {
        func get(_ name: String) throws -> Tensor { try #require(tensors[name]) }
        let features = try images.conv2d(get("0.weight"), padding: 1)
            .batchNorm(
                weight: get("1.weight"), bias: get("1.bias"), runningMean: get("1.running_mean"),
                runningVariance: get("1.running_var"), training: true
            ).relu().avgPool2d(kernel: 2)
        let loss = try features.flatten(from: 1).linear(get("5.weight"), get("5.bias"))
            .crossEntropy(classes)
        try optimiser.zeroGradients()
        try loss.backward()
        try optimiser.step()
        return try loss.item()
    }
}

@Suite struct TrainingTests {
    @Test func `a small network trains as PyTorch trains it`() throws {
        let recorded = try Golden.training().network
        let network = try Network(recorded.start.mapValues { array in try array.tensor() })
        let (images, classes) = (try recorded.images.tensor(), try recorded.classes.tensor())
        let losses = try (0..<10).map { _ in try network.step(images, classes) }
        try expectClose(
            Tensor(losses.map(Float.init), shape: [10]), recorded.losses.tensor(),
            tolerance: 1e-5, "losses")
        #expect(losses[9] < losses[0])
        for (name, tensor) in network.tensors where name != "1.num_batches_tracked" {
            let end = try #require(recorded.end[name])
            try expectClose(tensor, end.tensor(), tolerance: 1e-5, name)
        }
    }

    @Test func `the same training twice is the same bit for bit`() throws {
        let recorded = try Golden.training().network
        let runs = try (0..<2).map { _ in
            let network = try Network(recorded.start.mapValues { array in try array.tensor() })
            for _ in 0..<5 {
                _ = try network.step(recorded.images.tensor(), recorded.classes.tensor())
            }
            return try Network.trained.map { name in try #require(network.tensors[name]).bytes() }
        }
        #expect(runs[0] == runs[1])
    }

    /// In a process of its own, where no other test allocates.
    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: "/proc/self/statm"),
            "the resident set is read from /proc/self/statm, which only Linux has"))
    func `memory stays flat over a thousand training steps`() async {
        await #expect(processExitsWith: .success) {
            try setThreads(1)
            try setDeterministic(true)
            let draw = try Generator(seed: 1)
            let network = try Network([
                "0.weight": draw.normal([16, 3, 3, 3], std: 0.2), "1.weight": .ones([16]),
                "1.bias": .zeros([16]), "1.running_mean": .zeros([16]),
                "1.running_var": .ones([16]), "5.weight": draw.normal([10, 1024], std: 0.03),
                "5.bias": .zeros([10]),
            ])
            var pages: [Int] = []
            for step in 0...1000 {
                let images = try draw.normal([8, 3, 16, 16])
                let classes = try draw.uniform([8], high: 10).to(.int64)
                _ = try network.step(images, classes)
                // Failures must not leak either.
                #expect(throws: TorchError.self) { try images.matmul(classes) }
                if step % 100 == 0 { pages.append(try residentPages()) }
            }
            // The allocator and oneDNN's caches settle in the first 200 steps.
            let settled = pages[2]
            let most = pages[3...].max() ?? 0
            #expect(
                Double(most) < 1.02 * Double(settled),
                "resident pages after each 100 steps: \(pages)")
        }
    }
}

/// Resident memory of this process in pages.
private func residentPages() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        .split(separator: " ")
    return try #require(Int(fields[1]))
}
