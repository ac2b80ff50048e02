import BONNModelFormat
import BONNNetworks
import Testing

/// Which channels belong together, and plans with fewer of them.
@Suite struct ChannelGroupTests {
    private static func plan(
        _ name: String, _ style: any BlockStyle, widths: [Int], side: Int = 16
    ) throws -> NetworkPlan {
        let entry = try #require(Networks.named(name))
        let input = Shape(entry.input.channels, side, side)
        return try entry.plan(input: input, classes: 4, widths: widths, style: style)
    }

    @Test
    func `the first convolution of a block has channels of its own, a stage shares its others`()
        throws
    {
        let plan = try Self.plan("wrn22", PostActivationBlock(), widths: [4, 4, 6, 8])
        let groups = plan.channelGroups
        let first = try #require(
            groups.first { $0.producers == ["stages.1.0.0.convolution"] })
        #expect(first.channels == 6 && first.obstacle == nil)
        #expect(first.readers == ["stages.1.0.1.convolution"])
        #expect(
            first.values == [
                "stages.1.0.0.convolution", "stages.1.0.0.norm", "stages.1.0.0.relu",
            ])
        // The stem and the first stage are one, since shortcuts keep channels.
        let stem = try #require(groups.first { $0.producers.first == "stem.convolution" })
        #expect(
            stem.producers == [
                "stem.convolution", "stages.0.0.1.convolution", "stages.0.1.1.convolution",
                "stages.0.2.1.convolution",
            ])
        #expect(
            stem.readers == [
                "stages.0.0.0.convolution", "stages.0.1.0.convolution", "stages.0.2.0.convolution",
                "stages.1.0.0.convolution", "stages.1.0.shortcut.convolution",
            ])
        let second = try #require(
            groups.first { $0.producers.contains("stages.1.0.shortcut.convolution") })
        #expect(second.producers.count == 4 && second.channels == 6)
        #expect(groups.first { $0.producers == ["head"] }?.obstacle == "are the classes")
        #expect(groups.first { $0.values == ["image"] }?.obstacle == "are those of the image")
        #expect(groups.flatMap(\.values).count == plan.layers.count + 1, "each value once")
    }

    @Test func `what is read in groups or joined with others stays`() throws {
        let plan = try Self.plan(
            "quicknet", PostActivationBlock(), widths: [8, 8, 16, 16], side: 64)
        let grouped = plan.layers.filter {
            if case .convolution(let plan) = $0.layer { plan.groups > 1 } else { false }
        }
        #expect(!grouped.isEmpty)
        let free = plan.channelGroups.filter { $0.obstacle == nil }
        for layer in grouped {
            #expect(!free.contains { $0.readers.contains(layer.name) }, "\(layer.name)")
            #expect(!free.contains { $0.producers.contains(layer.name) }, "\(layer.name)")
        }
    }

    @Test func `a plan gets other numbers of outputs, where they fit`() throws {
        let plan = try Self.plan("wrn22", PostActivationBlock(), widths: [4, 4, 6, 8])
        let smaller = try plan.withOutputs(["stages.1.0.0.convolution": 2])
        #expect(smaller.shape(of: "stages.1.0.0.relu")?.channels == 2)
        #expect(smaller.shape(of: "stages.1.0.1.convolution") == Shape(6, 8, 8))
        let next = try #require(smaller["stages.1.0.1.convolution"])
        #expect(smaller.weightShape(of: next) == [6, 2, 3, 3])
        #expect(try plan.withOutputs([:]) == plan)
        for (outputs, expected) in [
            (["stages.1.0.1.convolution": 3], "stages.1.0.add: expected two values of one shape"),
            (["nowhere": 3], "nowhere: expected the name of a layer with weights"),
            (["stages.1.0.add": 3], "stages.1.0.add: expected the name of a layer with weights"),
            (["head": 3], "head: expected 4 outputs"),
            (["stages.1.0.0.convolution": 0], "expected at least 1 output, found 0"),
        ] as [([Name: Int], String)] {
            let found = PlanErrorTests.message { _ = try plan.withOutputs(outputs) } ?? "nothing"
            #expect(found.contains(expected), "\(found)")
        }
    }
}
