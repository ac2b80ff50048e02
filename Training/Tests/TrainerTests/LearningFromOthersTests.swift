import BONNConfiguration
import BONNMethods
import BONNModelFormat
import Foundation
import Testing
import Torch

@testable import BONNTrainer

/// Runs that learn from another network, trained before or along with them, and runs whose update evaluates twice.
@Suite struct LearningFromOthersTests {
    private let folder = TemporaryFolder()

    private static func configuration(
        _ method: any Method, _ change: (inout TrainingConfiguration) -> Void = { _ in }
    ) -> TrainingConfiguration {
        smallConfiguration {
            $0.model.method.value = method
            $0.losses[FeatureLossSettings.self].theta = 0
            change(&$0)
        }
    }

    private func tensors(_ name: String) throws -> [Name: [UInt8]] {
        try Checkpoint(path: folder.path + "/\(name)/last.safetensors").tensors.mapValues(\.bytes)
    }

    /// A real network in the folder `teacher`.
    private func teacher(
        _ change: (inout TrainingConfiguration) -> Void = { _ in }
    ) throws -> String {
        try train(Self.configuration(FullPrecision(), change), in: folder.path + "/teacher")
        return folder.path + "/teacher/best.safetensors"
    }

    static let methods: [any Method] = [
        ELQ(rho: 0.01, growth: 100, interval: 2), Zhuang(), Zhuang(adaptor: .quantizer), RBCN(),
    ]

    @Test(arguments: methods)
    func `a run that is stopped goes on with the same bits`(method: any Method) throws {
        let configuration = Self.configuration(method) {
            $0.losses[CenterLossSettings.self].weight = 0.1
        }
        let whole = try train(configuration, in: folder.path + "/whole")
        #expect(whole.metrics.allSatisfy { ($0.losses["center_loss"] ?? 0) > 0 })
        let reference = try tensors("whole")
        for steps in [1, 4, 5] {
            let name = "stopped-\(steps)"
            try train(configuration, in: folder.path + "/" + name, stopAfter: steps)
            try train(configuration, in: folder.path + "/" + name, resuming: true)
            #expect(try tensors(name) == reference, "stopped after \(steps) steps")
        }
    }

    @Test func `a guide goes on from stage to stage`() throws {
        let first = Self.configuration(Zhuang(weightBits: 4, activationBits: 32)) {
            $0.schedule.epochs = 2
        }
        try train(first, in: folder.path + "/first")
        let second = try Recipe.read(
            yaml: """
                stages:
                  - schedule.epochs: 2
                  - method.weight_bits: 2
                    method.activation_bits: 2
                    schedule.epochs: 1
                    optimizer.learning_rate: 0
                """, source: "r.yaml", over: first)
        try train(second, in: folder.path + "/both")
        let (before, after) = (try tensors("first"), try tensors("both"))
        let carried = before.keys.filter {
            ($0.text.hasPrefix("trainer/guide.") && !$0.text.contains("running_"))
                || $0.text.hasPrefix("trainer/hint_loss.")
        }
        #expect(carried.count > 20 && carried.contains("trainer/guide.head.weight"))
        for name in carried { #expect(before[name] == after[name], "\(name)") }
    }

    @Test func `soft labels of a teacher are learned alone, or beside the others`() throws {
        let path = try teacher()
        for weight in [0.0, 0.5] {
            let outcome = try train(
                Self.configuration(ReActNet()) {
                    $0.losses.classification.weight = weight
                    $0.losses[DistillationSettings.self] = DistillationSettings(
                        weight: 1, teacher: path, temperature: 2)
                }, in: folder.path + "/student-\(weight)")
            #expect(outcome.metrics.allSatisfy { ($0.losses["distillation_loss"] ?? 0) > 0 })
            #expect(
                outcome.metrics.allSatisfy { ($0.losses["cross_entropy"] != 0) == (weight > 0) })
        }
        let kept = try tensors("student-0.0")
        #expect(kept["trainer/distillation_loss.teacher"]?.count == 32 * 4)
        #expect(!kept.keys.contains { $0.text.contains("distillation_loss.stages") })
    }

    @Test func `the loss of soft labels is the cross-entropy of two softmaxes`() throws {
        let path = try teacher()
        let network = try Network(
            Self.configuration(BNN()).resolved(for: ColourDataset.splits()).model, for: 8, seed: 3)
        let teacher = try Checkpoint(path: path).network(source: path)
        network.trained = { _ in TrainedNetwork(teacher, digest: [1, 2, 3]) }
        let settings = DistillationSettings(weight: 0.7, teacher: "t", temperature: 1.5)
        let loss = try #require(try settings.objective(for: network))
        let images = try Generator(seed: 5).normal([4, 3, 8, 8])
        let output = try network(images, .training)
        let pass = ForwardPass(
            images: images, labels: try Tensor(int64s: [0, 1, 2, 0], shape: [4]), output: output,
            progress: .start)
        func probabilities(_ logits: Tensor) throws -> [[Double]] {
            let values = try logits.detached().floats().map { exp(Double($0) / 1.5) }
            return (0..<4).map { row in
                let own = values[row * 3..<row * 3 + 3]
                return own.map { $0 / own.reduce(0, +) }
            }
        }
        let wanted = zip(
            try probabilities(teacher(images, .evaluation).logits),
            try probabilities(output.logits)
        ).reduce(0.0) { sum, rows in
            zip(rows.0, rows.1).reduce(sum) { $0 - $1.0 * log($1.1) / 4 * 0.7 * 1.5 * 1.5 }
        }
        #expect(abs(try loss(pass).item() - wanted) < 1e-5)
    }

    @Test func `what is no teacher is refused before the first step`() throws {
        let path = try teacher { $0.augmentation.imageSize = 16 }
        func found(_ path: String, _ method: any Method = BNN()) -> String? {
            message {
                try train(
                    Self.configuration(method) {
                        guard method is BNN else { return }
                        $0.losses[DistillationSettings.self].weight = 1
                        $0.losses[DistillationSettings.self].teacher = path
                    }, in: folder.path + "/student")
            }
        }
        #expect(found("")?.contains("losses.teacher is empty") == true)
        #expect(found(folder.path + "/none")?.contains("none") == true)
        #expect(found(path)?.contains("images are of another size") == true)
        try FileManager.default.removeItem(atPath: folder.path + "/teacher")
        let narrow = try teacher { $0.model.widths = [2, 2, 2, 4] }
        #expect(found(narrow, RBCN(teacher: narrow))?.contains("method.teacher is") == true)
        let mute = message {
            try train(
                Self.configuration(BNN()) { $0.losses.classification.weight = 0 },
                in: folder.path + "/mute")
        }
        #expect(mute?.contains("no loss acts in epoch 1") == true)
    }

    @Test func `a run does not go on with another teacher`() throws {
        let path = try teacher()
        let configuration = Self.configuration(RBCN(teacher: path))
        try train(configuration, in: folder.path + "/student", stopAfter: 2)
        #expect(try tensors("student")["trainer/teacher.teacher"] != nil)
        try FileManager.default.removeItem(atPath: folder.path + "/teacher")
        _ = try teacher { $0.run.seed = 8 }
        let found = message {
            try train(configuration, in: folder.path + "/student", resuming: true)
        }
        #expect(found?.contains("holds other weights than when the run began") == true)
    }
}
