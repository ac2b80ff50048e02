import BONNModelFormat
import CBONNKernels

@testable import BONNRuntime

// Operators from arrays of numbers, packed as a loaded model's are.

/// A store with these tensors that allows everything.
private func store(_ tensors: [Name: ModelTensor]) -> ConstantStore {
    ConstantStore(tensors, .unlimited)
}

/// What a test cannot do without.
private func made<Value>(_ body: () throws(RuntimeError) -> Value) -> Value {
    do throws(RuntimeError) { return try body() } catch { preconditionFailure("\(error)") }
}

extension ConstantBuffer {
    /// The elements of a test's array.
    static func of(_ elements: [Element]) -> ConstantBuffer {
        made { () throws(RuntimeError) in try ConstantBuffer(elements) }
    }
}

extension ConvolutionOperator {
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int,
        weights: [Float], bias: [Float]?
    ) {
        let store = store([
            "w": ModelTensor(f32: weights, shape: [weights.count]),
            "b": ModelTensor(f32: bias ?? [], shape: [bias?.count ?? 0]),
        ])
        self.init(
            window: window, groups: groups, inputChannels: inputChannels,
            outputChannels: outputChannels,
            weights: made { () throws(RuntimeError) in
                try store.blocks(
                    "w", scale: nil, outputs: outputChannels, groups: groups,
                    channels: inputChannels / groups, taps: window.taps)
            },
            bias: made { () throws(RuntimeError) in
                try store.channelBlocks(
                    bias == nil ? nil : "b", outputs: outputChannels, groups: groups)
            })
    }
}

extension DepthwiseOperator {
    init(
        window: bonn_window, channels: Int, weights: [Float], bias: [Float]?
    ) {
        let store = store([
            "w": ModelTensor(f32: weights, shape: [weights.count]),
            "b": ModelTensor(f32: bias ?? [], shape: [bias?.count ?? 0]),
        ])
        self.init(
            window: window, channels: channels,
            weights: made { () throws(RuntimeError) in
                try store.transposed("w", scale: nil, channels: channels, taps: window.taps)
            },
            bias: made { () throws(RuntimeError) in
                try store.valuesOrZeros(bias == nil ? nil : "b", channels: channels)
            })
    }
}

extension ByteConvolutionOperator {
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int,
        weights: [Int8], scale: [Float], bias: [Float]?, kernels: KernelSet
    ) {
        self = made { () throws(RuntimeError) in
            try ByteConvolutionOperator(
                window: window, groups: groups, inputChannels: inputChannels,
                outputChannels: outputChannels, weight: "w", scale: "s",
                bias: bias == nil ? nil : "b", kernels: kernels,
                store([
                    "w": ModelTensor(i8: weights, shape: [weights.count]),
                    "s": ModelTensor(f32: scale, shape: [scale.count]),
                    "b": ModelTensor(f32: bias ?? [], shape: [bias?.count ?? 0]),
                ]))
        }
    }
}

extension BinaryConvolutionOperator {
    init(
        window: bonn_window, groups: Int, inputChannels: Int, outputChannels: Int, isSigned: Bool,
        padding: PaddingValue, pixelWords: Int, words: [UInt64], program: MapProgram?,
        kernels: KernelSet
    ) {
        self = made { () throws(RuntimeError) in
            try BinaryConvolutionOperator(
                window: window, groups: groups, inputChannels: inputChannels,
                outputChannels: outputChannels, isSigned: isSigned, padding: padding,
                pixelWords: pixelWords, weight: "w", program: program, kernels: kernels,
                store(["w": ModelTensor(u64: words, shape: [words.count])]))
        }
    }
}

extension ThresholdConstants {
    static func of(thresholds: [Float], directions: [Int8]) -> ThresholdConstants {
        made { () throws(RuntimeError) in
            try ThresholdConstants(
                ModelTensor(f32: thresholds, shape: [thresholds.count]),
                directions: ModelTensor(i8: directions, shape: [directions.count]), store([:]))
        }
    }

    static func of(thresholds: [Int32], directions: [Int8]) -> ThresholdConstants {
        made { () throws(RuntimeError) in
            try ThresholdConstants(
                ModelTensor(i32: thresholds, shape: [thresholds.count]),
                directions: ModelTensor(i8: directions, shape: [directions.count]), store([:]))
        }
    }
}
