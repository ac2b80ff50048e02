extension ModelFile {
    /// Checks everything that a reader relies on: graph, tensors, preprocessing, class names,
    /// certificate. Reading and writing do it; code that makes a `ModelFile` in memory may too.
    ///
    /// - Returns: the type of every value of the graph by name.
    /// - Throws: `ModelFormatError` for the first thing that is wrong.
    @discardableResult
    public func validate() throws(ModelFormatError) -> [Name: ValueType] {
        for name in tensors.keys { try checkName(name, place: "tensor '\(abbreviated(name))'") }
        let types = try metadata.graph.validate(tensors: tensors)
        let classes = types[metadata.graph.output]?.shape.channels ?? 0
        guard metadata.classNames.isEmpty || metadata.classNames.count == classes else {
            throw ModelFormatError(
                .classNames, "class_names", expected: "\(classes) names, one a logit, or none",
                found: "\(metadata.classNames.count)", fix: "correct the list")
        }
        try metadata.preprocessing?.validate(for: metadata.graph.input)
        try metadata.parity?.validate()
        return types
    }
}

extension Preprocessing {
    /// Checks the rule by itself and against the input that it prepares.
    fileprivate func validate(for input: GraphInput) throws(ModelFormatError) {
        let count = channels == .rgb ? 3 : 1
        guard input.shape == Shape(count, height, width) else {
            throw wrong(
                "an image of the input's shape \(input.shape.text)",
                "\(Shape(count, height, width).text)", "correct width, height or channels")
        }
        if case .shorterSide(let pixels) = resize {
            guard pixels >= max(width, height), pixels <= FormatLimits.side else {
                throw wrong(
                    "a shorter side of \(max(width, height)) to \(FormatLimits.side) pixels, so "
                        + "that the crop fits", "\(pixels)", "correct resize")
            }
        }
        guard mean.count == count, std.count == count else {
            throw wrong(
                "\(count) means and stds", "\(mean.count) and \(std.count)",
                "give one of each a channel")
        }
        guard mean.allSatisfy(\.isFinite), std.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw wrong(
                "finite means and positive stds", "mean \(mean), std \(std)",
                "correct the numbers")
        }
        let changesNothing = mean.allSatisfy { $0 == 0 } && std.allSatisfy { $0 == 1 }
        guard input.element == .real || changesNothing else {
            throw wrong(
                "means of 0 and stds of 1, as the network reads the pixels themselves",
                "mean \(mean), std \(std)", "fold the normalisation into the first layer")
        }
    }

    private func wrong(_ expected: String, _ found: String, _ fix: String) -> ModelFormatError {
        ModelFormatError(
            .preprocessing, "preprocessing", expected: expected, found: found, fix: fix)
    }
}

extension ParityCertificate {
    fileprivate func validate() throws(ModelFormatError) {
        let differences = [maxAbsDifference, maxRelativeDifference]
        guard images >= 1, (0...1).contains(top1Agreement),
            differences.allSatisfy({ $0.isFinite && $0 >= 0 }),
            !kernels.isEmpty, kernels.allSatisfy({ !$0.isEmpty })
        else {
            throw ModelFormatError(
                .parity, "parity",
                expected: "at least 1 image, an agreement of 0 to 1, finite differences that are "
                    + "not negative, and the names of the kernel sets",
                found: "\(images) images, agreement \(top1Agreement), differences \(differences), "
                    + "kernels \(abbreviated("\(kernels)"))",
                fix: "verify the model again, or leave the certificate out")
        }
    }
}
