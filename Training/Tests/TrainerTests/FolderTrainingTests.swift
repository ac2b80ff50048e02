import BONNConfiguration
import BONNData
import BONNMethods
import Foundation
import Testing

@testable import BONNTrainer

/// Runs on folders of images as people have them.
@Suite(.serialized) struct FolderTrainingTests {
    private let folder = TemporaryFolder()
    private let files = FileManager.default

    /// Draws images in folders: `train/CLASS/*.png` and `test/CLASS/*.png`, of ten classes.
    private func draw(_ name: String, images: Int = 80) throws -> String {
        let path = folder.path + "/" + name
        let ending = try Tool.run(
            "data", "convert", "synthetic:\(images)", "--to", "images", "--output", path)
        try #require(ending.status == 0, "\(ending.errors)")
        return path
    }

    private func train(_ data: String, _ run: String, _ more: String...) throws -> Tool.Ending {
        try Tool(
            [
                "train", "--data", data, "--widths", "2-2-2-4", "--epochs", "1", "--batch-size",
                "16", "--threads", "1", "--output", folder.path + "/" + run,
            ] + more
        ).wait()
    }

    private func key(_ path: String, of run: String) throws -> String {
        let recipe = try Recipe.read(path: folder.path + "/" + run + "/config.yaml")
        return try #require(recipe.keys.first { $0.path == path }).text(in: recipe)
    }

    /// The number of images, and what was said, when a data set is evaluated.
    private func evaluated(_ run: String, _ data: String) throws -> (images: Int, said: String) {
        let ending = try Tool.run(
            "evaluate", folder.path + "/" + run + "/last.safetensors", "--data", data, "--json",
            "--threads", "1")
        try #require(ending.status == 0, "\(ending.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(ending.output.utf8))
        let report = try #require(object as? [String: Any])
        return (try #require(report["images"] as? Int), ending.errors)
    }

    @Test func `a folder without parts is divided by the seed, and stays divided`() throws {
        let whole = try draw("drawn") + "/train"
        let first = try train(whole, "run")
        try #require(first.status == 0, "\(first.errors)")
        // 8 images of each of 10 classes, of which 0.2 are 2, rounded.
        #expect(
            first.output.contains(": 20 % of each class, 20 images drawn by seed 1, are held out"))
        #expect(first.output.contains("60 training and 20 test images"))
        #expect(try key("data.validation_share", of: "run") == "0.2")
        let own = try evaluated("run", whole)
        #expect(own.images == 20 && own.said.contains("the 20 images are those that it held out"))
        // Of any other folder, all images are new.
        let other = try draw("other", images: 40) + "/train"
        #expect(try evaluated("run", other).images == 40)
        #expect(try evaluated("run", folder.path + "/drawn").images == 20)
        let more = try train(whole, "run", "--resume", "--epochs", "2")
        #expect(more.status == 0, "\(more.errors)")
        let checkpoint = folder.path + "/run/last.safetensors"
        let model = folder.path + "/x.bonn"
        let exported = try Tool.run("export", checkpoint, "--data", whole, "-o", model)
        #expect(exported.status == 0 && exported.errors.contains("held out"), "\(exported.errors)")
        let verified = try Tool.run("verify", checkpoint, model, "--data", whole)
        #expect(verified.status == 0 && verified.errors.contains("held out"), "\(verified.errors)")
    }

    @Test func `the share that is held out is a key`() throws {
        let drawn = try draw("drawn")
        let half = try train(drawn + "/train", "half", "--set", "data.validation_share=0.5")
        #expect(half.status == 0 && half.output.contains("40 training and 40 test images"))
        let three = try train(drawn, "three", "--set", "data.validation_share=0.25")
        #expect(three.output.contains("60 training, 20 validation and 20 test images"))
        #expect(three.output.contains("are the validation images"), "\(three.output)")
        let two = try train(drawn, "two")
        #expect(two.output.contains("80 training and 20 test images"), "\(two.output)")
        #expect(try key("data.validation_share", of: "two") == "null")
        let wrong = try train(drawn, "wrong", "--set", "data.validation_share=1")
        #expect(wrong.status == 64 && wrong.errors.contains("from 0.001 to 0.999, or null"))
    }

    @Test func `an unreadable image is named, or left out without changing the others`() throws {
        let drawn = try draw("drawn")
        let classes = try files.contentsOfDirectory(atPath: drawn + "/train").sorted()
        let empty = drawn + "/train/" + classes[3] + "/00empty.png"
        try Data().write(to: URL(fileURLWithPath: empty))
        let refused = try train(drawn, "refused")
        #expect(refused.status == 1 && refused.errors.contains(empty), "\(refused.errors)")
        #expect(refused.errors.split(separator: "\n").count == 1)
        let skipping = try train(
            drawn, "skipping", "--set", "data.skip_broken=true", "--set",
            "data.validation_share=null")
        #expect(skipping.status == 0 && skipping.output.contains(empty), "\(skipping.errors)")
        #expect(try key("augmentation.image_size", of: "skipping") == "32")
        #expect(try key("augmentation.resize_to", of: "skipping") == "32")
    }

    @Test func `what is passed over in the folders is counted in one line`() throws {
        let drawn = try draw("drawn")
        let first = drawn + "/train/" + (try files.contentsOfDirectory(atPath: drawn + "/train")[0])
        try Data("x".utf8).write(to: URL(fileURLWithPath: first + "/notes.txt"))
        try files.createDirectory(
            atPath: first + "/more", withIntermediateDirectories: false)
        let ending = try train(drawn, "run")
        #expect(ending.status == 0, "\(ending.errors)")
        let lines = ending.output.split(separator: "\n").filter { $0.contains("left out") }
        #expect(lines.count == 1)
        #expect(lines.first?.hasSuffix("left out: 1 other file, 1 nested folder") == true)
    }

    @Test func `a test folder with some of the classes is measured on those`() throws {
        let drawn = try draw("drawn")
        let classes = try files.contentsOfDirectory(atPath: drawn + "/test").sorted()
        try files.removeItem(atPath: drawn + "/test/" + classes[0])
        let ending = try train(drawn, "run")
        #expect(
            ending.status == 0 && ending.output.contains("9 of the 10 classes"), "\(ending.output)")
        try files.moveItem(
            atPath: drawn + "/test/" + classes[1], toPath: drawn + "/test/another")
        let refused = try train(drawn, "refused")
        #expect(
            refused.status == 1 && refused.errors.contains("does not have: another"),
            "\(refused.errors)")
    }
}
