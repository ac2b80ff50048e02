import CImageCodecs

/// The formats that are read.
enum ImageFormat: String {
    case jpeg = "JPEG"
    case png = "PNG"
    case gif = "GIF"
    case webp = "WebP"

    /// Bytes at the start of a file that name every format.
    static let beginning = 16

    /// Recognises the format by the first bytes of a file.
    init(_ bytes: ArraySlice<UInt8>, name: String) throws(ImageIOError) {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts("GIF87a") || bytes.starts("GIF89a") {
            self = .gif
        } else if bytes.starts("RIFF") && bytes.starts("WEBP", at: 8) {
            self = .webp
        } else if bytes.isEmpty {
            throw ImageIOError(.notAnImage, path: name, reason: "the file is empty")
        } else {
            let other = Self.otherFormat(bytes)
            throw ImageIOError(
                .notAnImage, path: name,
                reason: (other.map { "is \($0)" } ?? "is not an image")
                    + "; only JPEG, PNG, GIF and WebP are read"
                    + (other == nil ? "" : ", convert it to PNG"))
        }
    }

    /// The name of a format that people take for readable, with its article.
    private static func otherFormat(_ bytes: ArraySlice<UInt8>) -> String? {
        if bytes.starts("BM") { return "a BMP image" }
        if bytes.starts("II*\0") || bytes.starts("MM\0*") { return "a TIFF image" }
        if bytes.starts("ftyp", at: 4) { return "a HEIF, AVIF or video file" }
        if bytes.starts(with: [0xFF, 0x0A]) || bytes.starts("JXL ", at: 4) {
            return "a JPEG XL image"
        }
        if bytes.starts("jP  ", at: 4) || bytes.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) {
            return "a JPEG 2000 image"
        }
        if bytes.starts("8BPS") { return "a Photoshop file" }
        if bytes.starts("<svg") || bytes.starts("<?xml") { return "an XML or SVG file" }
        if bytes.starts("%PDF") { return "a PDF file" }
        return nil
    }

    /// What the header states.
    func header(of bytes: [UInt8], name: String) throws(ImageIOError) -> ImageHeader {
        var info = bonn_image_info()
        let problem = withMessage { message in
            switch self {
            case .jpeg: bonn_jpeg_info(bytes, bytes.count, &info, message)
            case .png: bonn_png_info(bytes, bytes.count, &info, message)
            case .gif: bonn_gif_info(bytes, bytes.count, &info, message)
            case .webp: bonn_webp_info(bytes, bytes.count, &info, message)
            }
        }
        if let problem { throw undecodable(name, problem) }
        guard info.width > 0, info.height > 0, let working = Int(exactly: info.working_bytes),
            let tables = Int(exactly: info.table_bytes)
        else { throw undecodable(name, "the image is \(info.width)x\(info.height) pixels") }
        return ImageHeader(
            width: Int(info.width), height: Int(info.height), workingBytes: working,
            tableBytes: tables)
    }

    /// Decodes the image into `height * width * 3` bytes; what is wrong with it, or nil.
    func decode(_ bytes: [UInt8], into pixels: UnsafeMutableBufferPointer<UInt8>) -> String? {
        withMessage { message in
            let (target, count) = (pixels.baseAddress, pixels.count)
            switch self {
            case .jpeg: return bonn_jpeg_decode(bytes, bytes.count, target, count, message)
            case .png: return bonn_png_decode(bytes, bytes.count, target, count, message)
            case .gif: return bonn_gif_decode(bytes, bytes.count, target, count, message)
            case .webp: return bonn_webp_decode(bytes, bytes.count, target, count, message)
            }
        }
    }

    func undecodable(_ name: String, _ reason: String) -> ImageIOError {
        ImageIOError(
            .undecodable, path: name, reason: "cannot be decoded as \(rawValue): \(reason)")
    }
}

extension ArraySlice<UInt8> {
    /// Whether a text stands at an offset.
    fileprivate func starts(_ text: String, at offset: Int = 0) -> Bool {
        dropFirst(offset).starts(with: text.utf8)
    }
}

/// What is known of an image before it is decoded.
struct ImageHeader {
    let width: Int
    let height: Int
    /// Bytes that the codec holds beside the decoded image.
    let workingBytes: Int
    /// Bytes of tables that the codec may hold besides; nearly always far less.
    let tableBytes: Int

    /// Bytes that decoding holds at once, and turning afterwards; nil where that is beyond counting.
    func bytes(turned isTurned: Bool) -> Int? {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        let (image, overflow3) = pixels.multipliedReportingOverflow(by: 3)
        let (sum, overflowSum) = image.addingReportingOverflow(
            isTurned ? max(workingBytes, image) : workingBytes)
        return overflow || overflow3 || overflowSum ? nil : sum
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
