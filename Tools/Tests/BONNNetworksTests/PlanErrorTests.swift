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
                Self.message(.multiply, reading: square, Shape(1, 8, 7)),
                "layer: expected a factor of one of the shapes [4, 8, 8], [4, 1, 1], [1, 8, 8], found "
                    + "[1, 8, 7]"
            ),
            (
                Self.message(.multiply, reading: square),
                "layer: expected 2 values to read, found 1"
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
            (
                Self.message(
                    .linear(LinearPlan(outputs: 9, weights: .binomial)), reading: Shape(9, 1, 1)),
                "layer: expected learned weights, found those of a blur"
            ),
            (
                Self.message(.dropout(1), reading: square),
                "layer: expected a probability from 0 up to below 1, found 1.0"
            ),
            (
                Self.message(.dropout(.nan), reading: square),
                "layer: expected a probability from 0 up to below 1, found nan"
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

    @Test func `windows that LibTorch and the runtime do not both compute are refused`() {
        func window(_ change: (inout Window) -> Void) -> Window {
            var window = Window(3, stride: 2, padding: 1)
            change(&window)
            return window
        }
        func pool(_ countsPadding: Bool, _ change: (inout Window) -> Void) -> LayerPlan {
            .averagePool(Pool(window: window(change), countsPadding: countsPadding))
        }
        func convolution(_ change: (inout Window) -> Void) -> LayerPlan {
            .convolution(
                ConvolutionPlan(outputs: 4, window: window(change), weights: .quantized))
        }
        func maximum(_ change: (inout Window) -> Void) -> LayerPlan {
            .maxPool(Pool(window: window(change)))
        }
        let step =
            "layer: expected a window of one stride and one dilation for rows and columns, found "
        let square = "layer: expected a square pooling window without dilation, found "
        let sides =
            "layer: expected a padding of the same 0 to 1 on all sides of a 3x3 pooling window, found "
        let cases: [(layer: LayerPlan, expected: String)] = [
            (convolution { $0.strideWidth = 1 }, step + "stride 2x1 and dilation 1x1"),
            (convolution { $0.dilationHeight = 2 }, step + "stride 2x2 and dilation 2x1"),
            (maximum { $0.strideHeight = 3 }, step + "stride 3x2 and dilation 1x1"),
            (pool(true) { $0.strideHeight = 3 }, step + "stride 3x2 and dilation 1x1"),
            (maximum { $0.width = 2 }, square + "3x2 with dilation 1"),
            (pool(false) { $0.height = 4 }, square + "4x3 with dilation 1"),
            (
                maximum { ($0.dilationHeight, $0.dilationWidth) = (2, 2) },
                square + "3x3 with dilation 2"
            ),
            (maximum { $0.padTop = 0 }, sides + "[0, 1, 1, 1] (top, bottom, left, right)"),
            (
                maximum { ($0.padTop, $0.padBottom, $0.padLeft, $0.padRight) = (2, 2, 2, 2) },
                sides + "[2, 2, 2, 2] (top, bottom, left, right)"
            ),
            (pool(true) { $0.padRight = 0 }, sides + "[1, 1, 1, 0] (top, bottom, left, right)"),
        ]
        for (layer, expected) in cases {
            #expect(Self.message(layer, reading: Shape(4, 8, 8)) == expected)
        }
        // 3 windows of 3 rows, side by side, reach out of 8 by one; out of 9 they do not.
        let rounding = pool(false) { $0 = .same(3, stride: 3, of: Shape(4, 8, 8)) }
        let uneven = sides + "[0, 1, 0, 1] (top, bottom, left, right)"
        #expect(Self.message(rounding, reading: Shape(4, 8, 8)) == nil)
        #expect(Self.message(rounding, reading: Shape(4, 9, 8)) == uneven)
    }

    @Test func `names and values that do not fit are refused, not trapped on`() throws {
        var plan = PlanBuilder(input: Shape(3, 8, 8))
        let x = try plan.add(.relu, "relu", PlanBuilder.input)
        let cases: [(found: String?, expected: String)] = [
            (
                Self.message { try plan.add(.relu, "relu", x) },
                "relu: expected a name of its own, found a second value of this name"
            ),
            (
                Self.message { try plan.add(.relu, PlanBuilder.input, x) },
                "image: expected a name of its own, found a second value of this name"
            ),
            (
                Self.message { try plan.add(.add, "sum", x, "nothing") },
                "sum: expected a value that is there, found nothing"
            ),
            (
                Self.message { _ = try plan.plan(features: "nothing", output: x) },
                "the features: expected a value that is there, found nothing"
            ),
            (
                Self.message { _ = try plan.plan(features: x, output: "nothing") },
                "the output: expected a value that is there, found nothing"
            ),
        ]
        for (found, expected) in cases { #expect(found == expected) }
        #expect(try plan.plan(features: x, output: x).layers.count == 1)
        for shape in [Shape(0, 8, 8), Shape(3, -1, 8), Shape(1 << 30, 1 << 30, 1 << 30)] {
            let found = Self.message {
                var plan = PlanBuilder(input: shape)
                try plan.add(.flatten, "flat", PlanBuilder.input)
            }
            #expect(
                found == "image: expected a value of elements that can be counted, found "
                    + "[\(shape.channels), \(shape.height), \(shape.width)]")
        }
    }

    @Test func `arguments of the last call may still append layers`() throws {
        var plan = PlanBuilder(input: Shape(3, 8, 8))
        let ended = try plan.ended(plan.add(.relu, "relu", PlanBuilder.input), classes: 4)
        #expect(ended.layers.map(\.name) == ["relu", "features", "head"] && ended.classes == 4)
        var other = PlanBuilder(input: Shape(3, 1, 1))
        let planned = try other.plan(
            features: other.add(.relu, "relu", PlanBuilder.input),
            output: other.add(.linear(LinearPlan(outputs: 2)), "head", "relu"))
        #expect(planned["head"]?.inputs == ["relu"] && planned.features == "relu")
    }

    @Test(arguments: NetworksTests.quantized.map(\.name))
    func `a layer is found by its name, also where layers have moved`(name: String) throws {
        let entry = try #require(Networks.named(name))
        let plan = try entry.plan(style: BONNBlock())
        for plan in [plan, plan.poolingFirst(), plan.inFullPrecision(), plan.withRealWeights()] {
            for layer in plan.layers { #expect(plan[layer.name] == layer) }
            #expect(plan["nothing"] == nil && plan[PlanBuilder.input] == nil)
        }
        let sign = try #require(plan.layers.first { $0.layer == .quantize }).name
        #expect(plan.inFullPrecision()[sign] == nil)
    }

    @Test(arguments: NetworksTests.quantized.map(\.name))
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
