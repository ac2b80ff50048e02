import BONNMethods
import Testing
import Torch

@testable import BONNTrainer

/// Whole steps of training, with what a method does between the steps and how it evaluates and updates, against
/// a plain loop of an independent script.
@Suite struct MethodStepTests {
    @Test(arguments: MethodRecord.all(.steps))
    func `steps are those of a plain loop`(record: MethodRecord) throws {
        let recorded = try RecordedNetwork(record)
        let network = recorded.network
        let step = try TrainingStep(
            network, losses: recorded.configuration.losses,
            optimizer: recorded.configuration.optimizer, device: .cpu)
        let tensors = RecordedTensors(record, network.store.parameters + step.ownParameters)
        let named = Set(record.inputs.keys)
        #expect(
            network.store.trainable.allSatisfy { named.contains($0.name) },
            "the case says how every parameter starts")
        try tensors.set()
        let places = record.stepProgress
        try #require(!record.batches.isEmpty && record.states.count == record.batches.count)
        try #require(
            record.losses.count == record.batches.count && places.count == record.batches.count)
        for (index, batch) in record.batches.enumerated() {
            let progress = places[index]
            if index == 0 || places[index - 1].epoch != progress.epoch {
                for rule in step.rules { try rule.beginEpoch(progress) }
            }
            let images = try #require(batch["x"]).tensor()
            let result = try step(
                images: images, labels: MethodRecord.labels(batch["labels"]), factor: 1,
                progress: progress)
            let wanted = record.losses[index]
            #expect(
                abs(result.losses.total - wanted) <= 5e-5 * max(1, abs(wanted)),
                "\(record.testDescription), loss of step \(index + 1)")
            try #require(!record.states[index].isEmpty)
            try tensors.expect(record.states[index], "after step \(index + 1)", tolerance: 5e-5)
        }
    }
}
