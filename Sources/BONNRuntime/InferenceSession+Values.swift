public import BONNModelFormat

extension InferenceSession {
    /// Runs the network and gives back intermediate values, for parity checks and for tests.
    ///
    /// - Parameters:
    ///   - names: values that the model was loaded with `exposing:`, or its logits.
    ///   - input: as for `run(_:)`.
    /// - Returns: for every name `[N, C, H, W]` as real numbers: bits as their levels, integers
    ///   as they are.
    /// - Throws: `RuntimeError` with `.unknownValue`, or as `run(_:)`.
    public mutating func values(
        of names: [Name], input: [Float]
    ) throws(RuntimeError) -> [Name: [Float]] {
        var indices: [Name: Int] = [:]
        for name in names {
            guard let index = model.values.firstIndex(where: { $0.name == name }),
                model.exposed.contains(index) || index == model.output
            else {
                throw RuntimeError(
                    .unknownValue,
                    "the value \"\(name)\" is not stored; load the model with exposing: it")
            }
            indices[name] = index
        }
        let images = try imageCount(of: input.count)
        try stage(input.span, images: images)
        try execute(images: images)
        return indices.mapValues { contents(of: $0, images: images) }
    }

    /// A value of the arena as `[N, C, H, W]`.
    private func contents(of index: Int, images: Int) -> [Float] {
        let value = model.values[index]
        let place = engine.memory.base + engine.plan.offsets[index]
        let pixels = value.shape.height * value.shape.width
        let channels = value.shape.channels
        let words = BitLayout.words(forChannels: channels)
        var result = [Float](repeating: 0, count: images * value.shape.count)
        for image in 0..<images {
            for channel in 0..<channels {
                let to = (image * channels + channel) * pixels
                for pixel in 0..<pixels {
                    let from = image * pixels + pixel
                    let element = from * channels + channel
                    result[to + pixel] =
                        switch value.element {
                        case .real, .byte:
                            place.load(fromByteOffset: 4 * element, as: Float.self)
                        case .integer:
                            Float(place.load(fromByteOffset: 4 * element, as: Int32.self))
                        case .signedByte:
                            Float(place.load(fromByteOffset: element, as: Int8.self))
                        case .signedBits, .unsignedBits:
                            level(
                                place.load(
                                    fromByteOffset: 8 * (from * words + channel / 64),
                                    as: UInt64.self) >> UInt64(channel % 64) & 1,
                                value.element)
                        }
                }
            }
        }
        return result
    }

    private func level(_ bit: UInt64, _ element: ElementType) -> Float {
        bit == 0 ? 1 : element == .signedBits ? -1 : 0
    }
}
