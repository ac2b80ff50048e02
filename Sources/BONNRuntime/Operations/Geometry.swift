import BONNModelFormat
import CBONNKernels

extension bonn_window {
    /// The window of an operation from `input` to `output`.
    init(_ window: Window, from input: Shape, to output: Shape) {
        self.init(
            in_height: input.height, in_width: input.width, out_height: output.height,
            out_width: output.width, kernel_height: window.height, kernel_width: window.width,
            stride_height: window.strideHeight, stride_width: window.strideWidth,
            pad_top: window.padTop, pad_left: window.padLeft,
            dilation_height: window.dilationHeight, dilation_width: window.dilationWidth,
            in_row: 0, out_row: 0)
    }

    /// The same window where only rows from some on are in memory.
    func from(_ memory: RowMemory) -> bonn_window {
        var window = self
        window.in_row = memory.inputRow
        window.out_row = memory.outputRow
        return window
    }

    /// Taps of the kernel.
    var taps: Int { kernel_height * kernel_width }
}

/// Output positions along one axis, grouped by the taps that fall inside the image.
struct TapClasses {
    /// The taps of each class.
    private(set) var ranges: [Range<Int>] = []
    /// The class of each output position.
    private(set) var classOfOutput: [Int32] = []

    /// Classifies the outputs along the vertical axis of a window.
    static func rows(of window: bonn_window) -> TapClasses {
        TapClasses(
            outputs: window.out_height, stride: window.stride_height, padding: window.pad_top,
            taps: window.kernel_height, dilation: window.dilation_height, size: window.in_height)
    }

    /// Classifies the outputs along the horizontal axis of a window.
    static func columns(of window: bonn_window) -> TapClasses {
        TapClasses(
            outputs: window.out_width, stride: window.stride_width, padding: window.pad_left,
            taps: window.kernel_width, dilation: window.dilation_width, size: window.in_width)
    }

    private init(
        outputs: Int, stride: Int, padding: Int, taps: Int, dilation: Int, size: Int
    ) {
        var known: [Range<Int>: Int32] = [:]
        for output in 0..<outputs {
            let inside = bonn_taps_inside(output * stride - padding, taps, dilation, size)
            let range = inside.begin..<inside.end
            if known[range] == nil {
                known[range] = Int32(ranges.count)
                ranges.append(range)
            }
            classOfOutput.append(known[range] ?? 0)
        }
    }
}
