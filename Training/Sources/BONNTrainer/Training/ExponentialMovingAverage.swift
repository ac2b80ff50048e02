import BONNMethods
import BONNModelFormat
import Torch

/// Moving averages of a network's parameters and buffers: average += (1 - d) (value - average)
/// after each step, with d = min(decay, (1 + t) / (10 + t)) at step t, so that the first values,
/// which say little, are forgotten quickly (as in TensorFlow's ExponentialMovingAverage).
final class ExponentialMovingAverage {
    private let decay: Double
    private let parameters: [Parameter]
    private var averages: [Tensor]

    init(_ parameters: [Parameter], decay: Double) throws(TorchError) {
        self.decay = decay
        self.parameters = parameters.filter { $0.tensor.dtype.isFloatingPoint }
        averages = []
        for parameter in self.parameters {
            averages.append(try parameter.tensor.detached().clone())
        }
    }

    /// Moves the averages towards the present values; `step` counts optimiser steps from 0.
    func update(step: Int) throws(TorchError) {
        let decay = min(decay, Double(1 + step) / Double(10 + step))
        try withoutGradient { () throws(TorchError) in
            for (parameter, average) in zip(parameters, averages) {
                try average.lerp_(parameter.tensor, weight: 1 - decay)
            }
        }
    }

    /// Runs a body while the network holds the averages, and puts the present values back.
    func withAverages<R>(_ body: () throws -> R) throws -> R {
        let present = try parameters.map { try $0.tensor.detached().clone() }
        try assign(averages)
        do {
            let result = try body()
            try assign(present)
            return result
        } catch {
            try assign(present)
            throw error
        }
    }

    /// Takes the statistics that the network has instead of their averages.
    func takeStatistics() throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for (parameter, average) in zip(parameters, averages) where parameter.role == .buffer {
                try average.copy_(from: parameter.tensor)
            }
        }
    }

    func capture() throws -> [Name: Safetensors.Tensor] {
        try zip(parameters, averages).reduce(into: [:]) { tensors, pair in
            let name: Name = "\(Checkpoint.averagePrefix)\(pair.0.name)"
            tensors[name] = try Safetensors.Tensor(name, pair.1)
        }
    }

    func restore(_ stored: [Name: Safetensors.Tensor], source: String) throws {
        for (parameter, average) in zip(parameters, averages) {
            guard let tensor = stored[Name(parameter.name)] else {
                throw TrainingError(
                    .checkpoint, "\(source): the moving average of \(parameter.name) is missing")
            }
            try TensorCoding.copy(tensor, into: average, source: source)
        }
    }

    private func assign(_ values: [Tensor]) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            for (parameter, value) in zip(parameters, values) {
                try parameter.tensor.copy_(from: value)
            }
        }
    }
}
