import BONNConfiguration
import Testing

/// Recipes that stand on others.
@Suite struct RecipeExtendsTests {
    /// What a recipe among some files describes.
    private func read(
        _ source: String, _ files: [String: String]
    ) throws(ConfigurationError) -> SampleConfiguration {
        var configuration = SampleConfiguration()
        try configuration.read(recipe: Array((files[source] ?? "").utf8), source: source) {
            (path) throws(ConfigurationError) in
            guard let text = files[path] else { throw ConfigurationError("\(path): not there") }
            return Array(text.utf8)
        }
        return configuration
    }

    private func refusal(_ source: String, _ files: [String: String]) -> String {
        do throws(ConfigurationError) {
            _ = try read(source, files)
            return "accepted"
        } catch {
            return error.message
        }
    }

    @Test func `what a recipe sets stands on what the other ones say`() throws {
        let configuration = try read(
            "r/rows/a.yaml",
            [
                "r/rows/a.yaml": "extends: ../b.yaml\nshape:\n  corners: 7\nmodel:\n  mean: [1]\n",
                "r/rows/../b.yaml": "data:\n  batch_size: 3\nextends: /c.yaml\n"
                    + "shape:\n  name: polygon\n  border: 2\n",
                "/c.yaml": "model:\n  name: wide\ndata:\n  batch_size: 2\n  path: p\n",
            ])
        #expect(configuration.data.path == "p" && configuration.data.batchSize == 3)
        #expect(configuration.model.name == "wide" && configuration.model.widths == [10, 20])
        #expect(configuration.model.mean == [1])
        #expect(
            configuration.shape
                == .polygon(SampleConfiguration.Polygon(border: .init(width: 2), corners: 7)))
    }

    /// The base's keys of another choice are gone with it: each recipe is applied as a whole.
    @Test func `another choice leaves the settings of the first one behind`() throws {
        let configuration = try read(
            "a", ["a": "extends: b\nshape:\n  name: polygon\n", "b": "shape:\n  radius: 4\n"])
        #expect(configuration.shape == .polygon(SampleConfiguration.Polygon()))
    }

    @Test func `stages are kept, or replaced as a whole`() throws {
        let base = "stages:\n  - shape.border: 1\n  - name: x\n    shape.border: 2\n"
        let kept = try read("a", ["a": "extends: b\ndata:\n  batch_size: 9\n", "b": base])
        #expect(kept.stages.count == 2 && kept.data.batchSize == 9)
        let other = try read(
            "a", ["a": "extends: b\nshape:\n  border: 3\nstages:\n  - name: y\n", "b": base])
        #expect(other.stages.map(\.name) == ["y"])
        #expect(try read("a", ["a": "extends: b\nstages: []\n", "b": base]).stages.isEmpty)
        #expect(
            refusal("a", ["a": "extends: b\nshape:\n  border: 3\n", "b": base])
                == "a:3: every stage of the recipe that this one extends sets shape.border; write the "
                + "stages here too")
    }

    @Test func `notes of all recipes are told`() throws {
        var configuration = SampleConfiguration()
        let notes = try configuration.read(
            recipe: Array("extends: b\nmodel:\n  shape: polygon\n".utf8), source: "a"
        ) { (_) throws(ConfigurationError) in Array("model:\n  first_layers: large\n".utf8) }
        #expect(
            notes == [
                "b: keys have new names: model.first_layers is now model.stem",
                "a: keys have new names: model.shape is now shape.name",
            ])
    }

    @Test func `errors name the file in which they are`() {
        let files = ["x/a": "extends: b\n", "x/b": "data:\n  batch_size: none\n"]
        #expect(refusal("x/a", files).hasPrefix("x/b:2: data.batch_size is none, expected a whole"))
        #expect(refusal("a", ["a": "\nextends: b\n"]) == "a:2: extends: b: not there")
        #expect(
            refusal("a", ["a": "extends: [b]\n"]) == "a:1: extends: expected the path of a recipe")
        #expect(refusal("a", ["a": "extends:\n"]) == "a:1: extends: expected the path of a recipe")
        #expect(
            refusal("a", ["a": "extend: b\n"])
                == "a:1: unknown section extend; did you mean extends?")
    }

    @Test func `a circle is refused, and so is a chain without end`() {
        let circle = ["a": "extends: b\n", "b": "extends: c\n", "c": "extends: a\n"]
        #expect(
            refusal("a", circle)
                == "c:1: extends a: expected at most 8 recipes, none of which extends itself, found a, each "
                + "of which extends the next, b, each of which extends the next, c")
        #expect(
            refusal("a", ["a": "extends: a\n"]).contains("none of which extends itself, found a"))
        var chain: [String: String] = [:]
        for index in 0..<9 { chain["\(index)"] = "extends: \(index + 1)\n" }
        chain["8"] = ""
        #expect(refusal("0", chain).hasPrefix("7:1: extends 8: expected at most 8 recipes"))
        chain["7"] = "data:\n  batch_size: 5\n"
        #expect(throws: Never.self) { try read("0", chain) }
    }

    @Test func `a text that is no file extends nothing`() {
        var configuration = SampleConfiguration()
        let found = #expect(throws: ConfigurationError.self) {
            try configuration.read(recipe: "extends: /etc/passwd\n", source: "checkpoint")
        }
        #expect(
            found?.message
                == "checkpoint:1: only a recipe in a file of its own extends another one")
    }
}
