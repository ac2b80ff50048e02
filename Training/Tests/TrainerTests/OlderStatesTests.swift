import BONNMethods
import Foundation
import Testing

@testable import BONNTrainer

/// What versions before objectives wrote into checkpoints, with the three terms of the loss as fields.
@Suite struct OlderStatesTests {
    private static let state = """
        {"bestEpoch":1,"bestTop1":0.1,"dataset":{"classNames":["disc","ring"],"kind":"synthetic",\
        "testImages":10,"trainImages":24},"epoch":2,"featureLossActs":true,"layers":[{"epoch":0,\
        "flipRatio":0,"layer":"stages.0.0.0.convolution","meanAbsolute":0.008828691698403822,\
        "mu":0.008828692138195038,"nearZero":0.3333333333333333,"scale":0.3333333432674408,\
        "sigma":0.00509842112660408},{"epoch":0,"flipRatio":0.5,"layer":"b","meanAbsolute":0.25,\
        "nearZero":1}],"metrics":[{"crossEntropy":2.8092614014943442,"epoch":2,\
        "featureLoss":0.0010182543968160946,"imagesPerSecond":355.4294107677532,\
        "kernelLoss":0.0008788475727972885,"learningRate":0.01,"seconds":0.0783318281173706,\
        "testLoss":2.6130748987197876,"testTop1":0.1,"testTop5":0.5,\
        "trainLoss":2.8111585034639575,"trainTop1":0.08333333333333333}],"progress":{"counts":\
        {"images":16,"top1":3,"top5":9},"crossEntropy":45.5,"featureLoss":0.125,"kernelLoss":0.25,\
        "learningRate":0.005,"seconds":1.5,"steps":2},"selection":"test","skipped":[]}
        """

    private func read(_ text: String) throws -> TrainingState {
        try JSONDecoder().decode(StoredState.self, from: Data(text.utf8)).state
    }

    @Test func `a state with three losses is read with its terms by name`() throws {
        let state = try read(Self.state)
        let terms = ["cross_entropy", "kernel_loss", "feature_loss"]
        let row = try #require(state.metrics.first)
        #expect(row.losses.names == terms)
        #expect(
            row.losses.values == [2.8092614014943442, 0.0008788475727972885, 0.0010182543968160946])
        #expect(row.testTop5 == 0.5 && row.validationTop1 == nil && row.seconds > 0.07)
        #expect(state.progress.losses.names == terms)
        #expect(state.progress.losses.values == [45.5, 0.25, 0.125])
        #expect(state.progress.steps == 2 && state.progress.counts.top5 == 9)
        #expect(state.prepared == ["feature_loss"])
        #expect(
            MetricsTable.layers(state.layers)
                == """
                epoch,layer,mean_abs,mu,sigma,w,flip_ratio,near_zero
                0,stages.0.0.0.convolution,0.008828691698403822,0.008828692138195038,\
                0.00509842112660408,0.3333333432674408,0.0,0.3333333333333333
                0,b,0.25,,,,0.5,1.0

                """)
    }

    @Test(arguments: [("true", ["feature_loss"]), ("false", [])])
    func `an older flag says whether an objective was prepared`(
        flag: String, expected: [String]
    ) throws {
        let text = Self.state.replacingOccurrences(
            of: #""featureLossActs":true"#, with: #""featureLossActs":\#(flag)"#)
        #expect(try read(text).prepared == expected)
        let without = text.replacingOccurrences(of: #""featureLossActs":\#(flag),"#, with: "")
        #expect(try read(without).prepared == nil)
    }

    @Test func `what is written now is read as it was, whatever its terms are called`() throws {
        var state = try read(Self.state)
        state.progress.losses = Losses(["cross_entropy", "z_loss", "a_loss_of_one_s_own"])
        state.progress.losses["z_loss"] = 0.1 + 0.2
        state.metrics[0].losses = state.progress.losses
        state.prepared = ["z_loss"]
        let data = try JSONEncoder().encode(state)
        #expect(try JSONDecoder().decode(StoredState.self, from: data).state == state)
        let text = String(decoding: data, as: UTF8.self)
        #expect(
            text.contains(#""zLoss":0.30000000000000004"#) && text.contains(#""aLossOfOneSOwn":0"#))
    }
}
