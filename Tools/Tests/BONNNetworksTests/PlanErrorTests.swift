import BONNModelFormat
import BONNNetworks
import Testing

/// What cannot be planned says what, what was expected and what was found.
@Suite struct PlanErrorTests {
    static func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }

    static func message(_ layer: LayerPlan, reading shapes: Shape...) -> String? {
        message {
            var plan = PlanBuilder(input: Shape(shapes.reduce(0) { $0 + $1.channels }, 16, 16))
            var inputs: [Name] = []
            for (index, shape) in shapes.enumerated() {
                let window = Window(
                    height: 17 - shape.height, width: 17 - shape.width, strideHeight: 1,
                    strideWidth: 1, padTop: 0, padBottom: 0, padLeft: 0, padRight: 0)
                inputs.append(
                    try plan.convolution(
                        PlanBuilder.input, "input\(index)", outputs: shape.channels, window: window)
                )
            }
            switch inputs.count {
            case 1: _ = try plan.add(layer, "layer", inputs[0])
            case 2: _ = try plan.add(layer, "layer", inputs[0], inputs[1])
            default: _ = try plan.add(layer, "layer", inputs[0], inputs[1], inputs[2])
            }
        }
    }

    @Test func `layers refuse what does not fit them`() {
        let square = Shape(4, 8, 8)
        func convolution(
            _ outputs: Int, _ window: Window, groups: Int = 1, weights: Weights = .real,
            padding: PaddingValue = .zero
        ) -> LayerPlan {
            .convolution(
                ConvolutionPlan(
                    outputs: outputs, window: window, groups: groups, weights: weights,
                    padding: padding))
        }
        let cases: [(found: String?, expected: String)] = [
            (
                Self.message(.add, reading: square, Shape(4, 8, 7)),
                "layer: expected two values of one shape, found [4, 8, 8] and [4, 8, 7]"
            ),
            (
                Self.message(.add, reading: square, Shape(5, 8, 8)),
                "layer: expected two values of one shape, found [4, 8, 8] and [5, 8, 8]"
            ),
            (
                Self.message(.concatenate, reading: square, Shape(4, 7, 8)),
                "layer: expected values of one height and width, found [4, 8, 8], [4, 7, 8]"
            ),
            (
                Self.message(.add, reading: square, square, square),
                "layer: expected 2 values to read, found 3"
            ),
            (
                Self.message(.concatenate, reading: square),
                "layer: expected 2 or more values to read, found 1"
            ),
            (
                Self.message(.relu, reading: square, square),
                "layer: expected 1 value to read, found 2"
            ),
            (
                Self.message(.linear(LinearPlan(outputs: 3)), reading: square),
                "layer: expected [C, 1, 1] to read, found [4, 8, 8]"
            ),
            (
                Self.message(.linear(LinearPlan(outputs: 0)), reading: Shape(4, 1, 1)),
                "layer: expected at least 1 output, found 0"
            ),
            (
                Self.message(convolution(6, Window(3), groups: 4), reading: square),
                "layer: expected groups that divide 4 input channels and 6 outputs, found 4"
            ),
            (
                Self.message(convolution(0, Window(3)), reading: square),
                "layer: expected at least 1 output, found 0"
            ),
            (
                Self.message(convolution(4, Window(1), padding: .plusOne), reading: square),
                "layer: expected a padding of zeros in front of real weights, found plus_one"
            ),
            (
                Self.message(convolution(4, Window(3), weights: .binomial), reading: square),
                "layer: expected a blur of 3x3 with one channel a group, found 3x3 with 4"
            ),
        ]
        for (found, expected) in cases { #expect(found == expected) }
    }

    @Test func `windows that do not fit are refused with their sizes`() {
        let convolution = LayerPlan.convolution(ConvolutionPlan(outputs: 4, window: Window(9)))
        for layer in [convolution, .maxPool(Pool(window: Window(9)))] {
            let found = Self.message(layer, reading: Shape(4, 8, 8))
            #expect(found?.contains("layer") == true)
            #expect(found?.contains("input of height 8 and width 8") == true, "\(found ?? "nil")")
            #expect(found?.contains("height 9 and width 9") == true, "\(found ?? "nil")")
        }
    }

    @Test(arguments: Networks.all.map(\.name))
    func `widths of another number, or out of range, are refused`(name: String) throws {
        let entry = try #require(Networks.named(name))
        let known = entry.widths.map(String.init).joined(separator: "-")
        for widths in [
            entry.widths.dropLast(), entry.widths + [8], [], [0] + entry.widths.dropFirst(),
            entry.widths.dropLast() + [65_537],
        ] {
            let found = Self.message {
                _ = try entry.plan(widths: Array(widths), style: BONNBlock())
            }
            #expect(
                found
                    == "expected \(entry.widths.count) channel numbers from 1 to 65536 for \(name) "
                    + "(\(entry.widthsMeaning), such as \(known)), found "
                    + widths.map(String.init).joined(separator: "-"))
        }
    }

    @Test(arguments: Networks.all.map(\.name))
    func `the smallest side is the smallest that fits`(name: String) throws {
        let entry = try #require(Networks.named(name))
        let smallest = entry.smallestSide
        let widths = entry.widths.map { min($0, 4) }
        func plan(_ height: Int, _ width: Int) throws -> NetworkPlan {
            try entry.plan(input: Shape(3, height, width), widths: widths, style: BONNBlock())
        }
        _ = try plan(smallest, smallest)
        for (height, width) in [(smallest - 1, smallest), (smallest, smallest - 1), (-1, 32)] {
            let found = Self.message { _ = try plan(height, width) }
            #expect(
                found
                    == "images of \(height)x\(width) are too small for \(name): expected sides of "
                    + "at least \(smallest)")
        }
    }
}
