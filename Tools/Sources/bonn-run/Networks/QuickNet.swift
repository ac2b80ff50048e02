import BONNModelFormat

/// QuickNet as in Larq Zoo 2.3 (`larq_zoo/sota/quicknet.py`).
extension NetworkBuilder {
    /// Sections of blocks `x + BN(ReLU(Conv(sign(x))))`, padded with +1, and real transitions with
    /// a blur between them; a ReLU before the mean.
    ///
    /// - Parameters:
    ///   - widths: channels of each section.
    ///   - blocks: blocks of each section.
    mutating func quickNet(_ input: Name, widths: [Int], blocks: [Int]) throws -> Name {
        var x = try stem(input, outputs: widths[0])
        for (section, width) in widths.enumerated() {
            if section > 0 { x = try transition(x, "transition\(section)", outputs: width) }
            for index in 0..<blocks[section] {
                let name = "section\(section + 1).\(index)"
                // Larq's sums have no scale; this one stands for what the batch norm undoes.
                var y = try binaryConvolution(
                    x, "\(name).convolution", outputs: width, padding: .plusOne, thresholds: 0)
                y = batchNorm(relu(y, "\(name).relu"), "\(name).norm")
                x = sum(x, y, "\(name).sum")
            }
        }
        return head(relu(x, "relu"), classes: 1000)
    }

    private mutating func stem(_ input: Name, outputs: Int) throws -> Name {
        let few = outputs / 4
        var x = try convolution(
            input, "stem.0", outputs: few, window: .same(3, stride: 2, of: shape(input)))
        x = relu(batchNorm(x, "stem.0.norm"), "stem.0.relu")
        x = try convolution(
            x, "stem.1", outputs: few, window: .same(3, stride: 2, of: shape(x)), groups: few)
        x = batchNorm(x, "stem.1.norm")
        x = try convolution(x, "stem.2", outputs: outputs, window: Window(1))
        return batchNorm(x, "stem.2.norm")
    }

    private mutating func transition(
        _ input: Name, _ name: Name, outputs: Int
    ) throws -> Name {
        var x = relu(input, "\(name).relu")
        x = try maxPool(x, "\(name).pool", window: Window(2))
        x = try blur(x, "\(name).blur", window: .same(3, stride: 2, of: shape(x)))
        x = try convolution(x, "\(name).convolution", outputs: outputs, window: Window(1))
        return batchNorm(x, "\(name).norm")
    }
}
