import ArgumentParser
import BONNData
import BONNDownload
import BONNModelFormat
import BONNTerminal
import BONNTrainer

/// `bonn data`.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Download, look at and convert data sets.",
        subcommands: [Download.self, Info.self, Convert.self])

    /// `bonn data download`.
    struct Download: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch a data set from its authors, with its checksum.",
            discussion: """
                Example:
                  bonn data download cifar10 --into data
                """)

        @Argument(
            help: "One of \(DatasetArchive.all.map(\.name).joined(separator: ", ")).",
            transform: archive(named:))
        var archive: DatasetArchive

        @Option(help: ArgumentHelp("Where to put it.", valueName: "folder"))
        var into = "data"

        @Option(help: ArgumentHelp("Another server with the same files.", valueName: "url"))
        var server = DatasetArchive.authorsServer

        func run() throws {
            let bar = ProgressBar()
            let path = try DatasetDownload(archive, server: server).run(into: into) {
                received, total in
                bar.update(
                    done: received >> 20, total: total >> 20, label: archive.name,
                    detail: "MiB")
            }
            bar.clear()
            try Terminal.line(path)
        }

        private static func archive(named name: String) throws -> DatasetArchive {
            guard let archive = DatasetArchive.all.first(where: { $0.name == name }) else {
                let names = DatasetArchive.all.map(\.name).joined(separator: ", ")
                throw ValidationError("unknown data set \(name), expected one of \(names)")
            }
            return archive
        }
    }

    /// `bonn data info`.
    struct Info: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell what a folder holds, after reading every image.")

        @Argument(help: "A CIFAR, IDX or image folder, or synthetic[:N].")
        var path: String

        @Flag(help: "Take the images of a folder by file name and not class by class.")
        var byFileName = false

        @Flag(help: "Leave out and list images that cannot be decoded.")
        var skipBroken = false

        @Flag(help: "Print the result as JSON.")
        var json = false

        func run() throws {
            var options = DatasetOptions()
            options.skipsBrokenImages = skipBroken
            options.folderOrder = byFileName ? .fileName : .path
            // As training divides a folder unless it is told another seed.
            options.splitSeed = UInt64(TrainingConfiguration().run.seed)
            let bar = ProgressBar()
            let info = try DatasetInfo(try DatasetSplits.open(path, options: options)) {
                done, total in
                bar.update(done: done, total: total, label: "reading", detail: "images")
            }
            bar.clear()
            let report = Report(info)
            if json {
                try Terminal.json(report)
            } else {
                try Terminal.lines(report.lines)
            }
        }
    }

    /// `bonn data convert`.
    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a data set in another format, image for image in the same order.",
            discussion: """
                Examples:
                  bonn data convert cifar-10-batches-bin --to images --output cifar-images
                  bonn data convert cifar-images --by-file-name --to cifar10 --output cifar-again
                  bonn data convert synthetic --images 100 --to images --output drawn
                """)

        @Argument(help: "A CIFAR, IDX or image folder, or synthetic[:N].")
        var path: String

        @Option(
            help:
                "One of \(DatasetConvert.Format.allCases.map(\.rawValue).joined(separator: ", ")).",
            transform: format(named:))
        var to: DatasetConvert.Format

        @Option(help: ArgumentHelp("A folder that is new or empty.", valueName: "folder"))
        var output: String

        @Flag(help: "Take the images of a folder by file name and not class by class.")
        var byFileName = false

        @Option(
            help: ArgumentHelp(
                "Only so many images of either split, each class with its share; 0: all.",
                valueName: "n"))
        var images = 0

        func validate() throws {
            guard images >= 0 else { throw ValidationError("--images must be at least 0") }
        }

        func run() throws {
            let bar = ProgressBar()
            var options = DatasetOptions()
            options.folderOrder = byFileName ? .fileName : .path
            // As training divides a folder unless it is told another seed.
            options.splitSeed = UInt64(TrainingConfiguration().run.seed)
            let all = try DatasetSplits.open(path, options: options)
            for note in all.notes { Terminal.note("Note: \(note)") }
            let splits = DatasetSplits(
                kind: all.kind, train: all.train.subset(of: images, seed: 1),
                validation: all.validation?.subset(of: images, seed: 1),
                test: all.test.subset(of: images, seed: 1))
            try DatasetConvert(splits, to: to).run(into: output) { done, total in
                bar.update(done: done, total: total, label: "writing", detail: "images")
            }
            bar.clear()
            try Terminal.line(output)
        }

        private static func format(named name: String) throws -> DatasetConvert.Format {
            guard let format = DatasetConvert.Format(rawValue: name) else {
                let names = DatasetConvert.Format.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("unknown format \(name), expected one of \(names)")
            }
            return format
        }
    }
}

/// What `bonn data info` shows.
private struct Report: Encodable {
    struct Part: Encodable {
        let images: Int
        let widths: [Int]
        let heights: [Int]
        let classCounts: [Int]
        let mean: [Float]
        let std: [Float]
        let brokenFiles: [String]
        let ignoredFiles: Int
        let nestedFolders: Int
        let sha256: String

        init(_ info: DatasetInfo.SplitInfo) {
            images = info.count
            widths = [info.widths.lowerBound, info.widths.upperBound]
            heights = [info.heights.lowerBound, info.heights.upperBound]
            classCounts = info.classCounts
            mean = info.statistics.mean.map { Float($0) }
            std = info.statistics.std.map { Float($0) }
            brokenFiles = info.leftOut.brokenFiles
            ignoredFiles = info.leftOut.otherFiles
            nestedFolders = info.leftOut.nestedFolders
            sha256 = info.sha256
        }
    }

    let kind: String
    let channels: Int
    let classNames: [String]
    let train: Part
    let validation: Part?
    let test: Part
    let notes: [String]

    init(_ info: DatasetInfo) {
        kind = info.kind.rawValue
        channels = info.channels
        classNames = info.classNames.map(\.text)
        train = Part(info.train)
        validation = info.validation.map(Part.init)
        test = Part(info.test)
        notes = info.notes
    }

    var lines: [String] {
        func numbers(_ values: [Float]) -> String {
            values.map { "\(($0 * 10_000).rounded() / 10_000)" }.joined(separator: " ")
        }
        func range(_ ends: [Int]) -> String {
            ends[0] == ends[1] ? "\(ends[0])" : "\(ends[0])-\(ends[1])"
        }
        let named: [(name: String, part: Part)] =
            [("train", train)] + (validation.map { [("validation", $0)] } ?? [])
            + [("test", test)]
        let parts = named.map(\.part)
        func row(_ name: String, _ value: (Part) -> String) -> [String] {
            [name] + parts.map(value)
        }
        let facts = [
            [""] + named.map(\.name),
            row("images") { "\($0.images)" },
            row("width") { range($0.widths) },
            row("height") { range($0.heights) },
            row("mean") { numbers($0.mean) },
            row("deviation") { numbers($0.std) },
            row("broken files") { "\($0.brokenFiles.count)" },
            row("other files") { "\($0.ignoredFiles)" },
            row("nested folders") { "\($0.nestedFolders)" },
        ]
        let classes = classNames.indices.prefix(100).map { index in
            row(classNames[index]) { "\($0.classCounts[index])" }
        }
        let digests = named.map { "SHA-256 of labels and pixels, \($0.name): \($0.part.sha256)" }
        let broken = parts.flatMap(\.brokenFiles).map { "left out: " + $0 }
        return ["\(kind), \(channels) channels, \(classNames.count) classes"] + notes
            + Table(facts + classes).lines + digests + broken
    }
}
