import BONNNetworks
import Testing

@testable import BONNInterop

/// What becomes of one output channel of latent weights.
@Suite struct DeployedFilterTests {
    private func filter(
        _ numbers: [Float], channels: Int = 1, _ change: (inout StoredKernels) -> Void
    ) throws(LoweringError) -> DeployedFilter {
        var source = ImportSource.described(as: "one")
        change(&source.kernels)
        return try DeployedFilter(
            numbers[...], channels: channels, of: source, place: ("k", 3))
    }

    @Test func `numbers are centered, clamped and scaled in this order`() throws {
        let plain = try filter([3, -0.5, 0.25, -1]) { _ in }
        #expect(plain.signs == [1, -1, 1, -1] && plain.scale == 1.1875)
        let clamped = try filter([3, -0.5, 0.25, -1]) { $0.isClamped = true }
        #expect(clamped.scale == 0.6875)
        // 4, -1, -2 and -1 around 2.
        let centered = try filter([6, 1, 0, 1]) {
            $0.center = .filter
            $0.isClamped = true
        }
        #expect(centered.signs == [1, -1, -1, -1] && centered.scale == 1)
    }

    @Test func `centers over input channels are those of each place`() throws {
        let found = try filter([1, 5, 3, 9], channels: 2) { $0.center = .inputs }
        #expect(found.signs == [-1, -1, 1, 1] && found.scale == 1.5)
    }

    @Test func `the power of two is the nearest by its logarithm, whatever the unit`() throws {
        // NumPy's log2(mean(|v|) / std(v, ddof=1)) of the centered numbers: -0.208, -0.483, -0.755, -0.554.
        for unit: Float in [1, 1e-20, 1e20] {
            for (numbers, expected) in [
                ([1, -1, 1, -1], 1), ([4, -1, -1, -1, -1], 1),
                ([8, -1, -1, -1, -1, -1, -1, -1, -1], 0.5), ([1, -3, 2, 5], 0.5),
            ] as [([Float], Float)] {
                let found = try filter(numbers.map { $0 * unit }) {
                    $0.center = .filter
                    $0.scale = .powerOfTwo
                }
                #expect(found.scale == expected, "\(numbers), \(unit)")
            }
        }
    }

    @Test func `what has no sign or no deviation is refused by name`() {
        let cases:
            [(numbers: [Float], channels: Int, expected: String, (inout StoredKernels) -> Void)] =
                [
                    ([1, 0, 2], 1, "found a 0 in channel 3", { _ in }),
                    ([1, 2, 3], 1, "found a 0 in channel 3", { $0.center = .filter }),
                    ([1, 5, 3, 5], 2, "found a 0 in channel 3", { $0.center = .inputs }),
                    ([0, 0], 1, "found a 0 in channel 3", { $0.scale = .one }),
                    ([0, 0], 1, "found a 0 in channel 3", { $0.scale = .learned }),
                    ([2, 2], 1, "deviation is 0", { $0.scale = .powerOfTwo }),
                    ([2], 1, "deviation is 0", { $0.scale = .powerOfTwo }),
                    ([2, -3], 1, "found the magnitudes 2.0 and 3.0", { $0.scale = .stored }),
                ]
        for (numbers, channels, expected, change) in cases {
            let error = #expect(throws: LoweringError.self) {
                try filter(numbers, channels: channels, change)
            }
            #expect(error?.message.hasPrefix("k: expected") == true)
            #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        }
    }

    @Test func `a channel of zeros that is multiplied by 0 stays`() throws {
        let found = try filter([0, 0]) { _ in }
        #expect(found.signs == [1, 1] && found.scale == 0)
    }
}
