import Foundation
import Testing
import Torch

@testable import BONNMethods

/// Numbers of one case that `Oracle/record_methods.py` has recorded with plain PyTorch.
struct MethodRecord: Sendable {
    /// A tensor as it is recorded.
    struct Values: Sendable, Decodable {
        let shape: [Int]
        let values: [Float]

        func tensor() throws -> Tensor { try Tensor(values, shape: shape) }
    }

    private struct Stored: Decodable {
        let settings: Settings
        let parameters: [String]
        let inputs: [String: Values]
        let results: [String: Values]
        let gradients: [String: Values]
        let sgd: [[String: Values]]?
        let adam: [String: Values]?
    }

    /// Numbers that are no tensors.
    struct Settings: Sendable, Decodable {
        /// ABC-Net's shifts of the bases.
        let u: [Double]?
        /// The share of the run that is done.
        let progress: Double?
        /// IR-Net's and AdaBin's t at the start.
        let tMin: Double?
        /// Of the generator of what is drawn.
        let seed: UInt64?
        /// What updates of latent weights are multiplied by.
        let rate: Double?
        /// DoReFa-Net's bits.
        let weightBits: Int?
        let activationBits: Int?
        let gradientBits: Int?
        /// Tang's binarizations.
        let terms: Int?
        /// The weight of a loss.
        let strength: Double?

        enum CodingKeys: String, CodingKey {
            case u, progress, seed, rate, terms, strength
            case tMin = "t_min"
            case weightBits = "weight_bits"
            case activationBits = "activation_bits"
            case gradientBits = "gradient_bits"
        }

        /// A pass over a part of the run, in which is drawn from a new generator.
        func pass(_ phase: Phase, isFusing: Bool) throws -> Pass {
            Pass(
                phase, progress: RunProgress(epoch: Int(100 * (progress ?? 0)), epochs: 100),
                generator: try seed.map { try Generator(seed: $0) }, isFusing: isFusing)
        }
    }

    let name: String
    let settings: Settings
    let parameters: [String]
    let inputs: [String: Values]
    let results: [String: Values]
    let gradients: [String: Values]
    /// Parameters after each of two steps, SGD of rate 0.05 and momentum 0.9.
    let sgd: [[String: Values]]
    /// Parameters after one step, Adam of rate 0.01.
    let adam: [String: Values]

    /// A case of a file.
    init(_ file: String, _ name: String) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Oracle/\(file).json")
        let cases = try JSONDecoder().decode(
            [String: Stored].self, from: Data(contentsOf: url))
        let stored = try #require(cases[name], "\(file).json has no case \(name)")
        self.name = name
        settings = stored.settings
        parameters = stored.parameters
        inputs = stored.inputs
        results = stored.results
        gradients = stored.gradients
        sgd = stored.sgd ?? []
        adam = stored.adam ?? [:]
    }

    /// A tensor of the inputs.
    func input(_ name: String) throws -> Tensor {
        try #require(inputs[name], "\(self.name) has no input \(name)").tensor()
    }

    /// Insists that a tensor is what was recorded, but for the order of sums.
    func expect(
        _ found: Tensor?, _ wanted: Values?, _ what: String, tolerance: Float = 2e-5,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let wanted = try #require(
            wanted, "\(name): nothing recorded of \(what)", sourceLocation: sourceLocation)
        let values = try #require(
            found, "\(name): no \(what)", sourceLocation: sourceLocation
        ).detached().contiguous().floats()
        try #require(
            values.count == wanted.values.count, "\(name), \(what)",
            sourceLocation: sourceLocation)
        let largest = wanted.values.reduce(1) { max($0, abs($1)) }
        let worst = values.indices.max { a, b in
            abs(values[a] - wanted.values[a]) < abs(values[b] - wanted.values[b])
        }
        guard let worst else { return }
        let difference = abs(values[worst] - wanted.values[worst])
        #expect(
            difference <= tolerance * largest,
            "\(name), \(what)[\(worst)]: \(values[worst]), recorded \(wanted.values[worst])",
            sourceLocation: sourceLocation)
    }
}
