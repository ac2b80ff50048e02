public import BONNImage
import CImageCodecs

/// The largest image that is decoded unless the caller says otherwise: the limit at which Pillow
/// refuses a file as a decompression bomb.
public let defaultMaximumPixels = 178_956_970

/// Reads a JPEG or PNG file, recognised by its content whatever it is called, as red, green and
/// blue.
///
/// The pixels are those of Pillow's `Image.open(path).convert("RGB")`: EXIF orientation is not
/// applied, transparency is dropped without blending, colour profiles are ignored, 16-bit gray is
/// clamped at 255. Unlike Pillow, damaged compressed data is always an error and never a partly
/// gray image.
///
/// Any number of threads may read at once.
///
/// - Parameters:
///   - path: The file.
///   - maximumPixels: Images of more pixels are refused before any memory is taken for them.
public func readImage(
    path: String, maximumPixels: Int = defaultMaximumPixels
) throws(ImageIOError) -> PixelBuffer {
    let bytes = try readFile(path: path) { beginning throws(ImageIOError) in
        _ = try ImageFormat(beginning, name: path)
    }
    return try decodeImage(bytes, name: path, maximumPixels: maximumPixels)
}

/// The width and height in pixels that the header of a JPEG or PNG file states; nothing is decoded.
public func readImageSize(path: String) throws(ImageIOError) -> (width: Int, height: Int) {
    let bytes = try readFile(path: path) { beginning throws(ImageIOError) in
        _ = try ImageFormat(beginning, name: path)
    }
    return try ImageFormat(bytes[...], name: path).size(of: bytes, name: path)
}

/// Decodes the bytes of a JPEG or PNG file; see `readImage(path:maximumPixels:)`.
///
/// - Parameters:
///   - bytes: The whole file.
///   - name: What errors call it.
///   - maximumPixels: Images of more pixels are refused before any memory is taken for them.
public func decodeImage(
    _ bytes: [UInt8], name: String, maximumPixels: Int = defaultMaximumPixels
) throws(ImageIOError) -> PixelBuffer {
    let format = try ImageFormat(bytes[...], name: name)
    let (w, h) = try format.size(of: bytes, name: name)
    guard w * h <= maximumPixels else {
        throw ImageIOError(
            .tooLarge, path: name,
            reason: "\(w)x\(h) pixels, more than the \(maximumPixels) that are allowed")
    }
    var failure: String?
    let pixels = [UInt8](unsafeUninitializedCapacity: w * h * 3) { buffer, initialized in
        failure = withMessage { message in
            switch format {
            case .jpeg:
                bonn_jpeg_decode(bytes, bytes.count, buffer.baseAddress, w * h * 3, message)
            case .png:
                bonn_png_decode(bytes, bytes.count, buffer.baseAddress, w * h * 3, message)
            }
        }
        initialized = failure == nil ? w * h * 3 : 0
    }
    if let failure { throw format.undecodable(name, failure) }
    return PixelBuffer(width: w, height: h, channels: 3, pixels: pixels)
}

/// The formats that are read.
private enum ImageFormat: String {
    case jpeg = "JPEG"
    case png = "PNG"

    /// Recognises the format by the first bytes of a file.
    init(_ bytes: ArraySlice<UInt8>, name: String) throws(ImageIOError) {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.isEmpty {
            throw ImageIOError(.notAnImage, path: name, reason: "the file is empty")
        } else {
            let other = Self.otherFormat(bytes).map { "is \($0)" } ?? "is not an image"
            throw ImageIOError(
                .notAnImage, path: name, reason: "\(other); only JPEG and PNG are read")
        }
    }

    /// The name of a format that people take for readable, with its article.
    private static func otherFormat(_ bytes: ArraySlice<UInt8>) -> String? {
        func begins(with text: String, at offset: Int = 0) -> Bool {
            bytes.dropFirst(offset).starts(with: text.utf8)
        }
        if begins(with: "GIF8") { return "a GIF image" }
        if begins(with: "RIFF") && begins(with: "WEBP", at: 8) { return "a WebP image" }
        if begins(with: "BM") { return "a BMP image" }
        if begins(with: "II*\0") || begins(with: "MM\0*") { return "a TIFF image" }
        if begins(with: "ftyp", at: 4) { return "a HEIF, AVIF or video file" }
        return nil
    }

    /// The size that the header states.
    func size(of bytes: [UInt8], name: String) throws(ImageIOError) -> (width: Int, height: Int) {
        var width: UInt32 = 0
        var height: UInt32 = 0
        let problem = withMessage { message in
            switch self {
            case .jpeg: bonn_jpeg_size(bytes, bytes.count, &width, &height, message)
            case .png: bonn_png_size(bytes, bytes.count, &width, &height, message)
            }
        }
        if let problem { throw undecodable(name, problem) }
        // Both formats hold sides of at most 31 bits, so the product fits.
        guard width > 0, height > 0 else {
            throw undecodable(name, "the image is \(width)x\(height) pixels")
        }
        return (Int(width), Int(height))
    }

    func undecodable(_ name: String, _ reason: String) -> ImageIOError {
        ImageIOError(
            .undecodable, path: name, reason: "cannot be decoded as \(rawValue): \(reason)")
    }
}

/// Runs a function of the codecs; its message if it failed.
func withMessage(_ body: (UnsafeMutablePointer<CChar>) -> CInt) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(BONN_CODEC_MESSAGE_SIZE)) {
        buffer in
        buffer.initialize(repeating: 0)
        let message = buffer.baseAddress.unsafelyUnwrapped
        return body(message) == 0 ? nil : String(cString: message)
    }
}
