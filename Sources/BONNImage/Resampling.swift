// Pillow's antialiased bilinear resampling (`Image.resize(..., BILINEAR)`, Resample.c), with its
// arithmetic: a triangle filter whose support grows with the reduction, weights in double precision
// rounded to 22-bit fixed point, one direction after the other, rounded to 8 bits in between.
// PyTorch's published ImageNet accuracies are measured behind this filter, so equal bytes matter more
// than elegance.

/// Fraction bits of the weights: 8 bits of pixel and 2 bits of headroom in 32.
private let precisionBits: Int32 = 32 - 8 - 2

extension PixelBuffer {
    /// The whole image brought to `width` by `height` pixels, each at least 1.
    public func resized(width: Int, height: Int) -> PixelBuffer {
        resampled(
            horizontal: AxisPlan(source: self.width, from: 0, to: Float(self.width), output: width),
            vertical: AxisPlan(source: self.height, from: 0, to: Float(self.height), output: height)
        )
    }

    /// A rectangle of the image, in pixels that may be fractions, brought to `width` by `height`
    /// pixels.
    ///
    /// As with Pillow's `resize(size, box=...)`, the filter reads pixels just outside the rectangle
    /// where the image has them. Throws `ImageError.outsideImage` if the rectangle is empty or
    /// reaches outside the image.
    public func resized(
        box: (x: Double, y: Double, width: Double, height: Double), width: Int, height: Int
    ) throws(ImageError) -> PixelBuffer {
        // Pillow keeps boxes in single precision.
        let left = Float(box.x)
        let top = Float(box.y)
        let right = Float(box.x + box.width)
        let bottom = Float(box.y + box.height)
        guard left >= 0, top >= 0, right <= Float(self.width), bottom <= Float(self.height),
            right > left, bottom > top
        else {
            throw ImageError(
                .outsideImage,
                "box of \(box.width)x\(box.height) at (\(box.x), \(box.y)) "
                    + "does not lie inside an image of \(self.width)x\(self.height)")
        }
        return resampled(
            horizontal: AxisPlan(source: self.width, from: left, to: right, output: width),
            vertical: AxisPlan(source: self.height, from: top, to: bottom, output: height))
    }

    /// The pixels `columns` by `rows` of the image brought to `width` by `height`.
    ///
    /// Equal to resizing and then cropping; computes only what the crop shows.
    func resized(
        width: Int, height: Int, columns: Range<Int>, rows: Range<Int>
    ) -> PixelBuffer {
        resampled(
            horizontal: AxisPlan(
                source: self.width, from: 0, to: Float(self.width), output: width, window: columns),
            vertical: AxisPlan(
                source: self.height, from: 0, to: Float(self.height), output: height, window: rows))
    }

    private func resampled(horizontal: AxisPlan, vertical: AxisPlan) -> PixelBuffer {
        switch (horizontal.isIdentity, vertical.isIdentity) {
        case (true, true):
            return self
        case (true, false):
            return resampledVertically(vertical, columns: 0..<width)
        case (false, true):
            return resampledHorizontally(horizontal, rows: 0..<height)
        case (false, false) where vertical.reduction > max(0, 2 * horizontal.reduction):
            // The order of Pillow 13.0; older versions always filter along rows first. The
            // intermediate rounding makes the results differ by one grey level here and there.
            let columns = horizontal.sourceRange
            return resampledVertically(vertical, columns: columns)
                .resampledHorizontally(
                    horizontal, rows: 0..<vertical.taps.count, firstColumn: columns.lowerBound)
        case (false, false):
            let rows = vertical.sourceRange
            return resampledHorizontally(horizontal, rows: rows)
                .resampledVertically(
                    vertical, columns: 0..<horizontal.taps.count, firstRow: rows.lowerBound)
        }
    }

    /// Filters along the rows `rows`; column 0 of this image is column `firstColumn` of the plan's
    /// source.
    private func resampledHorizontally(
        _ plan: AxisPlan, rows: Range<Int>, firstColumn: Int = 0
    ) -> PixelBuffer {
        let outputWidth = plan.taps.count
        let channels = channels
        let width = width
        return withPixels { source in
            PixelBuffer(width: outputWidth, height: rows.count, channels: channels) { target in
                plan.withTaps { taps, weights in
                    for row in 0..<rows.count {
                        let line = source + (rows.lowerBound + row) * width * channels
                        let output = target + row * outputWidth * channels
                        if channels == 3 {
                            filterRGB(line, firstColumn, taps, weights, into: output)
                        } else {
                            filterGray(line, firstColumn, taps, weights, into: output)
                        }
                    }
                }
            }
        }
    }

    /// Filters along the columns `columns`; row 0 of this image is row `firstRow` of the plan's
    /// source.
    private func resampledVertically(
        _ plan: AxisPlan, columns: Range<Int>, firstRow: Int = 0
    ) -> PixelBuffer {
        let lineBytes = width * channels
        let rowBytes = columns.count * channels
        let outputHeight = plan.taps.count
        return withPixels { pixels in
            let source = pixels + columns.lowerBound * channels
            return PixelBuffer(
                width: columns.count, height: outputHeight, channels: channels
            ) { target in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowBytes) { buffer in
                    let sums = buffer.baseAddress.unsafelyUnwrapped
                    plan.withTaps { taps, weights in
                        for (row, tap) in taps.enumerated() {
                            sums.initialize(repeating: 1 << (precisionBits - 1), count: rowBytes)
                            for i in 0..<tap.count {
                                let line = source + (tap.start - firstRow + i) * lineBytes
                                let weight = weights[tap.weights + i]
                                for x in 0..<rowBytes { sums[x] &+= Int32(line[x]) &* weight }
                            }
                            let output = target + row * rowBytes
                            for x in 0..<rowBytes { output[x] = rounded(sums[x]) }
                        }
                    }
                }
            }
        }
    }
}

/// The byte of a sum that already holds one half.
@inline(__always)
private func rounded(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, sum &>> precisionBits)))
}

private func filterRGB(
    _ line: UnsafePointer<UInt8>, _ firstColumn: Int,
    _ taps: UnsafeBufferPointer<AxisPlan.Taps>, _ weights: UnsafePointer<Int32>,
    into output: UnsafeMutablePointer<UInt8>
) {
    var output = output
    for tap in taps {
        var red: Int32 = 1 << (precisionBits - 1)
        var green = red
        var blue = red
        var pixel = line + 3 * (tap.start - firstColumn)
        let tapWeights = weights + tap.weights
        for i in 0..<tap.count {
            let weight = tapWeights[i]
            red &+= Int32(pixel[0]) &* weight
            green &+= Int32(pixel[1]) &* weight
            blue &+= Int32(pixel[2]) &* weight
            pixel += 3
        }
        output[0] = rounded(red)
        output[1] = rounded(green)
        output[2] = rounded(blue)
        output += 3
    }
}

private func filterGray(
    _ line: UnsafePointer<UInt8>, _ firstColumn: Int,
    _ taps: UnsafeBufferPointer<AxisPlan.Taps>, _ weights: UnsafePointer<Int32>,
    into output: UnsafeMutablePointer<UInt8>
) {
    for (x, tap) in taps.enumerated() {
        var sum: Int32 = 1 << (precisionBits - 1)
        let pixel = line + (tap.start - firstColumn)
        for i in 0..<tap.count { sum &+= Int32(pixel[i]) &* weights[tap.weights + i] }
        output[x] = rounded(sum)
    }
}

/// Which pixels along one side make up each pixel of the result, and with which weights.
private struct AxisPlan {
    /// The source pixels of one output pixel.
    struct Taps {
        /// The first source pixel.
        var start: Int
        /// How many source pixels follow each other.
        var count: Int
        /// Where their weights begin.
        var weights: Int
    }
    let taps: [Taps]
    let weights: [Int32]
    /// The result is the source, pixel for pixel.
    let isIdentity: Bool
    /// How many pixels the result is shorter than the source (of the whole side, not of the box).
    let reduction: Int

    /// The part `from..<to` of `source` pixels becomes `output` pixels, of which only `window` is
    /// wanted.
    init(source: Int, from: Float, to: Float, output: Int, window: Range<Int>? = nil) {
        precondition(output > 0, "resize to \(output) pixels")
        let window = window ?? 0..<output
        isIdentity = from == 0 && to == Float(source) && output == source && window.count == output
        reduction = source - output
        let scale = Double(to - from) / Double(output)
        let filterScale = max(scale, 1)
        let inverse = 1 / filterScale
        var taps: [Taps] = []
        var weights: [Int32] = []
        var exact: [Double] = []
        taps.reserveCapacity(window.count)
        for x in window {
            let center = Double(from) + (Double(x) + 0.5) * scale
            let start = max(Int(center - filterScale + 0.5), 0)
            let end = min(Int(center + filterScale + 0.5), source)
            exact.removeAll(keepingCapacity: true)
            var sum = 0.0
            for i in start..<max(start, end) {
                let weight = max(0, 1 - abs((Double(i) - center + 0.5) * inverse))
                exact.append(weight)
                sum += weight
            }
            taps.append(Taps(start: start, count: exact.count, weights: weights.count))
            for weight in exact {
                let normalised = sum == 0 ? weight : weight / sum
                weights.append(Int32(0.5 + normalised * Double(1 << precisionBits)))
            }
        }
        self.taps = taps
        self.weights = weights
    }

    /// The source pixels that any output pixel reads.
    var sourceRange: Range<Int> {
        let first = taps.first.map(\.start) ?? 0
        let end = taps.last.map { $0.start + $0.count } ?? first
        return first..<end
    }

    func withTaps(_ body: (UnsafeBufferPointer<Taps>, UnsafePointer<Int32>) -> Void) {
        taps.withUnsafeBufferPointer { taps in
            weights.withUnsafeBufferPointer { weights in
                body(taps, weights.baseAddress.unsafelyUnwrapped)
            }
        }
    }
}
