import BONNModelFormat
import BONNNetworks
import Torch

/// A layer in its place.
struct Step {
    let name: Name
    let layer: any Layer
    let inputs: [Name]

    init(_ name: Name, _ layer: any Layer, _ inputs: [Name]) {
        self.name = name
        self.layer = layer
        self.inputs = inputs
    }
}

/// Layers in order of execution; a value is let go as soon as nothing reads it any more.
struct StepList {
    let steps: [Step]
    private let inputs: [[Int]]
    private let lastReaders: [Int]
    private let kept: [Int]

    /// - Parameters:
    ///   - steps: definition before use; value 0 is the image, value i + 1 that of step i.
    ///   - kept: the values that `run` returns.
    init(_ steps: [Step], kept: [Name]) {
        var index: [Name: Int] = [NetworkPlan.input: 0]
        var inputs: [[Int]] = []
        var lastReaders = [Int](repeating: 0, count: steps.count + 1)
        for (place, step) in steps.enumerated() {
            let values = step.inputs.map { index[$0]! }
            for value in values { lastReaders[value] = place }
            inputs.append(values)
            index[step.name] = place + 1
        }
        self.kept = kept.map { index[$0]! }
        for value in self.kept { lastReaders[value] = .max }
        self.steps = steps
        self.inputs = inputs
        self.lastReaders = lastReaders
    }

    /// Runs all layers over images [N, C, H, W].
    func run(_ images: Tensor, _ pass: Pass) throws(TorchError) -> [Tensor] {
        var values: [Tensor?] = [images] + [Tensor?](repeating: nil, count: steps.count)
        for (place, step) in steps.enumerated() {
            values[place + 1] = try step.layer(inputs[place].map { values[$0]! }, pass)
            for value in inputs[place] where lastReaders[value] == place { values[value] = nil }
        }
        return kept.map { values[$0]! }
    }
}
