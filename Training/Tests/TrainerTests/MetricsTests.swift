import BONNMethods
import Testing

@testable import BONNTrainer

@Suite struct MetricsTests {
    @Test func `ranks follow the logits, ties go to the smaller index, NaN is never right`() {
        var counts = ClassificationCounts()
        let predictions = counts.add(
            logits: [
                0, 1, 2, 3, 4, 5, 6,  // label 6: first
                6, 5, 4, 3, 2, 1, 0,  // label 4: fifth
                6, 5, 4, 3, 2, 1, 0,  // label 5: sixth
                1, 1, 1, 1, 1, 1, 1,  // label 0: first by index
                1, 1, 1, 1, 1, 1, 1,  // label 1: second by index
                0, .nan, 0, 0, 0, 0, 0,  // label 1: NaN
            ], labels: [6, 4, 5, 0, 1, 1])
        #expect(counts.images == 6 && counts.top1 == 2 && counts.top5 == 4)
        #expect(predictions == [6, 0, 0, 0, 0, 0])
        #expect(counts.top1Share == 2.0 / 6 && counts.top5Share == 4.0 / 6)
    }

    @Test func `a confusion matrix counts true classes in rows`() {
        var matrix = ConfusionMatrix(classes: 3)
        matrix.add(label: 0, prediction: 2)
        matrix.add(label: 0, prediction: 2)
        matrix.add(label: 1, prediction: 1)
        #expect(matrix.rows == [[0, 0, 2], [0, 1, 0], [0, 0, 0]] && matrix[0, 2] == 2)
    }

    @Test func `terms are added, divided and put in order by name`() {
        var losses = Losses(["a", "b", "c"])
        losses["b"] = 2
        var sum = Losses(["a", "b", "c"])
        sum["a"] = 1
        sum.add(losses, weight: 3)
        #expect(sum.values == [1, 6, 0] && sum.total == 7 && sum["d"] == nil)
        #expect((sum / 4).values == [0.25, 1.5, 0])
        let named = sum.named(["c", "d", "b"])
        #expect(named.names == ["c", "d", "b"] && named.values == [0, 0, 6])
    }

    @Test func `tables have the documented columns and leave out what was not measured`() {
        var losses = Losses(Objectives.terms)
        losses["cross_entropy"] = 1.25
        losses["kernel_loss"] = 0.25
        let row = EpochMetrics(
            epoch: 3, learningRate: 0.1, trainLoss: 1.5, losses: losses, trainTop1: 0.5,
            imagesPerSecond: 1234.56, seconds: 0.004)
        var measured = row
        measured.testTop1 = 0.75
        measured.validationLoss = 2.5
        #expect(
            MetricsTable.metrics([row, measured])
                == """
                epoch,learning_rate,train_loss,cross_entropy,kernel_loss,feature_loss,train_top1,\
                test_loss,test_top1,test_top5,validation_loss,validation_top1,validation_top5,\
                images_per_second,seconds
                3,0.1,1.5,1.25,0.25,0.0,0.5,,,,,,,1234.6,0.00
                3,0.1,1.5,1.25,0.25,0.0,0.5,,0.75,,2.5,,,1234.6,0.00

                """)
        #expect(MetricsTable.decimal(-0.996, places: 2) == "-1.00")
        #expect(MetricsTable.decimal(12.05, places: 0) == "12")
        #expect(MetricsTable.decimal(.infinity, places: 2) == "inf")
    }
}
