public import BONNData
import BONNImageIO
import BONNModelFormat

extension TrainingConfiguration {
    /// How the data set is opened. Unreadable images are left out when they are read, and not all
    /// decoded beforehand.
    public var datasetOptions: DatasetOptions {
        var options = DatasetOptions()
        options.coarseLabels = data.coarseLabels
        options.folderOrder = data.folderOrder
        options.toleratesBrokenImages = data.skipBroken
        options.splitSeed = UInt64(run.seed)
        options.validationShare = data.validationShare
        options.orientation = orientation
        options.decodingBudget = DecodingBudget(bytes: Int(data.decodingLimit * 1e6))
        return options
    }

    /// Which way up images are read.
    var orientation: Preprocessing.Orientation { data.exifOrientation ? .exif : .stored }
}

extension Checkpoint {
    /// Test images for the network, labelled as its classes, and lines for a person about them.
    ///
    /// Of the very folder that the run divided, that is what training held out; of any other, all test
    /// images.
    ///
    /// - Parameters:
    ///   - path: a data set.
    ///   - count: how many images, each class with its share; 0: all.
    ///   - configuration: how the images are read: the checkpoint's, or a change of it.
    ///   - source: the path of the checkpoint, for messages.
    /// - Throws: `.data` for what cannot be read, or is labelled with a class that the network does not
    ///   know.
    public func testImages(
        of path: String, count: Int, configuration: TrainingConfiguration, source: String
    ) throws(TrainingError) -> (dataset: any ImageDataset, notes: [String]) {
        var notes: [String] = []
        let images: any ImageDataset
        do throws(DataError) {
            if let own = try heldOut(of: path, configuration) {
                notes.append(
                    "\(own.name) is what the run was trained on: the \(own.count) images are those that "
                        + "it held out")
                images = own
            } else {
                var options = configuration.datasetOptions
                options.validationShare = nil
                images = try DatasetSplits.openTest(path, options: options)
            }
        } catch {
            throw TrainingError(.data, error.message)
        }
        let labeled = try labeled(images, source: source)
        notes += images.leftOut.note.map { ["\(images.name): \($0)"] } ?? []
        notes += labeled.notes
        let seed = UInt64(configuration.run.seed)
        return (labeled.dataset.subset(of: count, seed: seed), notes)
    }

    /// What the run held out of a folder that it divided; nil for every other data set.
    private func heldOut(
        of path: String, _ configuration: TrainingConfiguration
    ) throws(DataError) -> (any ImageDataset)? {
        guard configuration.data.validationShare != nil,
            let splits = try DatasetSplits.openUndivided(
                path, options: configuration.datasetOptions),
            state.dataset.difference(
                from: DatasetIdentity(splits.limited(by: self.configuration))) == nil
        else { return nil }
        return splits.test
    }
}

extension DatasetSplits {
    /// The parts of the data that a configuration uses.
    func limited(by configuration: TrainingConfiguration) -> DatasetSplits {
        let data = configuration.data
        func limited(_ dataset: any ImageDataset, to count: Int) -> any ImageDataset {
            switch data.subset {
            case .spread: dataset.subset(of: count, seed: UInt64(configuration.run.seed))
            case .first: dataset.first(count)
            }
        }
        return DatasetSplits(
            kind: kind, train: limited(train, to: data.trainImages), validation: validation,
            test: limited(test, to: data.testImages), notes: notes, heldOutShare: heldOutShare)
    }
}
