public import BONNImage
public import BONNModelFormat

/// Reads a JPEG, PNG, GIF or WebP file, recognised by its content whatever it is called, as red, green
/// and blue.
///
/// The pixels are those of Pillow's `Image.open(path).convert("RGB")`: of several frames the first,
/// transparency is dropped without blending, colour profiles are ignored. Two things differ: damaged
/// compressed data is always an error and never a partly gray image, and 16-bit gray is scaled to 8
/// bits and not clamped at 255.
///
/// Any number of threads may read at once.
///
/// - Parameters:
///   - path: The file.
///   - orientation: Whether the image is turned as its EXIF data says; see `exifTurning(of:)`.
///   - budget: What decoding may take; images of more are refused before any memory is taken for
///     them, and files of more before they are read.
public func readImage(
    path: String, orientation: Preprocessing.Orientation, budget: DecodingBudget = .standard
) throws(ImageIOError) -> PixelBuffer {
    try decodeImage(
        try readImageFile(path: path, budget: budget), name: path, orientation: orientation,
        budget: budget)
}

/// The width and height in pixels of an image file, as its header states them and after it was turned
/// as asked; nothing is decoded.
public func readImageSize(
    path: String, orientation: Preprocessing.Orientation, budget: DecodingBudget = .standard
) throws(ImageIOError) -> (width: Int, height: Int) {
    let bytes = try readImageFile(path: path, budget: budget)
    let format = try ImageFormat(bytes[...], name: path)
    let header = try format.header(of: bytes, name: path)
    let turning = orientation == .exif ? exifTurning(of: bytes) : .none
    return turning.exchangesSides
        ? (header.height, header.width) : (header.width, header.height)
}

/// Decodes the bytes of an image file; see `readImage(path:orientation:budget:)`.
///
/// - Parameters:
///   - bytes: The whole file.
///   - name: What errors call it.
///   - orientation: Whether the image is turned as its EXIF data says.
///   - budget: What decoding may take.
public func decodeImage(
    _ bytes: [UInt8], name: String, orientation: Preprocessing.Orientation,
    budget: DecodingBudget = .standard
) throws(ImageIOError) -> PixelBuffer {
    let format = try ImageFormat(bytes[...], name: name)
    let header = try format.header(of: bytes, name: name)
    let turning = orientation == .exif ? exifTurning(of: bytes) : .none
    guard let needed = header.bytes(turned: turning != .none), needed <= budget.bytes else {
        throw tooLarge(header, turned: turning != .none, name, budget)
    }
    // Tables are not a reason to refuse an image, as hardly any has many; but a file that has them is
    // decoded alone.
    let held = min(budget.bytes, needed.addingReportingOverflow(header.tableBytes).partialValue)
    return try budget.holding(held) { () throws(ImageIOError) in
        let (w, h) = (header.width, header.height)
        var failure: String?
        let pixels = [UInt8](unsafeUninitializedCapacity: w * h * 3) { buffer, initialized in
            // The buffer may be larger than asked for.
            let image = UnsafeMutableBufferPointer(rebasing: buffer[..<(w * h * 3)])
            failure = format.decode(bytes, into: image)
            initialized = failure == nil ? w * h * 3 : 0
        }
        if let failure { throw format.undecodable(name, failure) }
        return PixelBuffer(width: w, height: h, channels: 3, pixels: pixels).turned(turning)
    }
}

private func readImageFile(path: String, budget: DecodingBudget) throws(ImageIOError) -> [UInt8] {
    try readFile(path: path, atMost: budget.bytes) { beginning throws(ImageIOError) in
        _ = try ImageFormat(beginning, name: path)
    }
}

private func tooLarge(
    _ header: ImageHeader, turned isTurned: Bool, _ name: String, _ budget: DecodingBudget
) -> ImageIOError {
    func megabytes(_ bytes: Int) -> String { "\((bytes - 1) / 1_000_000 + 1) MB" }
    let needed = header.bytes(turned: isTurned).map(megabytes) ?? "more memory than there can be"
    return ImageIOError(
        .tooLarge, path: name,
        reason:
            "decoding its \(header.width)x\(header.height) pixels takes \(needed), more than the "
            + "\(megabytes(budget.bytes)) that are allowed; make it smaller, or allow more")
}
