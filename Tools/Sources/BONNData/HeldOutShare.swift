import BONNModelFormat

extension ImageDataset {
    /// The images in two parts, each in the order of the data set: a share of every class, drawn by the
    /// seed, and the rest.
    ///
    /// - Parameters:
    ///   - share: of each class, more than 0 and less than 1. At least one image of a class is held out,
    ///     and at least one stays.
    ///   - seed: which ones.
    /// - Throws: `.noImages` for a class of one image, `.invalidOption` for another share.
    public func holdingOut(
        _ share: Double, seed: UInt64
    ) throws(DataError) -> (rest: any ImageDataset, heldOut: any ImageDataset) {
        guard share > 0, share < 1 else {
            throw DataError(
                .invalidOption,
                "a share of \(share) cannot be held out: expected more than 0 and less than 1")
        }
        var members = [[Int]](repeating: [], count: classNames.count)
        for index in 0..<count { members[label(at: index)].append(index) }
        var generator = SeededGenerator(seed: seed, stream: heldOutStream)
        var isHeldOut = [Bool](repeating: false, count: count)
        for (label, members) in members.enumerated() where !members.isEmpty {
            guard members.count > 1 else {
                throw DataError(
                    .noImages,
                    "\(printable(name)): the class \(ClassNames.quoted(classNames[label])) has one image, "
                        + "which cannot be both trained on and held out; add another one")
            }
            let wanted = Int((share * Double(members.count)).rounded())
            let number = min(max(1, wanted), members.count - 1)
            for place in generator.permutation(members.count).prefix(number) {
                isHeldOut[members[place]] = true
            }
        }
        return (
            DatasetSubset(base: self, indices: (0..<count).filter { !isHeldOut[$0] }),
            DatasetSubset(base: self, indices: (0..<count).filter { isHeldOut[$0] })
        )
    }
}

/// The stream of the seed that this draws from, apart from those of training and of subsets.
private let heldOutStream: UInt64 = 0x6865_6C64_6F75_74
