import Testing

@testable import BONNConfiguration

@Suite struct RecipeTests {
    private static func read(_ recipe: String) throws -> (SampleConfiguration, notes: [String]) {
        var configuration = SampleConfiguration()
        let notes = try configuration.read(recipe: recipe, source: "r.yaml")
        return (configuration, notes)
    }

    @Test func `a recipe that was written is read as itself`() throws {
        var configuration = SampleConfiguration()
        #expect(try Self.read(configuration.recipe).0 == configuration)
        configuration.data.path = "a \"quoted\": path\\ with #\ttab, ünïcode"
        configuration.data.share = 0.1
        configuration.model.mean = [0.1, 0.30000000000000004]
        configuration.model.widths = []
        configuration.model.imageSize = ImageSize(height: 3, width: 4)
        configuration.shape = .polygon(.init(border: .init(width: 1e-7), corners: 5))
        let (read, notes) = try Self.read(configuration.recipe)
        #expect(read == configuration && notes.isEmpty)
    }

    @Test func `a recipe shows every key of what was chosen, with meaning and choices`() {
        var configuration = SampleConfiguration()
        configuration.shape = .polygon(.init())
        let lines = configuration.recipe.split(separator: "\n")
        #expect(lines.filter { $0.hasSuffix(":") } == ["data:", "model:", "shape:", "run:"])
        #expect(
            lines.contains("  name: polygon                     # which shape (circle, polygon)"))
        #expect(lines.contains { $0.hasPrefix("  corners: 3  ") })
        #expect(!lines.contains { $0.hasPrefix("  radius") })
    }

    @Test func `a decisive key is set first, wherever it stands`() throws {
        let (read, _) = try Self.read(
            "shape:\n  corners: 7\n  name: polygon\nmodel:\n  widths: 5-6\n  name: wide\n")
        #expect(read.shape == .polygon(.init(corners: 7)))
        #expect(read.model.widths == [5, 6])
        #expect(try Self.read("model:\n  name: wide\n").0.model.widths == [10, 20])
        var assigned = read
        try assigned.apply([
            ("shape.radius", "2", "--set shape.radius=2"), ("shape.name", "circle", "--shape"),
        ])
        #expect(assigned.shape == .circle(.init(radius: 2)))
    }

    @Test func `a choice that is made again keeps what was set`() throws {
        var configuration = try Self.read("shape: {name: polygon, corners: 7}\n").0
        try configuration.apply([("shape.name", "polygon", "--shape polygon")])
        #expect(configuration.shape == .polygon(.init(corners: 7)))
        try configuration.apply([("shape.name", "circle", "--shape circle")])
        try configuration.apply([("shape.name", "polygon", "--shape polygon")])
        #expect(configuration.shape == .polygon(.init(corners: 3)), "its own defaults")
    }

    @Test(arguments: [
        (
            "shape:\n  corners: 4\n",
            "r.yaml:2: shape.corners belongs to polygon; shape.name is circle"
        ),
        ("shape:\n  radios: 4\n", "r.yaml:2: unknown key shape.radios; did you mean shape.radius"),
        ("shap:\n  radius: 4\n", "r.yaml:1: unknown section shap; did you mean shape?"),
        (
            "shape:\n  name: round\n",
            "r.yaml:2: shape.name is round, expected one of circle, polygon"
        ),
        ("model: 3\n", "r.yaml:1: section model must hold `key: value` lines"),
        ("words\n", "r.yaml: expected sections such as `data:` with keys below"),
        ("model:\n  widths: [[1]]\n", "r.yaml:2: a list may hold only plain values"),
        ("data:\n  path: {a: 1}\n", "r.yaml:2: expected a value, found nested keys"),
        ("model:\n  corners: 2\n", "r.yaml:2: model.corners is 2, expected a whole number"),
    ])
    func `a wrong recipe is refused with its place and the nearest valid names`(
        recipe: String, expected: String
    ) {
        let found = message { _ = try Self.read(recipe) }
        #expect(found?.hasPrefix(expected) == true, "\(found ?? "nothing thrown")")
    }

    @Test func `a recipe that is refused changes nothing`() {
        var configuration = SampleConfiguration()
        let found = message {
            try configuration.read(
                recipe: "shape: {name: polygon}\ndata: {batch_size: 0}\n", source: "r.yaml")
        }
        #expect(found != nil && configuration == SampleConfiguration())
    }

    @Test func `keys of older recipes are read, and a note says what they are called now`() throws {
        let (read, notes) = try Self.read(
            "old:\n  radius: 4\nmodel:\n  border: 2\n  shape: polygon\n  first_layers: large\n"
                + "  corners: 6\n")
        #expect(read.shape == .polygon(.init(border: .init(width: 2), corners: 6)))
        #expect(read.model.stem == .large)
        #expect(
            notes == [
                "r.yaml: keys have new names: model.shape is now shape.name, model.border is now "
                    + "shape.border, model.first_layers is now model.stem, model.corners is now "
                    + "shape.corners",
                "r.yaml: left out without effect: old.radius belongs to circle",
            ])
    }

    @Test func `an assignment to an old key has a note with what was typed`() throws {
        var configuration = SampleConfiguration()
        let notes = try configuration.apply([
            ("old.radius", "3", "--set old.radius=3"),
            ("model.corners", "4", "--set model.corners=4"),
        ])
        #expect(configuration.shape == .circle(.init(radius: 3)))
        #expect(
            notes == [
                "--set old.radius=3: keys have new names: old.radius is now shape.radius",
                "--set model.corners=4: left out without effect: model.corners belongs to polygon",
            ])
    }

    @Test func `bytes that are no text or too many are refused`() {
        var configuration = SampleConfiguration()
        #expect(
            message { try configuration.read(recipe: [0xFF], source: "r") }
                == "r: a recipe must be UTF-8 text")
        let long = [UInt8](repeating: 32, count: SampleConfiguration.longestRecipe + 1)
        #expect(
            message { try configuration.read(recipe: long, source: "r") }
                == "r: expected a recipe of at most 262144 bytes, found more")
    }
}
