public import BONNModelFormat

extension Preprocessing {
    /// Channels of the input: 3 or 1.
    public var channelCount: Int { channels == .rgb ? 3 : 1 }

    /// The largest side that any image of this library has (JPEG's limit).
    private static let largestSide = 65_535

    /// Checks the rule for contradictions.
    ///
    /// Throws `ImageError.invalidPreprocessing` that names the field.
    public func validate() throws(ImageError) {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(ImageError) {
            if !condition { throw ImageError(.invalidPreprocessing, "preprocessing: " + message()) }
        }
        let sides = 1...Self.largestSide
        try require(
            sides.contains(width) && sides.contains(height),
            "input of \(width)x\(height) pixels; each side must be 1 to \(Self.largestSide)")
        if case .shorterSide(let side) = resize {
            try require(
                sides.contains(side),
                "shorter side of \(side) pixels; it must be 1 to \(Self.largestSide)")
        }
        for (name, values) in [("mean", mean), ("std", std)] {
            try require(
                values.count == channelCount,
                "\(values.count) values of \(name) for \(channelCount) channels")
            try require(values.allSatisfy(\.isFinite), "\(name) is not finite: \(values)")
        }
        try require(std.allSatisfy { $0 > 0 }, "std is not positive: \(std)")
    }

    /// The image brought to the size and the channels of the input, still in bytes.
    ///
    /// `resize` is done first, then the centre crop, then the conversion of the channels. The sizes
    /// and offsets are torchvision's: the longer side is `shorter side * long / short` rounded
    /// down, the crop begins at half of what is left over, rounded half to even. Throws
    /// `ImageError.sizeMismatch` if the image is smaller than the crop, or, with `.none`, not
    /// exactly of the input's size.
    public func apply(_ image: PixelBuffer) throws(ImageError) -> PixelBuffer {
        try validate()
        let sized =
            switch resize {
            case .none: image
            case .stretch: image.resized(width: width, height: height)
            case .shorterSide(let side): try resizedAndCropped(image, shorterSide: side)
            }
        guard sized.width == width, sized.height == height else {
            throw ImageError(
                .sizeMismatch,
                "an image of \(width)x\(height) is needed, "
                    + "this one has \(image.width)x\(image.height)")
        }
        return channels == .rgb ? sized.rgb() : sized.gray()
    }

    private func resizedAndCropped(
        _ image: PixelBuffer, shorterSide side: Int
    ) throws(ImageError) -> PixelBuffer {
        let isUpright = image.width <= image.height
        let short = isUpright ? image.width : image.height
        let long = isUpright ? image.height : image.width
        let longSide = side * long / short
        let fullWidth = isUpright ? side : longSide
        let fullHeight = isUpright ? longSide : side
        guard fullWidth >= width, fullHeight >= height else {
            throw ImageError(
                .sizeMismatch,
                "a crop of \(width)x\(height) does not fit into an image of "
                    + "\(image.width)x\(image.height) resized to \(fullWidth)x\(fullHeight)")
        }
        let x = centreOffset(fullWidth, width)
        let y = centreOffset(fullHeight, height)
        if fullWidth == image.width && fullHeight == image.height {
            return try image.cropped(x: x, y: y, width: width, height: height)
        }
        return image.resized(
            width: fullWidth, height: fullHeight, columns: x..<x + width, rows: y..<y + height)
    }

    /// Half of what is left over, halves to even, as Python's `round`.
    private func centreOffset(_ full: Int, _ crop: Int) -> Int {
        Int((Double(full - crop) / 2).rounded(.toNearestOrEven))
    }

    /// Where the channels of a pixel stand.
    public enum PixelOrder: Sendable, CaseIterable {
        /// One plane a channel (CHW), as `InferenceSession.run(_:)` reads them.
        case planes
        /// Side by side (HWC), as in a `PixelBuffer`: as runtime and training lay images out.
        case interleaved
    }

    /// Writes an image of the input's size as single-precision values.
    ///
    /// - Parameters:
    ///   - image: As `apply` returns it.
    ///   - target: `channels * height * width` elements, which need not be initialised.
    ///   - order: Where the channels of a pixel stand.
    ///
    /// Throws `ImageError.sizeMismatch` if the image or the target is of another size.
    public func normalise(
        _ image: PixelBuffer, into target: UnsafeMutableBufferPointer<Float>,
        as order: PixelOrder = .planes
    ) throws(ImageError) {
        try validate()
        try requireInput(image)
        guard target.count == image.pixels.count, let base = target.baseAddress else {
            throw ImageError(
                .sizeMismatch,
                "a buffer of \(image.pixels.count) values is needed, this one has \(target.count)")
        }
        write(image, to: base, as: order)
    }

    /// The network's input for an image of any size: `apply`, then `normalise`; `[C, H, W]`.
    public func input(_ image: PixelBuffer) throws(ImageError) -> [Float] {
        let sized = try apply(image)
        return [Float](unsafeUninitializedCapacity: sized.pixels.count) { buffer, count in
            if let base = buffer.baseAddress { write(sized, to: base, as: .planes) }
            count = sized.pixels.count
        }
    }

    private func requireInput(_ image: PixelBuffer) throws(ImageError) {
        guard image.width == width, image.height == height, image.channels == channelCount else {
            throw ImageError(
                .sizeMismatch,
                "an image of \(width)x\(height)x\(channelCount) is needed, "
                    + "this one has \(image.width)x\(image.height)x\(image.channels)")
        }
    }

    private func write(
        _ image: PixelBuffer, to target: UnsafeMutablePointer<Float>, as order: PixelOrder
    ) {
        let table = PixelTable(self)
        let count = image.width * image.height
        image.withPixels { pixels in
            switch order {
            case .planes: table.writePlanes(pixels, count: count, to: target)
            case .interleaved: table.write(pixels, count: count, to: target)
            }
        }
    }
}
