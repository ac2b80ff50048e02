import BONNModelFormat
import CBONNKernels

/// Weights of binary layers as the kernels read them, and the part of their sums that does not depend on
/// the input; bconv2d/bconv2d.h derives it.
extension ConstantStore {
    /// U64 weights `[K, kh, kw, words of a group]` in the order of the kernel set.
    func bitWeights(
        _ weight: Name, _ geometry: bonn_bconv2d, kernels: KernelSet
    ) throws(RuntimeError) -> ConstantBuffer<UInt8> {
        let key = Key(
            form: .bitWeights, tensors: [weight],
            numbers: [
                geometry.groups, geometry.in_channels, geometry.out_channels, geometry.group_words,
                geometry.window.kernel_height, geometry.window.kernel_width,
            ])
        return try withWords(of: tensor(weight)) { words throws(RuntimeError) in
            var geometry = geometry
            return try packed(key) {
                kernels.functions.pointee.bconv2d_pack(&geometry, words, $0)
            }
        }
    }

    /// What a tap adds to a sum inside and outside of the image, for each class of outputs that see the
    /// same taps: `[row class][column class][K]`.
    func bitBases(
        _ weight: Name, outputs: Int, channels: Int, window: bonn_window, isSigned: Bool,
        padding: PaddingValue, rows: TapClasses, columns: TapClasses
    ) throws(RuntimeError) -> ConstantBuffer<Int32> {
        let classes = rows.ranges.count * columns.ranges.count
        let taps = window.taps
        try charge(loadingWork: saturatingProduct(classes, taps, outputs))
        let counts = try TapSums(
            tensor(weight), outputs: outputs, taps: taps, channels: channels, isSigned: isSigned,
            padding: padding)
        return try buffer(count: classes * outputs) { table in
            table.initialize(repeating: 0, count: classes * outputs)
            var base = table
            for row in rows.ranges {
                for column in columns.ranges {
                    for tap in 0..<taps {
                        let isInside =
                            row.contains(tap / window.kernel_width)
                            && column.contains(tap % window.kernel_width)
                        let sums =
                            (isInside ? counts.inside : counts.outside).pointer + tap * outputs
                        for output in 0..<outputs { base[output] += sums[output] }
                    }
                    base += outputs
                }
            }
        }
    }

    /// Calls a function with the words of a U64 tensor: where they lie, or copied where a kernel could
    /// not read them there.
    private func withWords<Result>(
        of tensor: ModelTensor, _ body: (UnsafePointer<UInt64>) throws(RuntimeError) -> Result
    ) throws(RuntimeError) -> Result {
        try tensor.bytes.withUnsafeBytes { raw throws(RuntimeError) in
            let address = raw.baseAddress!
            if UInt(bitPattern: address) % 8 == 0, UInt64(1).littleEndian == 1 {
                return try body(address.assumingMemoryBound(to: UInt64.self))
            }
            let words = TensorElements<UInt64>(raw)
            let copy = try ConstantBuffer(count: raw.count / 8) { to in
                for index in 0..<raw.count / 8 { to[index] = words[index] }
            }
            return try body(copy.pointer)
        }
    }
}

/// What a tap adds to the sum of an output channel inside and outside of the image, `[tap][K]`.
private struct TapSums {
    let inside: ConstantBuffer<Int32>
    let outside: ConstantBuffer<Int32>

    /// Counts the bits of weights `[K, taps, words]` of `channels` channels.
    init(
        _ tensor: ModelTensor, outputs: Int, taps: Int, channels: Int, isSigned: Bool,
        padding: PaddingValue
    ) throws(RuntimeError) {
        let words = BitLayout.words(forChannels: channels)
        func sums(
            _ sum: (_ negative: Int) -> Int
        ) throws(RuntimeError) -> ConstantBuffer<Int32> {
            try ConstantBuffer(count: taps * outputs) { to in
                tensor.withElements(UInt64.self) { from in
                    for output in 0..<outputs {
                        for tap in 0..<taps {
                            let first = (output * taps + tap) * words
                            var negative = 0
                            for word in 0..<words { negative += from[first + word].nonzeroBitCount }
                            to[tap * outputs + output] = Int32(sum(negative))
                        }
                    }
                }
            }
        }
        inside = try sums { isSigned ? channels : channels - $0 }
        outside = try sums { negative in
            switch padding {
            case .zero: 0
            case .plusOne: channels - 2 * negative
            case .minusOne: 2 * negative - channels
            }
        }
    }
}
