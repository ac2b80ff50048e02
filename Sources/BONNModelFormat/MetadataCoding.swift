// Preprocessing and parity as JSON, each reader beside its writer.

extension Preprocessing {
    init(json: JSONValue) throws(ModelFormatError) {
        let place = "preprocessing"
        var fields = try JSONFields(json, place: place)
        let resize = try Resize(json: try fields.value("resize"))
        self.init(
            width: try fields.int("width"), height: try fields.int("height"), resize: resize,
            channels: try fields.name("channels", of: Channels.allCases),
            mean: try fields.floats("mean"), std: try fields.floats("std"))
        if fields.has("orientation") {
            orientation = try fields.name("orientation", of: Orientation.allCases)
        }
        try fields.finish()
    }

    func json() throws(ModelFormatError) -> JSONValue {
        .object([
            JSONMember("width", .int(width)),
            JSONMember("height", .int(height)),
            JSONMember("resize", resize.json),
            JSONMember("channels", .string(channels.rawValue)),
            JSONMember("mean", try numbers(mean, key: "mean")),
            JSONMember("std", try numbers(std, key: "std")),
            JSONMember("orientation", .string(orientation.rawValue)),
        ])
    }

    private func numbers(_ values: [Float], key: String) throws(ModelFormatError) -> JSONValue {
        var numbers: [JSONValue] = []
        for value in values {
            guard let number = JSONNumber(value) else {
                throw notFinite("preprocessing, key '\(key)'", value.description)
            }
            numbers.append(.number(number))
        }
        return .array(numbers)
    }
}

extension Preprocessing.Resize {
    private enum Rule: String, CaseIterable {
        case none
        case stretch
        case shorterSide = "shorter_side"
    }

    fileprivate init(json: JSONValue) throws(ModelFormatError) {
        var fields = try JSONFields(json, place: "preprocessing, key 'resize'")
        switch try fields.name("rule", of: Rule.allCases) {
        case .none: self = .none
        case .stretch: self = .stretch
        case .shorterSide: self = .shorterSide(try fields.int("pixels"))
        }
        try fields.finish()
    }

    fileprivate var json: JSONValue {
        switch self {
        case .none: .object([JSONMember("rule", .string(Rule.none.rawValue))])
        case .stretch: .object([JSONMember("rule", .string(Rule.stretch.rawValue))])
        case .shorterSide(let pixels):
            .object([
                JSONMember("rule", .string(Rule.shorterSide.rawValue)),
                JSONMember("pixels", .int(pixels)),
            ])
        }
    }
}

extension ParityCertificate {
    init(json: JSONValue) throws(ModelFormatError) {
        var fields = try JSONFields(json, place: "parity")
        self.init(
            images: try fields.int("images"), top1Agreement: try fields.double("top1_agreement"),
            maxAbsDifference: try fields.double("max_abs_difference"),
            maxRelativeDifference: try fields.double("max_relative_difference"),
            kernels: try fields.names("kernels").map(\.text))
        if let network = try fields.optionalName("network") {
            self.network = SHA256.Digest(network.text)
            guard self.network != nil else {
                throw ModelFormatError(
                    .parity, "parity, key 'network'", expected: "64 hexadecimal digits",
                    found: "'\(abbreviated(network))'", fix: "export the model again")
            }
        }
        try fields.finish()
    }

    func json() throws(ModelFormatError) -> JSONValue {
        .object(
            [
                JSONMember("images", .int(images)),
                JSONMember("top1_agreement", try number(top1Agreement, key: "top1_agreement")),
                JSONMember(
                    "max_abs_difference", try number(maxAbsDifference, key: "max_abs_difference")),
                JSONMember(
                    "max_relative_difference",
                    try number(maxRelativeDifference, key: "max_relative_difference")),
                JSONMember("kernels", .array(kernels.map(JSONValue.string))),
            ] + (network.map { [JSONMember("network", .string($0.description))] } ?? []))
    }

    private func number(_ value: Double, key: String) throws(ModelFormatError) -> JSONValue {
        guard let number = JSONNumber(value) else {
            throw notFinite("parity, key '\(key)'", value.description)
        }
        return .number(number)
    }
}

private func notFinite(_ place: String, _ found: String) -> ModelFormatError {
    ModelFormatError(
        .nonFinite, place, expected: "a finite number", found: found, fix: "correct the value")
}
