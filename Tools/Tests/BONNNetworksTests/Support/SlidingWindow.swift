import BONNModelFormat

/// A window over one image `[C, H, W]`, in plain loops.
struct SlidingWindow {
    private let window: Window
    private let input: Shape
    private let output: Shape
    private let groups: Int

    init(_ window: Window, _ input: Shape, _ output: Shape, groups: Int) {
        self.window = window
        self.input = input
        self.output = output
        self.groups = groups
    }

    /// The output channel of an element of the result.
    func channel(ofOutput index: Int) -> Int { index / (output.height * output.width) }

    /// What `reduce` makes of the elements of each window that are inside of the image.
    func pooled(_ x: [Float], _ reduce: ([Float]) -> Float) -> [Float] {
        eachPlace { channel, taps in
            reduce(taps.compactMap { tap in tap.pixel.map { x[place(channel, $0)] } })
        }
    }

    /// Chains of fused multiply-adds from the bias on, over rows, columns and channels of the kernel.
    func chain(_ x: [Float], _ kernel: [Float], bias: [Float]?) -> [Float] {
        eachPlace { output, taps in
            var sum = bias?[output] ?? 0
            eachProduct(output, taps) { pixel, channel, weight in
                sum.addProduct(pixel.map { x[place(channel, $0)] } ?? 0, kernel[weight])
            }
            return sum
        }
    }

    /// Exact sums of products of integers.
    func integers(_ x: [Float], _ kernel: [Float], outside: Float) -> [Int] {
        eachPlace { output, taps in
            var sum = 0
            eachProduct(output, taps) { pixel, channel, weight in
                let level = pixel.map { x[place(channel, $0)] } ?? outside
                sum += Int(level) * Int(kernel[weight])
            }
            return sum
        }
    }

    private func place(_ channel: Int, _ pixel: Int) -> Int {
        channel * input.height * input.width + pixel
    }

    /// Calls `body` with the index of the input pixel (nil: padding), the input channel and the index of
    /// the weight `[K, C / groups, kh, kw]`.
    private func eachProduct(
        _ output: Int, _ taps: [(tap: Int, pixel: Int?)],
        _ body: (_ pixel: Int?, _ channel: Int, _ weight: Int) -> Void
    ) {
        let depth = input.channels / groups
        let first = output / (self.output.channels / groups) * depth
        for (tap, pixel) in taps {
            for channel in 0..<depth {
                let weight = (output * depth + channel) * window.height * window.width + tap
                body(pixel, first + channel, weight)
            }
        }
    }

    /// A result for every output channel, row and column.
    private func eachPlace<Result>(
        _ body: (_ channel: Int, _ taps: [(tap: Int, pixel: Int?)]) -> Result
    ) -> [Result] {
        var results: [Result] = []
        for channel in 0..<output.channels {
            for row in 0..<output.height {
                for column in 0..<output.width { results.append(body(channel, taps(row, column))) }
            }
        }
        return results
    }

    private func taps(_ row: Int, _ column: Int) -> [(tap: Int, pixel: Int?)] {
        (0..<window.height * window.width).map { tap in
            let y =
                row * window.strideHeight - window.padTop
                + tap / window.width * window.dilationHeight
            let x =
                column * window.strideWidth - window.padLeft
                + tap % window.width * window.dilationWidth
            let isInside = (0..<input.height).contains(y) && (0..<input.width).contains(x)
            return (tap, isInside ? y * input.width + x : nil)
        }
    }
}
