public import BONNData

extension TrainingConfiguration {
    /// How the data set is opened. Unreadable images are left out when they are read, and not all
    /// decoded beforehand.
    public var datasetOptions: DatasetOptions {
        var options = DatasetOptions()
        options.coarseLabels = data.coarseLabels
        options.folderOrder = data.folderOrder
        options.toleratesBrokenImages = data.skipBroken
        return options
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
            test: limited(test, to: data.testImages), notes: notes)
    }
}
