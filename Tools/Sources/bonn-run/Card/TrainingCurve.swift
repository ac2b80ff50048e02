import BONNFiles
import BONNModelFormat

/// What `metrics.csv` of a run tells of its training: a row an epoch.
struct TrainingCurve {
    /// An epoch whose accuracy was measured.
    struct Point {
        let epoch: Int
        let trainingLoss: Double
        /// Share of right training images, augmented, while they were trained on.
        let trainingTop1: Double
        let testTop1: Double
    }

    /// The measured epochs.
    let points: [Point]
    /// Epochs trained.
    let epochs: Int
    /// Time of all of them, as measured.
    let seconds: Double
    /// The median time of an epoch, which pauses of a run do not change.
    let medianSeconds: Double

    private static let limit = 16 << 20

    /// Reads the file of a run.
    init(path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try PlainFile(path: path).contents(atMost: Self.limit)
        } catch {
            throw Failure("\(path): the file cannot be read: \(error.reason)")
        }
        let rows = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let header = rows.first, rows.count > 1 else {
            throw Failure("\(path): expected the metrics.csv of a run, found no epoch")
        }
        let places = try ["epoch", "train_loss", "train_top1", "test_top1", "seconds"].map { name in
            guard let place = header.firstIndex(of: name) else {
                throw Failure(
                    "\(path): expected the metrics.csv of a run, found no column '\(name)'")
            }
            return place
        }
        var points: [Point] = []
        var times: [Double] = []
        for (line, row) in rows.enumerated().dropFirst() {
            guard row.count == header.count else {
                throw Failure(
                    "\(path), line \(line + 1): expected \(header.count) cells, found \(row.count)")
            }
            let cells = places.map { row[$0] }
            guard let epoch = Int(cells[0]), let loss = Double(cells[1]),
                let top1 = Double(cells[2]), let time = Double(cells[4]), time >= 0
            else {
                throw Failure("\(path), line \(line + 1): expected numbers")
            }
            times.append(time)
            guard !cells[3].isEmpty else { continue }
            guard let test = Double(cells[3]) else {
                throw Failure("\(path), line \(line + 1): expected a number as test_top1")
            }
            points.append(
                Point(epoch: epoch, trainingLoss: loss, trainingTop1: top1, testTop1: test))
        }
        self.points = points
        epochs = times.count
        seconds = times.reduce(0, +)
        medianSeconds = Durations(milliseconds: times.map { $0 * 1_000 }).median / 1_000
    }

    /// At most so many points, evenly spread, the last one always among them.
    func spread(_ most: Int) -> [Point] {
        guard points.count > most else { return points }
        return (1...most).map { points[$0 * points.count / most - 1] }
    }
}
