import BONNModelFormat
import BONNTestSupport
import CBONNKernels
import Testing

@testable import BONNRuntime

/// Runs one operator between guarded pieces of memory, divided into parts.
enum OperatorHarness {
    /// The bytes of the output, and whether nobody wrote in front of any piece.
    static func run(
        _ body: any Operator, kernels: KernelSet, inputs: [GuardedMemory], outputBytes: Int,
        images: Int = 1, parts: Int = 1
    ) -> GuardedMemory {
        let output = GuardedMemory(byteCount: outputBytes)
        for part in 0..<parts {
            let scratch = GuardedMemory(byteCount: body.scratchBytesPerThread)
            let memory = StepMemory(
                functions: kernels.functions, base: output.base,
                inputs: inputs.map { $0.base - output.base }, outputs: [0],
                scratch: scratch.base - output.base)
            body.execute(memory, Share(images: images, part: part, parts: parts))
            #expect(scratch.isIntact, "scratch memory was written in front of its begin")
        }
        #expect(output.isIntact, "the output was written in front of its begin")
        for input in inputs { #expect(input.isIntact, "an input was written") }
        return output
    }

    /// `[N][C, H, W]` as the runtime lays out real values: `[N][H][W][C]`.
    static func channelsLast(_ images: [ReferenceValue]) -> [Float] {
        images.flatMap { image in
            (0..<image.shape.height).flatMap { y in
                (0..<image.shape.width).flatMap { x in
                    (0..<image.shape.channels).map { c in image[c, y, x] }
                }
            }
        }
    }

    /// Levels as packed bits, `[N][H][W][words]`: bit 1 for everything but +1.
    static func packed(_ images: [ReferenceValue]) -> [UInt64] {
        images.flatMap { image in
            BitLayout.packSigned(
                channelsLast([image]).map { $0 == 1 ? 1 : -1 }, channels: image.shape.channels)
        }
    }
}

/// Whether two lists hold the same numbers; a NaN is equal to a NaN.
func areEqual(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}
