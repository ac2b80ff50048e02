import BONNModelFormat
import BONNTestSupport

/// Random networks in which every operation, element type and option occurs.
enum RandomModels {
    /// A network of `depth` random operations over everything that came before, and a head.
    static func model(seed: UInt64, depth: Int = 14) -> ModelFile {
        var seeds = SeededGenerator(seed: seed)
        let shape = Shape(seeds.integer(1...9), seeds.integer(3...9), seeds.integer(3...9))
        var builder = ModelBuilder(
            seed: seeds.next(), input: shape, element: seeds.oneIn(3) ? .byte : .real)
        var names: [Name] = ["input"]
        for _ in 0..<depth {
            // The last values more often than the first ones, so that networks become deep.
            let x = names[max(0, names.count - builder.generator.integer(1...4))]
            names.append(grow(&builder, x, names))
        }
        let output = head(&builder, names[names.count - 1])
        return builder.model(output: output)
    }

    /// A network with a stem so large that its convolution is pooled row by row, where nothing else
    /// reads it, and a few random operations behind it.
    static func modelWithStem(seed: UInt64) -> ModelFile {
        var seeds = SeededGenerator(seed: seed)
        let shape = Shape(seeds.integer(1...4), seeds.integer(34...40), seeds.integer(17...24))
        var builder = ModelBuilder(seed: seeds.next(), input: shape)
        let input = seeds.oneIn(3) ? builder.quantize("input") : "input"
        let isDepthwise = seeds.oneIn(4)
        var x = builder.convolution(
            input, outputs: isDepthwise ? shape.channels : seeds.integer(1...20),
            window: Window(seeds.pick([1, 3, 5]), padding: seeds.integer(0...2)),
            groups: isDepthwise ? shape.channels : 1,
            weights: input == "input" ? seeds.pick(ModelBuilder.Weights.allCases) : .bytes,
            hasBias: seeds.oneIn(2))
        if seeds.oneIn(2) { x = builder.batchNorm(x) }
        if seeds.oneIn(2) { x = builder.prelu(x, perChannel: true) }
        let size = seeds.integer(1...3)
        let window = Window(size, stride: seeds.integer(1...2), padding: (size - 1) / 2)
        x =
            seeds.oneIn(2)
            ? builder.maxPool(x, window)
            : builder.averagePool(x, window, countsPadding: seeds.oneIn(2))
        // An operand that is there before the pooling, where it fits.
        if shape == builder.shape(x), seeds.oneIn(2) { x = builder.add(x, "input") }
        var names = [x]
        for _ in 0..<2 { names.append(grow(&builder, names[names.count - 1], names)) }
        let output = head(&builder, names[names.count - 1])
        return builder.model(output: output)
    }

    /// One image for a model.
    static func image(for model: ModelFile, _ generator: inout SeededGenerator) -> [Float] {
        let input = model.metadata.graph.input
        return input.element == .byte
            ? (0..<input.shape.count).map { _ in Float(generator.integer(0...255)) }
            : generator.reals(input.shape.count)
    }

    private static func grow(
        _ builder: inout ModelBuilder, _ x: Name, _ names: [Name]
    ) -> Name {
        let type = builder.types[x]!
        if type.element != .signedByte, type.shape.channels < 200, builder.generator.oneIn(6) {
            let others = names.filter {
                let other = builder.types[$0]!
                return other.element == type.element && other.shape.height == type.shape.height
                    && other.shape.width == type.shape.width
            }
            return builder.concatenate([x, builder.generator.pick(others), x])
        }
        switch type.element {
        case .real: return growReal(&builder, x, names)
        case .integer:
            return builder.generator.oneIn(2)
                ? builder.batchNorm(x) : threshold(&builder, x)
        case .signedByte: return convolution(&builder, x)
        case .byte:
            return builder.generator.oneIn(2)
                ? convolution(&builder, x) : threshold(&builder, x)
        case .signedBits, .unsignedBits:
            return builder.generator.oneIn(5)
                ? builder.maxPool(x, pooling(&builder, x)) : binaryConvolution(&builder, x)
        }
    }

    private static func growReal(
        _ builder: inout ModelBuilder, _ x: Name, _ names: [Name]
    ) -> Name {
        switch builder.generator.integer(0...15) {
        case 0: return convolution(&builder, x)
        case 1: return builder.batchNorm(x)
        case 2: return builder.maxPool(x, pooling(&builder, x))
        case 3:
            let countsPadding = builder.generator.oneIn(2)
            return builder.averagePool(x, pooling(&builder, x), countsPadding: countsPadding)
        case 4: return builder.relu(x)
        case 5: return builder.hardtanh(x)
        case 6: return builder.prelu(x, perChannel: builder.generator.oneIn(2))
        case 9: return builder.quantize(x)
        case 7, 8:
            let others = names.filter { builder.types[$0] == builder.types[x] }
            return builder.add(x, builder.generator.pick(others))
        case 10: return builder.sigmoid(x)
        case 11, 12: return multiply(&builder, x, names)
        default: return threshold(&builder, x)
        }
    }

    /// A product with a value that is there, or with a gate of the value's own: a factor a channel or a
    /// pixel.
    private static func multiply(_ builder: inout ModelBuilder, _ x: Name, _ names: [Name]) -> Name
    {
        let shape = builder.shape(x)
        switch builder.generator.integer(0...2) {
        case 0:
            let means = builder.globalAveragePool(x)
            let gate = builder.convolution(means, outputs: shape.channels, window: Window(1))
            return builder.multiply(x, builder.sigmoid(gate))
        case 1: return builder.multiply(x, builder.convolution(x, outputs: 1, window: Window(1)))
        default:
            let others = names.filter {
                let type = builder.types[$0]!
                return type.element == .real
                    && [
                        shape, Shape(shape.channels, 1, 1), Shape(1, shape.height, shape.width),
                    ].contains(type.shape)
            }
            return builder.multiply(x, builder.generator.pick(others))
        }
    }

    private static func threshold(_ builder: inout ModelBuilder, _ x: Name) -> Name {
        builder.threshold(
            x, levels: builder.generator.oneIn(3) ? .unsignedBits : .signedBits)
    }

    private static func pooling(_ builder: inout ModelBuilder, _ x: Name) -> Window {
        var window = builder.generator.window(
            in: builder.shape(x), largest: 3, stride: 2, dilation: 1, padding: 2)
        window.padTop = min(window.padTop, window.height - 1)
        window.padBottom = window.padTop
        window.padLeft = min(window.padLeft, window.width - 1)
        window.padRight = window.padLeft
        let shape = builder.shape(x)
        let fits =
            window.height <= shape.height + 2 * window.padTop
            && window.width <= shape.width + 2 * window.padLeft
        return fits ? window : Window(1)
    }

    private static func groups(_ builder: inout ModelBuilder, _ x: Name) -> Int {
        let channels = builder.shape(x).channels
        guard builder.generator.oneIn(2) else { return 1 }
        return builder.generator.pick((1...channels).filter { channels % $0 == 0 })
    }

    private static func convolution(_ builder: inout ModelBuilder, _ x: Name) -> Name {
        let groups = groups(&builder, x)
        let window = builder.generator.window(
            in: builder.shape(x), largest: 3, stride: 2, dilation: 2, padding: 2)
        let outputs = groups * builder.generator.integer(1...max(1, 20 / groups))
        let weights =
            builder.types[x]!.element == .signedByte
            ? .bytes : builder.generator.pick(ModelBuilder.Weights.allCases)
        let hasBias = builder.generator.oneIn(2)
        return builder.convolution(
            x, outputs: outputs, window: window, groups: groups, weights: weights, hasBias: hasBias)
    }

    private static func binaryConvolution(_ builder: inout ModelBuilder, _ x: Name) -> Name {
        let groups = groups(&builder, x)
        let window = builder.generator.window(
            in: builder.shape(x), largest: 4, stride: 2, dilation: 2, padding: 3)
        let isSigned = builder.types[x]!.element == .signedBits
        let padding = builder.generator.pick(
            isSigned ? PaddingValue.allCases : [.zero, .plusOne])
        let outputs = groups * builder.generator.integer(1...max(1, 70 / groups))
        let scale = builder.generator.pick(ModelBuilder.Scale.allCases)
        return builder.binaryConvolution(
            x, outputs: outputs, window: window, padding: padding, groups: groups, scale: scale)
    }

    private static func head(_ builder: inout ModelBuilder, _ x: Name) -> Name {
        let flat: Name
        if builder.types[x]!.element == .signedByte {
            return head(&builder, convolution(&builder, x))
        }
        if builder.types[x]!.element == .real && builder.generator.oneIn(2) {
            flat = builder.globalAveragePool(x)
        } else {
            flat = builder.flatten(x)
        }
        switch builder.types[flat]!.element {
        case .real:
            guard builder.generator.oneIn(2) else {
                let weights = builder.generator.pick(ModelBuilder.Weights.allCases)
                return builder.linear(flat, outputs: 5, weights: weights)
            }
            return builder.linear(builder.quantize(flat), outputs: 5, weights: .bytes)
        case .signedByte: return builder.linear(flat, outputs: 5, weights: .bytes)
        case .integer: return builder.batchNorm(flat)
        case .byte:
            let bits = builder.threshold(flat)
            return builder.binaryLinear(bits, outputs: 5, scale: .none)
        case .signedBits, .unsignedBits:
            let scale = builder.generator.pick(ModelBuilder.Scale.allCases)
            return builder.binaryLinear(flat, outputs: 5, scale: scale)
        }
    }
}
