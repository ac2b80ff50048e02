import BONNMethods
import BONNNetworks

extension ComparisonRow.Reported {
    init(_ figure: ReportedFigure, isSame: Bool) {
        top1 = figure.top1 / 100
        network = figure.network
        images = figure.images.rawValue
        source = figure.source.rawValue
        note = figure.note
        self.isSame = isSame
    }

    /// The figure of the row's own network and images; else the first of the same images, else the first.
    ///
    /// - Parameters:
    ///   - network: the name of the network.
    ///   - widths: the name with the widths that it has.
    ///   - images: what it was trained on; nil: what no paper reports on.
    static func nearest(
        _ figures: [ReportedFigure], network: String, widths: String, images: ReportedFigure.Images?
    ) -> ComparisonRow.Reported? {
        let published = Networks.named(network)?.widths.map(String.init).joined(separator: "-")
        let names =
            published.map { widths == "\(network) \($0)" } == true
            ? [widths, network] : [widths]
        func isSame(_ figure: ReportedFigure) -> Bool {
            figure.images == images && names.contains(figure.network)
        }
        if let own = figures.first(where: isSame) { return .init(own, isSame: true) }
        let near = figures.first { $0.images == images } ?? figures.first
        return near.map { .init($0, isSame: false) }
    }
}
