// Every operation's payload as JSON keys, its reader beside its writer.

extension Operation {
    /// Reads the payload of the operation called `name`.
    init(name: Name, _ fields: inout JSONFields) throws(ModelFormatError) {
        guard let kind = Kind.allCases.first(where: { Name($0.rawValue) == name }) else {
            throw ModelFormatError(
                .unknownOperation, fields.place,
                expected: "one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))",
                found: "'\(abbreviated(name))'",
                fix: "this version can not run the model; update it")
        }
        switch kind {
        case .convolution: self = .convolution(try Convolution(&fields))
        case .binaryConvolution: self = .binaryConvolution(try BinaryConvolution(&fields))
        case .linear: self = .linear(try Linear(&fields))
        case .binaryLinear: self = .binaryLinear(try BinaryLinear(&fields))
        case .batchNorm: self = .batchNorm(try BatchNorm(&fields))
        case .threshold: self = .threshold(try Threshold(&fields))
        case .quantize:
            self = .quantize(Quantize(inverseScale: try fields.name("inverse_scale")))
        case .maxPool: self = .maxPool(Pool(window: try Window(pool: &fields)))
        case .averagePool:
            self = .averagePool(
                Pool(
                    window: try Window(pool: &fields),
                    countsPadding: try fields.bool("counts_padding")))
        case .globalAveragePool: self = .globalAveragePool
        case .relu: self = .relu
        case .prelu: self = .prelu(PReLU(slope: try fields.name("slope")))
        case .hardtanh: self = .hardtanh
        case .sigmoid: self = .sigmoid
        case .add: self = .add
        case .multiply: self = .multiply
        case .concatenate: self = .concatenate
        case .flatten: self = .flatten
        }
    }

    /// The payload's keys and values, in the order in which they are written.
    var members: [JSONMember] {
        switch self {
        case .convolution(let convolution): convolution.members
        case .binaryConvolution(let convolution): convolution.members
        case .linear(let linear): linear.members
        case .binaryLinear(let linear): linear.members
        case .batchNorm(let batchNorm): batchNorm.members
        case .threshold(let threshold): threshold.members
        case .quantize(let quantize):
            [JSONMember("inverse_scale", .string(quantize.inverseScale.text))]
        case .maxPool(let pool): pool.window.poolMembers
        case .averagePool(let pool):
            pool.window.poolMembers + [JSONMember("counts_padding", .bool(pool.countsPadding))]
        case .prelu(let prelu): [JSONMember("slope", .string(prelu.slope.text))]
        case .globalAveragePool, .relu, .hardtanh, .sigmoid, .add, .multiply, .concatenate,
            .flatten:
            []
        }
    }
}

extension Window {
    /// A convolution's window: only `kernel` must be given.
    fileprivate init(convolution fields: inout JSONFields) throws(ModelFormatError) {
        let kernel = try fields.ints("kernel", count: 2)
        let stride = fields.has("stride") ? try fields.ints("stride", count: 2) : [1, 1]
        let padding = fields.has("padding") ? try fields.ints("padding", count: 4) : [0, 0, 0, 0]
        let dilation = fields.has("dilation") ? try fields.ints("dilation", count: 2) : [1, 1]
        self.init(kernel: kernel, stride: stride, padding: padding, dilation: dilation)
    }

    /// A pooling window: `kernel` and `stride` must be given, there is no dilation.
    fileprivate init(pool fields: inout JSONFields) throws(ModelFormatError) {
        let kernel = try fields.ints("kernel", count: 2)
        let stride = try fields.ints("stride", count: 2)
        let padding = fields.has("padding") ? try fields.ints("padding", count: 4) : [0, 0, 0, 0]
        self.init(kernel: kernel, stride: stride, padding: padding, dilation: [1, 1])
    }

    private init(kernel: [Int], stride: [Int], padding: [Int], dilation: [Int]) {
        self.init(
            height: kernel[0], width: kernel[1], strideHeight: stride[0], strideWidth: stride[1],
            padTop: padding[0], padBottom: padding[1], padLeft: padding[2], padRight: padding[3],
            dilationHeight: dilation[0], dilationWidth: dilation[1])
    }

    fileprivate var poolMembers: [JSONMember] {
        [
            JSONMember("kernel", .ints([height, width])),
            JSONMember("stride", .ints([strideHeight, strideWidth])),
            JSONMember("padding", .ints([padTop, padBottom, padLeft, padRight])),
        ]
    }

    fileprivate var convolutionMembers: [JSONMember] {
        poolMembers + [JSONMember("dilation", .ints([dilationHeight, dilationWidth]))]
    }
}

extension Convolution {
    fileprivate init(_ fields: inout JSONFields) throws(ModelFormatError) {
        self.init(
            window: try Window(convolution: &fields),
            groups: fields.has("groups") ? try fields.int("groups") : 1,
            weight: try fields.name("weight"),
            weightScale: try fields.optionalName("weight_scale"),
            bias: try fields.optionalName("bias"))
    }

    fileprivate var members: [JSONMember] {
        window.convolutionMembers + [
            JSONMember("groups", .int(groups)), JSONMember("weight", .string(weight.text)),
        ] + optional("weight_scale", weightScale) + optional("bias", bias)
    }
}

extension BinaryConvolution {
    fileprivate init(_ fields: inout JSONFields) throws(ModelFormatError) {
        self.init(
            window: try Window(convolution: &fields),
            paddingValue: try fields.name("padding_value", of: PaddingValue.allCases),
            groups: fields.has("groups") ? try fields.int("groups") : 1,
            inputChannels: try fields.int("input_channels"), weight: try fields.name("weight"),
            scale: try fields.optionalName("scale"), bias: try fields.optionalName("bias"))
    }

    fileprivate var members: [JSONMember] {
        window.convolutionMembers + [
            JSONMember("padding_value", .string(paddingValue.rawValue)),
            JSONMember("groups", .int(groups)), JSONMember("input_channels", .int(inputChannels)),
            JSONMember("weight", .string(weight.text)),
        ] + optional("scale", scale) + optional("bias", bias)
    }
}

extension Linear {
    fileprivate init(_ fields: inout JSONFields) throws(ModelFormatError) {
        self.init(
            weight: try fields.name("weight"),
            weightScale: try fields.optionalName("weight_scale"),
            bias: try fields.optionalName("bias"))
    }

    fileprivate var members: [JSONMember] {
        [JSONMember("weight", .string(weight.text))] + optional("weight_scale", weightScale)
            + optional("bias", bias)
    }
}

extension BinaryLinear {
    fileprivate init(_ fields: inout JSONFields) throws(ModelFormatError) {
        self.init(
            inputFeatures: try fields.int("input_features"), weight: try fields.name("weight"),
            scale: try fields.optionalName("scale"), bias: try fields.optionalName("bias"))
    }

    fileprivate var members: [JSONMember] {
        [
            JSONMember("input_features", .int(inputFeatures)),
            JSONMember("weight", .string(weight.text)),
        ]
            + optional("scale", scale) + optional("bias", bias)
    }
}

extension BatchNorm {
    fileprivate init(_ fields: inout JSONFields) throws(ModelFormatError) {
        self.init(scale: try fields.name("scale"), shift: try fields.name("shift"))
    }

    fileprivate var members: [JSONMember] {
        [JSONMember("scale", .string(scale.text)), JSONMember("shift", .string(shift.text))]
    }
}

extension Threshold {
    fileprivate init(_ fields: inout JSONFields) throws(ModelFormatError) {
        self.init(
            threshold: try fields.name("threshold"), direction: try fields.name("direction"),
            levels: try fields.name("levels", of: [.signedBits, .unsignedBits]))
    }

    fileprivate var members: [JSONMember] {
        [
            JSONMember("threshold", .string(threshold.text)),
            JSONMember("direction", .string(direction.text)),
            JSONMember("levels", .string(levels.rawValue)),
        ]
    }
}

/// The key when there is a value, else nothing.
private func optional(_ key: Name, _ value: Name?) -> [JSONMember] {
    value.map { [JSONMember(key, .string($0.text))] } ?? []
}
