import BONNModelFormat
import CBONNKernels

/// Weights of real layers in the order in which the kernels read them.
extension ConstantStore {
    /// Blocks of output channels that hold one group.
    static func blockCount(_ channels: Int) -> Int {
        (channels + Int(BONN_REAL_BLOCK) - 1) / Int(BONN_REAL_BLOCK)
    }

    /// Weights of `withWeights(_:scale:channels:taps:_:)` as `[group][block][taps][C][BONN_REAL_BLOCK]`; absent
    /// channels are 0.
    func blocks(
        _ weight: Name, scale: Name?, outputs: Int, groups: Int, channels: Int, taps: Int
    ) throws(RuntimeError) -> ConstantBuffer<Float> {
        let key = Key(
            form: .blocks, tensors: [weight] + (scale.map { [$0] } ?? []),
            numbers: [outputs, groups, channels, taps])
        let layout = Blocks(outputs: outputs, groups: groups, channels: channels, taps: taps)
        return try buffer(key, count: layout.count) { to in
            withWeights(weight, scale: scale, channels: channels, taps: taps) { weights in
                switch weights {
                case .real(let weights): layout.fill(to) { weights[$0.index] }
                case .bytes(let weights): layout.fill(to) { weights[$0] }
                case .signs(let weights): layout.fill(to) { weights[$0] }
                }
            }
        }
    }

    /// F32 `[K]`, or one number for all where there is no tensor, as `[group][block][BONN_REAL_BLOCK]`.
    func channelBlocks(
        _ name: Name?, otherwise value: Float = 0, outputs: Int, groups: Int
    ) throws(RuntimeError) -> ConstantBuffer<Float> {
        let key = Key(
            form: .channelBlocks, tensors: name.map { [$0] } ?? [],
            numbers: [outputs, groups, Int(value.bitPattern)])
        let layout = Blocks(outputs: outputs, groups: groups, channels: 1, taps: 1)
        return try buffer(key, count: layout.count) { to in
            guard let name else { return layout.fill(to) { _ in value } }
            tensor(name).withFloats { from in layout.fill(to) { from[$0.output] } }
        }
    }

    /// Weights of `blocks(_:scale:outputs:groups:channels:taps:)`, one channel a group, as `[taps, K]`.
    func transposed(
        _ weight: Name, scale: Name?, channels: Int, taps: Int
    ) throws(RuntimeError) -> ConstantBuffer<Float> {
        let key = Key(
            form: .transposed, tensors: [weight] + (scale.map { [$0] } ?? []),
            numbers: [channels, taps])
        return try buffer(key, count: channels * taps) { to in
            func fill(_ element: (WeightPlace) -> Float) {
                for output in 0..<channels {
                    for tap in 0..<taps {
                        to[tap * channels + output] = element(
                            WeightPlace(
                                index: output * taps + tap, output: output, channel: 0, tap: tap))
                    }
                }
            }
            withWeights(weight, scale: scale, channels: 1, taps: taps) { weights in
                switch weights {
                case .real(let weights): fill { weights[$0.index] }
                case .bytes(let weights): fill { weights[$0] }
                case .signs(let weights): fill { weights[$0] }
                }
            }
        }
    }

    /// The weights of a real layer: of an F32 tensor `[K, C, taps]`; of an I8 tensor of this shape times
    /// the scale of their output channel, rounded to float32; or a scale with the signs of a U64 tensor
    /// `[K, taps, words of C]`.
    private func withWeights(
        _ weight: Name, scale: Name?, channels: Int, taps: Int, _ body: (WeightElements) -> Void
    ) {
        let tensor = tensor(weight)
        guard let scale else { return tensor.withFloats { body(.real($0)) } }
        let isShared = self.tensor(scale).count == 1
        self.tensor(scale).withFloats { scales in
            if tensor.elementType == .u64 {
                tensor.withElements(UInt64.self) { words in
                    body(
                        .signs(
                            ScaledSigns(
                                words: words, scales: scales, scaleStride: isShared ? 0 : 1,
                                taps: taps, wordsOfTap: BitLayout.words(forChannels: channels))))
                }
            } else {
                tensor.withElements(Int8.self) {
                    body(.bytes(ScaledBytes(integers: $0, scales: scales)))
                }
            }
        }
    }

    /// F32 `[K]`, or zeros where there is no tensor.
    func valuesOrZeros(_ name: Name?, channels: Int) throws(RuntimeError) -> ConstantBuffer<Float> {
        if let name { return try values(name) }
        return try buffer(Key(form: .perChannel, tensors: [], numbers: [channels]), count: channels)
        {
            $0.initialize(repeating: 0, count: channels)
        }
    }

    /// I8 weights `[K, C, kh, kw]` as the kernel set reads them.
    func byteWeights(
        _ weight: Name, _ geometry: bonn_conv2d_s8, kernels: KernelSet
    ) throws(RuntimeError) -> ConstantBuffer<UInt8> {
        let key = Key(
            form: .byteWeights, tensors: [weight],
            numbers: [
                geometry.groups, geometry.in_channels, geometry.out_channels,
                geometry.window.kernel_height, geometry.window.kernel_width,
            ])
        return try tensor(weight).bytes.withUnsafeBytes { raw throws(RuntimeError) in
            var geometry = geometry
            let weights = raw.baseAddress!.assumingMemoryBound(to: Int8.self)
            return try packed(key) {
                kernels.functions.pointee.conv2d_s8_pack(&geometry, weights, $0)
            }
        }
    }
}

/// A weight: its index in `[K, C, taps]`, and what that is made of.
private struct WeightPlace {
    let index: Int
    let output: Int
    let channel: Int
    let tap: Int
}

/// The weights of a real layer, in the form that the file stores.
private enum WeightElements {
    case real(TensorFloats)
    case bytes(ScaledBytes)
    case signs(ScaledSigns)
}

/// Integers times the scale of their output channel.
private struct ScaledBytes {
    let integers: TensorElements<Int8>
    let scales: TensorFloats

    subscript(place: WeightPlace) -> Float {
        scales[place.output] * Float(integers[place.index])
    }
}

/// A scale with the signs that packed bits say: a bit of 1 is -1.
private struct ScaledSigns {
    let words: TensorElements<UInt64>
    let scales: TensorFloats
    /// 1 where every output channel has a scale of its own.
    let scaleStride: Int
    let taps: Int
    let wordsOfTap: Int

    subscript(place: WeightPlace) -> Float {
        let first = (place.output &* taps &+ place.tap) &* wordsOfTap
        let word = words[first &+ place.channel / BitLayout.wordBits]
        let bit = word >> UInt64(place.channel % BitLayout.wordBits) & 1
        let scale = scales[place.output &* scaleStride]
        return Float(bitPattern: scale.bitPattern ^ UInt32(bit) << 31)
    }
}

/// Where the weights of a layer go: output channels in blocks of `BONN_REAL_BLOCK` of each group.
private struct Blocks {
    let outputs: Int
    let groups: Int
    let channels: Int
    let taps: Int

    private var width: Int { Int(BONN_REAL_BLOCK) }
    private var groupOutputs: Int { outputs / groups }
    private var depth: Int { channels * taps }

    var count: Int {
        saturatingProduct(groups, ConstantStore.blockCount(groupOutputs), channels, taps, width)
    }

    /// Channels of one output that are read before the next output's: of a 1x1 layer a cache line of them.
    private static let run = 16

    /// Writes each element to its place, and zeros for absent channels.
    ///
    /// Block by block and a run of each output's channels at a time, so that whole cache lines are read
    /// and written. Sums cannot overflow: every index is less than `count`, which is memory that is there.
    @inline(__always)
    func fill(_ to: UnsafeMutablePointer<Float>, _ element: (WeightPlace) -> Float) {
        let blocks = ConstantStore.blockCount(groupOutputs)
        for block in 0..<groups * blocks {
            let done = block % blocks * width
            let filled = min(width, groupOutputs - done)
            let first = block / blocks * groupOutputs + done
            let place = to + block * depth * width
            if filled < width { place.initialize(repeating: 0, count: depth * width) }
            for start in stride(from: 0, to: channels, by: Self.run) {
                let run = start..<min(start + Self.run, channels)
                for lane in 0..<filled {
                    let output = first &+ lane
                    for channel in run {
                        let index = (output &* channels &+ channel) &* taps
                        for tap in 0..<taps {
                            place[(tap &* channels &+ channel) &* width &+ lane] = element(
                                WeightPlace(
                                    index: index &+ tap, output: output, channel: channel, tap: tap)
                            )
                        }
                    }
                }
            }
        }
    }
}
