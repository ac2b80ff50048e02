public import BONNImage
import CImageCodecs
import Foundation

/// The bytes of a PNG file that holds an image without loss; the same bytes for the same image.
///
/// Throws `ImageIOError.unwritable` where libpng refuses, which it does for sides above a million
/// pixels.
public func encodePNG(
    _ image: PixelBuffer, name: String = "image"
) throws(ImageIOError) -> [UInt8] {
    guard let width = UInt32(exactly: image.width), let height = UInt32(exactly: image.height)
    else {
        throw ImageIOError(
            .unwritable, path: name,
            reason: "\(image.width)x\(image.height) pixels do not fit a PNG")
    }
    var png: UnsafeMutablePointer<UInt8>?
    var count = 0
    let problem = withMessage { message in
        bonn_png_encode(
            image.pixels, width, height, CInt(image.channels), &png, &count, message)
    }
    defer { free(png) }
    guard problem == nil, let png else {
        throw ImageIOError(
            .unwritable, path: name, reason: "cannot be encoded as PNG: \(problem ?? "no bytes")")
    }
    return [UInt8](UnsafeBufferPointer(start: png, count: count))
}

/// Writes an image as a PNG file, replacing the file if there is one; leaves no partial file
/// behind.
public func writePNG(_ image: PixelBuffer, path: String) throws(ImageIOError) {
    try writeFile(encodePNG(image, name: path), path: path)
}
