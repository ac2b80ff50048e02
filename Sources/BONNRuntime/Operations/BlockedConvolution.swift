import BONNModelFormat
import CBONNKernels

/// What real and byte convolutions have in common: their geometry, and output channels in blocks of
/// `BONN_REAL_BLOCK` of each group, among which the work is divided.
protocol BlockedConvolution: RowProducer {
    var window: bonn_window { get }
    var groups: Int { get }
    /// Of all groups.
    var inputChannels: Int { get }
    /// Of all groups.
    var outputChannels: Int { get }
}

extension BlockedConvolution {
    var realMACs: Int {
        outputChannels * window.out_height * window.out_width * window.taps
            * (inputChannels / groups)
    }

    var shape: Shape { Shape(outputChannels, window.out_height, window.out_width) }

    var elements: Int { shape.count }

    var work: Int {
        saturatingProduct(
            blocks, Int(BONN_REAL_BLOCK), window.out_height, window.out_width, window.taps,
            inputChannels / groups)
    }

    var blocks: Int { groups * ConstantStore.blockCount(outputChannels / groups) }

    func channels(of range: bonn_range) -> Range<Int> {
        let groupChannels = outputChannels / groups
        let groupBlocks = ConstantStore.blockCount(groupChannels)
        func first(_ block: Int) -> Int {
            block / groupBlocks * groupChannels
                + min(block % groupBlocks * Int(BONN_REAL_BLOCK), groupChannels)
        }
        return first(range.begin)..<first(range.end)
    }
}
