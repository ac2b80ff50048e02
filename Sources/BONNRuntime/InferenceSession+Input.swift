import BONNModelFormat

extension InferenceSession {
    /// Copies `[N, C, H, W]` into the arena.
    func stage(_ input: Span<Float>, images: Int) throws(RuntimeError) {
        if model.inputElement == .byte { try checkPixels(input) }
        input.withUnsafeBufferPointer { buffer in
            engine.transpose(
                UnsafeRawPointer(buffer.baseAddress!).assumingMemoryBound(to: UInt32.self),
                to: engine.plan.offsets[0], model.inputShape, images: images)
        }
    }

    /// Writes what pixels `[N, H, W, C]` become into the arena, which has this very order.
    func stage(pixels: [UInt8], by table: PixelTable, images: Int) {
        pixels.withUnsafeBufferPointer { buffer in
            engine.convert(
                buffer.baseAddress!, by: table, to: engine.plan.offsets[0],
                count: images * model.inputShape.height * model.inputShape.width,
                images: images)
        }
    }

    /// Copies `[N, C, H, W]` pixels into the arena, as real numbers.
    func stage(bytes: Span<UInt8>, images: Int) {
        let channels = model.inputShape.channels
        let pixels = model.inputShape.height * model.inputShape.width
        let to = inputPlace.assumingMemoryBound(to: Float.self)
        for image in 0..<images {
            let first = image * pixels * channels
            for channel in 0..<channels {
                for pixel in 0..<pixels {
                    to[first + pixel * channels + channel] =
                        Float(bytes[first + channel * pixels + pixel])
                }
            }
        }
    }

    private func checkPixels(_ input: Span<Float>) throws(RuntimeError) {
        for index in input.indices {
            let value = input[index]
            guard value >= 0, value <= 255, value.rounded() == value else {
                throw RuntimeError(
                    .wrongElement,
                    "this network reads pixels, whole numbers from 0 to 255; "
                        + "element \(index) is \(value)")
            }
        }
    }

    private var inputPlace: UnsafeMutableRawPointer {
        engine.memory.base + engine.plan.offsets[0]
    }
}
