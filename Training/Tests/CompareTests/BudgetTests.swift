import BONNConfiguration
import BONNTrainer
import Foundation
import Testing

@testable import BONNCompare

@Suite struct BudgetTests {
    private static func staged(_ epochs: [Int]) throws -> TrainingConfiguration {
        let lines = epochs.map { "  - schedule.epochs: \($0)\n" }.joined()
        return try Recipe.read(yaml: "stages:\n" + lines, source: "r.yaml")
    }

    @Test func `a recipe without stages trains the epochs of the budget`() throws {
        let configuration = try TrainingConfiguration().training(epochs: 7)
        var expected = TrainingConfiguration()
        expected.schedule.epochs = 7
        #expect(configuration == expected)
    }

    @Test(arguments: [
        ([2, 3], 5, [2, 3]), ([2, 3], 10, [4, 6]), ([2, 3], 6, [2, 4]), ([2, 3], 2, [1, 1]),
        ([1, 100], 3, [1, 2]), ([100, 1, 1], 4, [2, 1, 1]), ([1, 1, 1], 5, [2, 2, 1]),
    ])
    func `stages share the epochs as they do in their recipe`(
        parts: [Int], epochs: Int, shares: [Int]
    ) throws {
        let configuration = try Self.staged(parts).training(epochs: epochs)
        #expect(try configuration.runStages().map(\.epochs) == shares)
        #expect(try configuration.totalEpochs() == epochs)
        if parts.reduce(0, +) == epochs {
            // So that bonn train of the same recipe is the same run.
            #expect(configuration.stages == (try Self.staged(parts)).stages)
        }
        let read = try Recipe.read(yaml: Recipe.yaml(configuration), source: "again")
        #expect(read == configuration)
    }

    @Test func `shares always add up, and none is empty`() {
        for first in 1...9 {
            for second in 1...9 {
                for epochs in 3...20 {
                    let shares = TrainingConfiguration.shares(of: epochs, as: [first, second, 4])
                    #expect(shares.reduce(0, +) == epochs && shares.allSatisfy { $0 >= 1 })
                }
            }
        }
    }

    @Test func `fewer epochs than stages are refused`() throws {
        #expect(throws: TrainingError(.configuration, "")) {
            _ = try Self.staged([2, 3]).training(epochs: 1)
        }
    }

    @Test func `minutes hold as many whole epochs as fit`() throws {
        let plain = TrainingConfiguration()
        func most(_ seconds: [Double], _ minutes: Double) throws -> Int {
            try EpochChoice.most(
                seconds: seconds, minutes: minutes,
                seconds.count == 1 ? plain : Self.staged([2, 3]))
        }
        #expect(try most([60], 5) == 5)
        #expect(try most([60], 5.99) == 5 && most([60], 6) == 6)
        #expect(try most([0.5], 100) == 12_000)
        // 2 of 60 s and 3 of 30 s take 210 s; a sixth goes to the second stage.
        #expect(try most([60, 30], 3.5) == 5 && most([60, 30], 4) == 6)
        #expect(try most([60, 30], 3.49) == 4)
        for minutes in [1.0, 2.7, 9.1, 33] {
            let count = try most([41], minutes)
            var plainLoop = 0
            while Double(plainLoop + 1) * 41 <= minutes * 60 { plainLoop += 1 }
            #expect(count == plainLoop)
        }
        #expect(throws: TrainingError(.configuration, "")) { _ = try most([61], 1) }
    }

    @Test func `a budget is read as it is written`() throws {
        for budget in [Budget.epochs(5), .minutes(2.5)] {
            let data = try JSONEncoder().encode(budget)
            #expect(try JSONDecoder().decode(Budget.self, from: data) == budget)
        }
        #expect(Budget.epochs(1).text == "1 epoch")
        #expect(Budget.minutes(2.5).text == "2.5 minutes of wall clock a run")
    }
}
