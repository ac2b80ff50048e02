import BONNMethods
import BONNModelFormat
import BONNTrainer
import Foundation
import Testing
import Torch

/// One case that `Oracle/record.py` has recorded with plain PyTorch; `Oracle/recorder.py` says what stands in it.
struct MethodRecord: Sendable, CustomTestStringConvertible {
    /// Which test reads a case.
    enum Kind: String, Sendable, Decodable, CaseIterable {
        case quantizer, block, objective, steps
    }

    /// A tensor as it is recorded.
    struct Values: Sendable, Decodable {
        let shape: [Int]
        let values: [Float]

        func tensor() throws -> Tensor { try Tensor(values, shape: shape) }
    }

    /// The method that the file is named after, and what the case is called in it.
    let file: String
    let name: String
    private let stored: Stored

    fileprivate init(_ file: String, _ name: String, _ stored: Stored) {
        self.file = file
        self.name = name
        self.stored = stored
    }

    var testDescription: String { "\(file)/\(name)" }
    var kind: Kind { stored.kind }
    var phase: Phase { stored.phase == "evaluation" ? .evaluation : .training }
    var plan: [String] { stored.plan ?? [] }
    var outputs: Int { stored.outputs ?? 0 }
    var stride: Int { stored.stride ?? 1 }
    var classes: Int { stored.classes ?? 0 }
    /// Words of the message with which a quantizer cannot be deployed.
    var refusal: String? { stored.refusesDeployment }
    var inputs: [String: Values] { stored.inputs }
    /// What the forward pass gives; names with a dot are buffers behind it.
    var results: [String: Values] { stored.results ?? [:] }
    var gradients: [String: Values] { stored.gradients ?? [:] }
    /// Parameters after each of two steps, SGD of rate 0.05 and momentum 0.9.
    var sgd: [[String: Values]] { stored.sgd ?? [] }
    /// Parameters after one step, Adam of rate 0.01.
    var adam: [String: Values] { stored.adam ?? [:] }
    /// The images and labels of steps, and what follows from each of them.
    var batches: [[String: Values]] { stored.batches ?? [] }
    var states: [[String: Values]] { stored.states ?? [] }
    var losses: [Double] { stored.losses ?? [] }
    /// Where each step is in a run; an epoch has one step unless the case says how many.
    var stepProgress: [RunProgress] {
        let steps = stored.stepsPerEpoch ?? 1
        let epochs =
            stored.stepEpochs
            ?? batches.indices.map { stored.stepsPerEpoch == nil ? 0 : $0 / steps }
        return epochs.enumerated().map { index, epoch in
            RunProgress(
                epoch: epoch, epochs: (epochs.max() ?? 0) + 1, step: index % steps, steps: steps)
        }
    }
    /// Where the generator of a pass starts.
    var seed: UInt64? { stored.seed }

    /// The parameters that have a gradient.
    var parameters: [String] { gradients.keys.filter { $0 != "x" }.sorted() }

    /// The recipe of the case: the method with its settings, losses, and how steps are taken.
    func configuration() throws -> TrainingConfiguration {
        var configuration = TrainingConfiguration()
        try Recipe.apply(
            stored.recipe.sorted { $0.key < $1.key }.map {
                (path: $0.key, value: $0.value, source: "\(file)/\(name)")
            }, to: &configuration)
        return configuration
    }

    /// Whether the recipe sets an objective of `Objectives.all` by the key that has its name or begins with it.
    func asks(for objective: String) -> Bool {
        let name = objective.replacing("_loss", with: "")
        return stored.recipe.keys.contains { $0.hasPrefix("losses.\(name)") }
    }

    /// A pass over a part of the run, in which is drawn from a new generator.
    func pass(isFusing: Bool) throws -> Pass {
        Pass(
            phase, progress: progress, generator: try seed.map { try Generator(seed: $0) },
            isFusing: isFusing)
    }

    /// Where the run is.
    var progress: RunProgress {
        RunProgress(epoch: stored.epoch ?? 0, epochs: stored.epochs ?? 1)
    }

    /// A tensor of the inputs.
    func input(_ name: String) throws -> Tensor {
        try #require(inputs[name], "\(testDescription) has no input \(name)").tensor()
    }

    /// The labels.
    static func labels(_ values: Values?) throws -> Tensor {
        let values = try #require(values, "no labels are recorded")
        return try Tensor(int64s: values.values.map { Int64($0) }, shape: values.shape)
    }

    /// Insists that a tensor is what was recorded, but for the order of sums.
    func expect(
        _ found: Tensor?, _ wanted: Values?, _ what: String, tolerance: Float = 2e-5,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let wanted = try #require(
            wanted, "\(testDescription): nothing recorded of \(what)",
            sourceLocation: sourceLocation)
        let values = try #require(
            found, "\(testDescription): no \(what)", sourceLocation: sourceLocation
        ).detached().contiguous().floats()
        try #require(
            values.count == wanted.values.count, "\(testDescription), \(what)",
            sourceLocation: sourceLocation)
        let largest = wanted.values.reduce(1) { max($0, abs($1)) }
        let worst =
            values.indices.first { !values[$0].isFinite }
            ?? values.indices.max { a, b in
                abs(values[a] - wanted.values[a]) < abs(values[b] - wanted.values[b])
            }
        guard let worst else { return }
        let difference = abs(values[worst] - wanted.values[worst])
        #expect(
            difference <= tolerance * largest,
            "\(testDescription), \(what)[\(worst)]: \(values[worst]), recorded \(wanted.values[worst])",
            sourceLocation: sourceLocation)
    }
}

/// The parts of a case as the file has them.
private struct Stored: Sendable, Decodable {
    let kind: MethodRecord.Kind
    let recipe: [String: String]
    let phase: String?
    let epoch: Int?
    let epochs: Int?
    let seed: UInt64?
    let refusesDeployment: String?
    let plan: [String]?
    let outputs: Int?
    let stride: Int?
    let classes: Int?
    let inputs: [String: MethodRecord.Values]
    let results: [String: MethodRecord.Values]?
    let gradients: [String: MethodRecord.Values]?
    let sgd: [[String: MethodRecord.Values]]?
    let adam: [String: MethodRecord.Values]?
    let batches: [[String: MethodRecord.Values]]?
    let stepEpochs: [Int]?
    let stepsPerEpoch: Int?
    let states: [[String: MethodRecord.Values]]?
    let losses: [Double]?

    enum CodingKeys: String, CodingKey {
        case kind, recipe, phase, epoch, epochs, seed, plan, outputs, stride, classes, inputs
        case results, gradients, sgd, adam, batches, states, losses
        case refusesDeployment = "refuses_deployment"
        case stepEpochs = "step_epochs"
        case stepsPerEpoch = "steps_per_epoch"
    }
}

/// What was recorded of one method.
struct MethodRecording: Sendable, Decodable {
    /// Why it has no quantizer, where it has none.
    let withoutQuantizer: String?
    fileprivate let cases: [String: Stored]

    /// The recordings of all methods by name, as far as they can be read: a suite's tests are known before any of
    /// them runs. `MethodRecordingsTests` reads the same files and tells what is wrong with one.
    static let all: [String: MethodRecording] = {
        let read = (try? paths())?.compactMap { name, url in (try? load(url)).map { (name, $0) } }
        return Dictionary(uniqueKeysWithValues: read ?? [])
    }()

    /// Where recordings are, by the name of the method.
    static func paths() throws -> [String: URL] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Oracle/methods")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        return Dictionary(
            uniqueKeysWithValues: files.filter { $0.pathExtension == "json" }.map {
                ($0.deletingPathExtension().lastPathComponent, $0)
            })
    }

    static func load(_ url: URL) throws -> MethodRecording {
        try JSONDecoder().decode(MethodRecording.self, from: Data(contentsOf: url))
    }

    init(from decoder: any Decoder) throws {
        let whole = try decoder.singleValueContainer()
        let reason = try whole.decode(Reason.self)
        withoutQuantizer = reason.why
        var cases: [String: Stored] = [:]
        let names = try decoder.container(keyedBy: CaseName.self)
        for name in names.allKeys where name.stringValue != Reason.CodingKeys.why.rawValue {
            cases[name.stringValue] = try names.decode(Stored.self, forKey: name)
        }
        self.cases = cases
    }

    private struct Reason: Decodable {
        let why: String?

        enum CodingKeys: String, CodingKey { case why = "without_quantizer" }
    }

    private struct CaseName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The cases of one method, in the order of their names.
    func records(of method: String) -> [MethodRecord] {
        cases.sorted { $0.key < $1.key }.map { MethodRecord(method, $0.key, $0.value) }
    }
}

extension MethodRecord {
    /// All cases of a kind.
    static func all(_ kind: Kind) -> [MethodRecord] {
        MethodRecording.all.sorted { $0.key < $1.key }.flatMap { name, recording in
            recording.records(of: name).filter { $0.kind == kind }
        }
    }

    /// One case.
    static func named(_ file: String, _ name: String) throws -> MethodRecord {
        let record = MethodRecording.all[file]?.records(of: file).first { $0.name == name }
        return try #require(record, "\(file).json has no case \(name)")
    }
}
