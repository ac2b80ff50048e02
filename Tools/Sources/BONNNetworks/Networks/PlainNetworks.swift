import BONNModelFormat

/// Networks without shortcuts.
extension NetworkEntry {
    /// 2 x 128 C3, pooling, 2 x 256 C3, pooling, 2 x 512 C3, pooling, a fully connected layer: the
    /// "VGG-small" of the tables, whose first and last layers are real.
    static let vggSmall = NetworkEntry(
        name: "vgg-small", title: "VGG-small, 6 convolutions",
        paper: "Zhang et al., LQ-Nets, ECCV 2018 (after BinaryConnect's network)", stem: nil,
        widths: [128, 256, 512], widthsMeaning: "3 pairs of convolutions",
        input: Shape(3, 32, 32), classes: 10, smallestSide: 8
    ) { widths, _ in
        PlainNetwork(first: .convolution(widths[0]), units: pairs(widths))
    }

    /// 2 x 128 C3, pooling, 2 x 256 C3, pooling, 2 x 512 C3, pooling, 2 x 1024 FC, 10: all weights are
    /// quantized, the first and the last ones too.
    static let binaryConnectNet = NetworkEntry(
        name: "convnet", title: "the ConvNet of BinaryConnect and BNN",
        paper: "Courbariaux et al., BinaryConnect, NIPS 2015", stem: nil,
        widths: [128, 256, 512, 1024],
        widthsMeaning: "3 pairs of convolutions and the fully connected layers",
        input: Shape(3, 32, 32), classes: 10, smallestSide: 8
    ) { widths, _ in
        PlainNetwork(
            first: .convolution(widths[0]),
            units: pairs(Array(widths.prefix(3))) + [.linear(widths[3]), .linear(widths[3])],
            quantizesEnds: true)
    }

    /// 3 x 2048 FC, 10: the permutation-invariant network for MNIST; all weights are quantized.
    static let multilayerPerceptron = NetworkEntry(
        name: "mlp", title: "the fully connected network of BinaryConnect and BNN",
        paper: "Courbariaux et al., BinaryConnect, NIPS 2015 (3 x 2048, as in its code)", stem: nil,
        widths: [2048, 2048, 2048], widthsMeaning: "3 fully connected layers",
        input: Shape(1, 28, 28), classes: 10, smallestSide: 1
    ) { widths, _ in
        PlainNetwork(
            first: .linear(widths[0]), units: [.linear(widths[1]), .linear(widths[2])],
            quantizesEnds: true)
    }

    /// 2 x 128 C3, pooling, 2 x 256 C3, pooling, 2 x 512 C3, pooling, 1024 FC, 10: all weights are quantized, the
    /// first and the last ones too.
    static let vgg7 = NetworkEntry(
        name: "vgg7", title: "the VGG of WAGE, 6 convolutions and 2 fully connected layers",
        paper: "Wu et al., Training and Inference with Integers, ICLR 2018", stem: nil,
        widths: [128, 256, 512, 1024],
        widthsMeaning: "3 pairs of convolutions and the fully connected layer",
        input: Shape(3, 32, 32), classes: 10, smallestSide: 8
    ) { widths, _ in
        PlainNetwork(
            first: .convolution(widths[0]),
            units: pairs(Array(widths.prefix(3))) + [.linear(widths[3])], quantizesEnds: true)
    }

    /// The convolutions of three pairs behind the first one.
    private static func pairs(_ widths: [Int]) -> [PlainNetwork.Unit] {
        let half = Window(2, stride: 2)
        return [.convolution(widths[0], pool: half)]
            + widths.dropFirst().flatMap { width in
                [.convolution(width), .convolution(width, pool: half)]
            }
    }

    /// 20 C5, pooling, 50 C5, pooling, 500 FC, 10: Caffe's LeNet.
    static let leNet5 = NetworkEntry(
        name: "lenet5", title: "LeNet-5 with batch norm",
        paper: "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998 "
            + "(Caffe's widths)",
        stem: nil, widths: [20, 50, 500],
        widthsMeaning: "2 convolutions and a fully connected layer",
        input: Shape(1, 28, 28), classes: 10, smallestSide: 16
    ) { widths, _ in
        let half = Window(2, stride: 2)
        return PlainNetwork(
            first: .convolution(widths[0], Window(5), pool: half),
            units: [.convolution(widths[1], Window(5), pool: half), .linear(widths[2])])
    }

    /// 192 C5, 160 C1, 96 C1, pooling, 192 C5, 2 x 192 C1, pooling, 192 C3, 192 C1, and a last layer that
    /// stands behind the mean of each channel, with which its 1x1 convolution commutes.
    static let networkInNetwork = NetworkEntry(
        name: "nin", title: "Network in Network",
        paper: "Lin et al., Network In Network, ICLR 2014", stem: nil,
        widths: [192, 160, 96, 192, 192],
        widthsMeaning: "the layers of the first block, and those of the second and the third",
        input: Shape(3, 32, 32), classes: 10, smallestSide: 8
    ) { widths, _ in
        let pool = Window(3, stride: 2, padding: 1)
        let five = Window(5, padding: 2)
        return PlainNetwork(
            first: .convolution(widths[0], five),
            units: [
                .convolution(widths[1], Window(1)), .convolution(widths[2], Window(1), pool: pool),
                .convolution(widths[3], five), .convolution(widths[3], Window(1)),
                .convolution(widths[3], Window(1), pool: pool),
                .convolution(widths[4]), .convolution(widths[4], Window(1)),
            ], averages: true)
    }

    /// AlexNet without groups and with batch norm in the place of local response normalization.
    static let alexNet = NetworkEntry(
        name: "alexnet", title: "AlexNet with batch norm",
        paper: "Krizhevsky et al., ImageNet Classification with Deep CNNs, NIPS 2012", stem: nil,
        widths: [96, 256, 384, 384, 256, 4096],
        widthsMeaning: "5 convolutions and the fully connected layers",
        input: Shape(3, 224, 224), classes: 1000, smallestSide: 63
    ) { widths, _ in
        let pool = Window(3, stride: 2)
        return PlainNetwork(
            first: .convolution(widths[0], Window(11, stride: 4, padding: 2), pool: pool),
            units: [
                .convolution(widths[1], Window(5, padding: 2), pool: pool),
                .convolution(widths[2]), .convolution(widths[3]),
                .convolution(widths[4], pool: pool),
                .linear(widths[5]), .linear(widths[5]),
            ])
    }
}
