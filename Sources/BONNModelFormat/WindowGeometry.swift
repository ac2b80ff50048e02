extension Window {
    /// The height and width of what a window makes of an input, rounded down:
    /// `(size + padding - (dilation * (kernel - 1) + 1)) / stride + 1`.
    ///
    /// - Throws: `ModelFormatError` when a number of the window is out of `FormatLimits`, or the
    ///   window is larger than the padded input.
    public func outputSize(
        of input: Shape, place: String
    ) throws(ModelFormatError) -> (height: Int, width: Int) {
        try checkNumbers(place: place)
        let rows = Self.outputs(
            input.height + padTop + padBottom, kernel: height, stride: strideHeight,
            dilation: dilationHeight)
        let columns = Self.outputs(
            input.width + padLeft + padRight, kernel: width, stride: strideWidth,
            dilation: dilationWidth)
        guard let rows, let columns else {
            throw ModelFormatError(
                .windowTooLarge, place,
                expected: "a window that fits into the padded input of height "
                    + "\(input.height + padTop + padBottom) and width "
                    + "\(input.width + padLeft + padRight)",
                found: "height \(dilationHeight * (height - 1) + 1) and width "
                    + "\(dilationWidth * (width - 1) + 1)",
                fix: "correct kernel, padding or dilation")
        }
        return (rows, columns)
    }

    /// Every pooling window must see at least one element of the input.
    func checkPooling(place: String) throws(ModelFormatError) {
        guard dilationHeight == 1, dilationWidth == 1 else {
            throw ModelFormatError(
                .invalidWindow, place, expected: "a pooling window without dilation",
                found: "dilation [\(dilationHeight), \(dilationWidth)]", fix: "set it to 1")
        }
        guard max(padTop, padBottom) < height, max(padLeft, padRight) < width else {
            throw ModelFormatError(
                .invalidWindow, place, expected: "padding smaller than the pooling window",
                found: "padding [\(padTop), \(padBottom), \(padLeft), \(padRight)] for "
                    + "[\(height), \(width)]",
                fix: "a window of nothing but padding has no maximum and no average")
        }
    }

    private func checkNumbers(place: String) throws(ModelFormatError) {
        let positive = [
            height, width, strideHeight, strideWidth, dilationHeight, dilationWidth,
        ]
        let notNegative = [padTop, padBottom, padLeft, padRight]
        guard positive.allSatisfy({ (1...FormatLimits.window).contains($0) }),
            notNegative.allSatisfy({ (0...FormatLimits.window).contains($0) })
        else {
            throw ModelFormatError(
                .invalidWindow, place,
                expected: "kernel, stride and dilation of 1 to \(FormatLimits.window) and padding "
                    + "of 0 to \(FormatLimits.window)",
                found: "kernel [\(height), \(width)], stride [\(strideHeight), \(strideWidth)], "
                    + "padding \(notNegative), dilation [\(dilationHeight), \(dilationWidth)]",
                fix: "correct the window")
        }
    }

    private static func outputs(_ padded: Int, kernel: Int, stride: Int, dilation: Int) -> Int? {
        let extent = dilation * (kernel - 1) + 1
        return padded < extent ? nil : (padded - extent) / stride + 1
    }
}
