import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// Which images are trained on, which choose the best checkpoint, and which are measured.
@Suite struct SplitTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func images(_ folder: String, _ counts: KeyValuePairs<String, Int>) throws {
        for (name, count) in counts {
            for index in 0..<count {
                try scratch.write(
                    randomImage(4, 4, seed: UInt64(index)), "\(folder)\(name)/\(index).png")
            }
        }
    }

    private func names(_ dataset: any ImageDataset) -> Set<String> {
        Set((0..<dataset.count).map(dataset.identifier))
    }

    // MARK: Folders

    @Test(arguments: ["val", "VAL", "valid", "Valid", "validation", "VALIDATION"])
    func `a validation and a test folder are both given`(validation: String) throws {
        try images("TRAIN/", ["ant": 3, "bee": 2])
        try images(validation + "/", ["ant": 2, "bee": 1])
        try images("Test/", ["ant": 1, "bee": 1])
        let splits = try DatasetSplits.open(scratch.path)
        #expect(splits.train.count == 5 && splits.validation?.count == 3 && splits.test.count == 2)
        #expect(splits.validation?.name == scratch(validation))
        #expect(try DatasetSplits.openTest(scratch.path).name == scratch("Test"))
        #expect(splits.heldOutShare == nil && splits.notes.isEmpty)
        let info = try DatasetInfo(splits)
        #expect(info.validation?.count == 3 && info.test.count == 2)
    }

    @Test(arguments: [
        ["val", "validation"], ["Train", "train"], ["TEST", "test"], ["valid", "Val"],
    ])
    func `two folders that claim to be one part are refused`(claims: [String]) throws {
        for folder in Set(claims + ["train", "test"]).sorted() {
            try images(folder + "/", ["ant": 1])
        }
        let error = try #require(openingError(scratch.path))
        #expect(error.code == .notRecognised)
        #expect(
            error.message.contains(
                "holds \(claims.sorted().joined(separator: " and ")), expected one folder of"),
            "\(error)")
    }

    @Test func `an empty validation folder is an error, and not passed over`() throws {
        try images("train/", ["ant": 1])
        try images("test/", ["ant": 1])
        for content in ["val", "val/ant", "val/.hidden"] {
            try scratch.makeFolder(content)
            let error = try #require(openingError(scratch.path))
            #expect(error.code == .noImages && error.message.contains("/val"), "\(error)")
            try FileManager.default.removeItem(atPath: scratch("val"))
        }
    }

    @Test func `a class may be called train where the others are vehicles too`() throws {
        try images("", ["bus": 2, "plane": 2, "train": 2])
        #expect(try DatasetSplits.open(scratch.path).train.classNames == ["bus", "plane", "train"])
        try FileManager.default.removeItem(atPath: scratch("bus"))
        try FileManager.default.removeItem(atPath: scratch("plane"))
        // Without classes, these are no classes themselves.
        try images("", ["test": 2])
        #expect(openingError(scratch.path)?.message.contains("expected one for each class") == true)
    }

    // MARK: Shares

    @Test(arguments: ["", "train/"])
    func `a folder of classes alone is divided by the seed, class by class, and says so`(
        prefix: String
    ) throws {
        try images(prefix, ["ant": 10, "bee": 5, "cow": 2])
        var options = DatasetOptions()
        options.splitSeed = 3
        let splits = try DatasetSplits.open(scratch.path, options: options)
        #expect(splits.train.classCounts() == [8, 4, 1])
        #expect(splits.test.classCounts() == [2, 1, 1])
        #expect(splits.validation == nil && splits.heldOutShare == 0.2)
        let folder = prefix.isEmpty ? scratch.path : scratch("train")
        #expect(
            splits.notes == [
                "no test images beside \(folder): 20 % of each class, 4 images drawn by seed 3, are "
                    + "held out of training for the test"
            ])
        let (train, test) = (names(splits.train), names(splits.test))
        #expect(train.isDisjoint(with: test) && train.count + test.count == 17)
        let again = try #require(
            try DatasetSplits.openUndivided(scratch.path, options: options))
        #expect(names(again.test) == test && names(again.train) == train)

        options.splitSeed = 4
        #expect(names(try DatasetSplits.open(scratch.path, options: options).test) != test)
        options.validationShare = 0.5
        let half = try DatasetSplits.open(scratch.path, options: options)
        #expect(half.test.classCounts() == [5, 3, 1] && half.heldOutShare == 0.5)
    }

    @Test func `a share of the training images is held out where it is asked for`() throws {
        try images("train/", ["ant": 10, "bee": 10])
        try images("test/", ["ant": 1, "bee": 1])
        var options = DatasetOptions()
        options.validationShare = 0.3
        let splits = try DatasetSplits.open(scratch.path, options: options)
        #expect(splits.train.classCounts() == [7, 7])
        #expect(splits.validation?.classCounts() == [3, 3])
        #expect(splits.test.count == 2)
        #expect(splits.notes.first?.hasPrefix("30 % of each class of \(scratch("train"))") == true)
        #expect(try DatasetSplits.openUndivided(scratch.path, options: options) == nil)
        try images("val/", ["ant": 1, "bee": 1])
        let given = try DatasetSplits.open(scratch.path, options: options)
        #expect(given.train.count == 20 && given.validation?.name == scratch("val"))
        #expect(given.heldOutShare == nil)
    }

    @Test func `a share of images that are drawn is held out too, and never twice`() throws {
        var options = DatasetOptions()
        options.validationShare = 0.25
        let splits = try DatasetSplits.open("synthetic:400", options: options)
        let validation = try #require(splits.validation)
        #expect(splits.train.count == 300 && validation.count == 100 && splits.test.count == 100)
        #expect(names(splits.train).isDisjoint(with: names(validation)))
        #expect(validation.classCounts() == [Int](repeating: 10, count: 10))
    }

    @Test func `a class of one image and an impossible share are refused`() throws {
        try images("", ["ant": 4, "bee": 1])
        #expect(openingError(scratch.path)?.message.contains("class 'bee' has one image") == true)
        var options = DatasetOptions()
        for share in [0, 1, -0.5, .nan] {
            options.validationShare = share
            #expect(openingError(scratch.path, options: options)?.code == .invalidOption)
        }
    }

    // MARK: Labels

    @Test func `labels go by name, whatever the order and with some of the classes`() throws {
        try images("train/", ["ant": 1, "bee": 1, "cow": 1])
        try images("val/", ["cow": 1])
        try images("test/", ["bee": 1, "cow": 2])
        let splits = try DatasetSplits.open(scratch.path)
        #expect((0..<3).map(splits.test.label) == [1, 2, 2])
        #expect(splits.validation?.label(at: 0) == 2)
        #expect(splits.test.classNames == ["ant", "bee", "cow"])
        #expect(splits.test.classCounts() == [0, 1, 2])
        #expect(splits.test.listed(at: 0).name == "bee/0.png")
        let model: [Name] = ["cow", "dog", "ant", "bee"]
        let (relabeled, notes) = try splits.train.relabeled(
            names: model, count: 4, network: "m")
        #expect((0..<3).map(relabeled.label) == [2, 3, 0] && relabeled.classNames == model)
        #expect(notes == ["\(scratch("train")) has 3 of the 4 classes of m, without dog"])
    }

    @Test func `classes that are numbers are names where all of them are known`() throws {
        try images("", ["0": 1, "2": 1])
        let test = try DatasetSplits.openTest(scratch.path)
        let numbers: [Name] = ["0", "1", "2"]
        let mapping = try ClassMapping(of: test, names: numbers, count: 3, network: "m")
        #expect(mapping.classes == [0, 2])
        #expect(throws: DataError.self) {
            _ = try ClassMapping(of: test, names: ["a", "b", "c"], count: 3, network: "m")
        }
    }

    @Test func `digits of a format without names fit a network by number and a folder by name`()
        throws
    {
        for (prefix, labels) in [("train", [0, 9]), ("t10k", [3, 7, 0])] {
            let images = [0, 0, 8, 3, 0, 0, 0, labels.count, 0, 0, 0, 1, 0, 0, 0, 1].map(UInt8.init)
            try scratch.write(
                images + [UInt8](repeating: 9, count: labels.count),
                "idx/\(prefix)-images-idx3-ubyte")
            try scratch.write(
                ([0, 0, 8, 1, 0, 0, 0, labels.count] + labels).map(UInt8.init),
                "idx/\(prefix)-labels-idx1-ubyte")
        }
        let idx = try DatasetSplits.open(scratch("idx")).test
        #expect(idx.classesAreNumbered && idx.first(1).classesAreNumbered)
        let digits = (0..<10).map { Name(String($0)) }
        let same = try ClassMapping(of: idx, names: digits, count: 10, network: "m")
        #expect(same.classes == Array(0..<10) && same.notes.isEmpty)
        let clothes = "abcdefghij".map { Name(String($0)) }
        let counted = try ClassMapping(of: idx, names: clothes, count: 10, network: "m")
        #expect(counted.classes == Array(0..<10))
        #expect(
            counted.notes == [
                "classes are compared by their numbers: \(idx.name) does not name its classes"
            ])
        let error = #expect(throws: DataError.self) {
            _ = try ClassMapping(
                of: idx, names: Array(clothes[..<9]), count: 9, network: "m")
        }
        #expect(error?.message == "\(idx.name) has 10 classes, m has 9")
        // The same digits as folders have names, which the network of the digits knows.
        try images("folders/", ["9": 1, "3": 2])
        let folders = try DatasetSplits.openTest(scratch("folders"))
        #expect(!folders.classesAreNumbered)
        let named = try ClassMapping(of: folders, names: digits, count: 10, network: "m")
        #expect(named.classes == [3, 9])
        #expect(named.notes.count == 1 && named.notes[0].contains("2 of the 10 classes of m"))
        let turned = try ClassMapping(
            of: folders, names: digits.reversed(), count: 10, network: "m")
        #expect(turned.classes == [6, 0])
    }

    @Test(arguments: [["a", "b", "c"], ["0", "1", "2"]])
    func `other names are an error, whether or not they count`(names: [String]) throws {
        try images("", ["ant": 1, "bee": 1, "cow": 1])
        let test = try DatasetSplits.openTest(scratch.path)
        let error = #expect(throws: DataError.self) {
            _ = try ClassMapping(
                of: test, names: names.map { Name($0) }, count: 3, network: "m")
        }
        #expect(
            error?.message
                == "\(test.name) has classes that m does not have: ant, bee, cow; m has "
                + names.joined(separator: ", "))
    }

    @Test func `classes that only have numbers have none after they are converted`() throws {
        try scratch.write(
            [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5], "idx/train-images-idx3-ubyte")
        try scratch.write([0, 0, 8, 1, 0, 0, 0, 1, 4], "idx/train-labels-idx1-ubyte")
        for file in ["images-idx3", "labels-idx1"] {
            try FileManager.default.copyItem(
                atPath: scratch("idx/train-\(file)-ubyte"),
                toPath: scratch("idx/t10k-\(file)-ubyte"))
        }
        let splits = try DatasetSplits.open(scratch("idx"))
        try DatasetConvert(splits, to: .idx).run(into: scratch("copy"))
        let copy = try DatasetSplits.open(scratch("copy"))
        #expect(copy.train.classesAreNumbered && copy.train.classNames == splits.train.classNames)
    }

    @Test func `without names labels go by position, and both sides need as many classes`() throws {
        try images("", ["ant": 1, "bee": 1])
        let test = try DatasetSplits.openTest(scratch.path)
        let mapping = try ClassMapping(of: test, names: [], count: 2, network: "m")
        #expect(mapping.classes == [0, 1])
        #expect(
            mapping.notes == [
                "classes are compared by their numbers: m does not name its classes"
            ])
        let error = #expect(throws: DataError.self) {
            try ClassMapping(of: test, names: [], count: 3, network: "m")
        }
        #expect(error?.code == .badClasses)
    }
}
