import BONNModelFormat
import BONNTerminal

/// How often the images of each class are taken for each class.
struct Confusion {
    /// Counts: a row for the class that an image has, a column for the one that was predicted.
    private(set) var counts: [[Int]]

    init(classes: Int) {
        counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    }

    /// Adds an image.
    mutating func add(label: Int, predicted: Int) { counts[label][predicted] += 1 }

    /// The counts, with what the classes are called.
    func json(_ name: (Int) -> String) -> JSONValue {
        .members([
            "classes": .strings(counts.indices.map(name)),
            "counts": .array(counts.map { .array($0.map(JSONValue.int)) }),
        ])
    }

    /// A row for each class that has images: how many, the share that is right, how many other images are taken
    /// for the class, and the three classes that its images are most often taken for instead.
    func rows(_ name: (Int) -> String) -> [[String]] {
        var rows = [["class", "images", "right", "others taken for it", "mostly mistaken for"]]
        for (label, row) in counts.enumerated() {
            let images = row.reduce(0, +)
            guard images > 0 else { continue }
            let others = counts.reduce(0) { $0 + $1[label] } - row[label]
            let mistakes = row.indices.filter { $0 != label && row[$0] > 0 }
                .sorted { (row[$1], $0) < (row[$0], $1) }
                .prefix(3).map { "\(name($0)) \(row[$0])" }
            rows.append([
                name(label), "\(images)", Terminal.percent(Double(row[label]) / Double(images)),
                "\(others)", mistakes.joined(separator: ", "),
            ])
        }
        return rows
    }
}
