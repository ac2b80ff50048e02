/// What surrounds an image that is padded.
public enum PaddingMode: String, Sendable, CaseIterable {
    /// Black.
    case zero
    /// The image mirrored at its outermost pixels, which are not repeated (NumPy's and PyTorch's
    /// `reflect`).
    case reflect
}

extension PixelBuffer {
    /// The rectangle of `width` by `height` pixels whose upper left pixel is (`x`, `y`).
    ///
    /// Throws `ImageError.outsideImage` if the rectangle is empty or reaches outside the image.
    public func cropped(
        x: Int, y: Int, width cropWidth: Int, height cropHeight: Int
    ) throws(ImageError) -> PixelBuffer {
        guard cropWidth > 0, cropHeight > 0, x >= 0, y >= 0,
            cropWidth <= width, cropHeight <= height,
            x <= width - cropWidth, y <= height - cropHeight
        else {
            throw ImageError(
                .outsideImage,
                "crop of \(cropWidth)x\(cropHeight) at (\(x), \(y)) "
                    + "does not lie inside an image of \(width)x\(height)")
        }
        if cropWidth == width && cropHeight == height { return self }
        let rowBytes = cropWidth * channels
        return withPixels { source in
            PixelBuffer(width: cropWidth, height: cropHeight, channels: channels) { target in
                for row in 0..<cropHeight {
                    let start = ((y + row) * width + x) * channels
                    (target + row * rowBytes).update(from: source + start, count: rowBytes)
                }
            }
        }
    }

    /// The image with `by` more pixels on each of its four sides.
    ///
    /// `by` must not be negative. Reflection continues back and forth where the padding is wider
    /// than the image; a side of one pixel is repeated.
    public func padded(by: Int, mode: PaddingMode) -> PixelBuffer {
        precondition(by >= 0, "padding by \(by)")
        if by == 0 { return self }
        let newWidth = width + 2 * by
        let newHeight = height + 2 * by
        let columns = sourceIndices(count: width, padding: by, mode: mode)
        let rows = sourceIndices(count: height, padding: by, mode: mode)
        let rowBytes = newWidth * channels
        return withPixels { source in
            PixelBuffer(width: newWidth, height: newHeight, channels: channels) { target in
                for (y, row) in rows.enumerated() {
                    let line = target + y * rowBytes
                    guard let row else {
                        line.update(repeating: 0, count: rowBytes)
                        continue
                    }
                    let sourceLine = source + row * width * channels
                    for x in 0..<by {
                        copyPixel(from: sourceLine, columns[x], to: line, x)
                        copyPixel(
                            from: sourceLine, columns[newWidth - 1 - x], to: line, newWidth - 1 - x)
                    }
                    (line + by * channels).update(from: sourceLine, count: width * channels)
                }
            }
        }
    }

    /// The image mirrored left to right.
    public func flippedHorizontally() -> PixelBuffer {
        withPixels { source in
            PixelBuffer(width: width, height: height, channels: channels) { target in
                for y in 0..<height {
                    let sourceLine = source + y * width * channels
                    let line = target + y * width * channels
                    for x in 0..<width {
                        let from = sourceLine + (width - 1 - x) * channels
                        for channel in 0..<channels { line[x * channels + channel] = from[channel] }
                    }
                }
            }
        }
    }

    /// Copies pixel `from` of one row to pixel `to` of another; black where there is no source.
    private func copyPixel(
        from source: UnsafePointer<UInt8>, _ from: Int?, to target: UnsafeMutablePointer<UInt8>,
        _ to: Int
    ) {
        for channel in 0..<channels {
            target[to * channels + channel] = from.map { source[$0 * channels + channel] } ?? 0
        }
    }
}

/// For each position of a padded side the position in the image that it shows; nil: none.
private func sourceIndices(count: Int, padding: Int, mode: PaddingMode) -> [Int?] {
    let period = max(2 * (count - 1), 1)
    return (-padding..<count + padding).map { position in
        if (0..<count).contains(position) { return position }
        switch mode {
        case .zero:
            return nil
        case .reflect:
            let phase = ((position % period) + period) % period
            return phase < count ? phase : period - phase
        }
    }
}
