import BONNModelFormat

// Which windows a plan may have. A model file may have more; these are what both LibTorch and the runtime
// compute, with the same shapes.

extension Window {
    /// Insists on one stride and one dilation for rows and columns.
    func requireOneStep(_ name: Name) throws(PlanError) {
        guard strideHeight == strideWidth, dilationHeight == dilationWidth else {
            throw PlanError(
                "\(name): expected a window of one stride and one dilation for rows and columns, found "
                    + "stride \(strideHeight)x\(strideWidth) and dilation "
                    + "\(dilationHeight)x\(dilationWidth)")
        }
    }

    /// Insists on a square window of one stride, without dilation.
    ///
    /// - Parameter sameOnAllSides: whether the padding has to be the same on all sides, half of the window at
    ///   most.
    func requirePooling(_ name: Name, sameOnAllSides: Bool) throws(PlanError) {
        try requireOneStep(name)
        guard height == width, dilationHeight == 1 else {
            throw PlanError(
                "\(name): expected a square pooling window without dilation, found \(height)x\(width) with "
                    + "dilation \(dilationHeight)")
        }
        let sides = [padTop, padBottom, padLeft, padRight]
        guard !sameOnAllSides || Set(sides).count == 1 && padTop <= height / 2 else {
            throw PlanError(
                "\(name): expected a padding of the same 0 to \(height / 2) on all sides of a "
                    + "\(height)x\(width) pooling window, found \(sides) (top, bottom, left, right)"
            )
        }
    }
}

extension Pool {
    /// Whether windows stand side by side over all of an image, the last ones over what is left of it: the
    /// padding at the end, which does not count, is as large as what is missing (`averagePoolRoundingUp`).
    func covers(_ input: Shape) -> Bool {
        func missing(_ size: Int, _ stride: Int) -> Int { (stride - size % stride) % stride }
        return window.height == window.strideHeight && !countsPadding && window.padTop == 0
            && window.padLeft == 0
            && window.padBottom == missing(input.height, window.strideHeight)
            && window.padRight == missing(input.width, window.strideWidth)
    }
}

extension Shape {
    /// Insists on at least one element, and on as many as can be counted.
    func requireCountable(_ name: Name) throws(PlanError) {
        let sides = 1...Int(Int32.max)
        let (pixels, isLarge) = height.multipliedReportingOverflow(by: width)
        guard [channels, height, width].allSatisfy(sides.contains), !isLarge,
            !pixels.multipliedReportingOverflow(by: channels).overflow
        else {
            throw PlanError(
                "\(name): expected a value of elements that can be counted, found \(text)")
        }
    }
}
