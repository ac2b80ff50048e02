import Testing

@testable import BONNConfiguration

@Suite struct RecipeStageTests {
    private static func read(_ recipe: String) throws -> SampleConfiguration {
        var configuration = SampleConfiguration()
        try configuration.read(recipe: recipe, source: "r.yaml")
        return configuration
    }

    private static let twoStages = """
        shape: {name: polygon, corners: 4}
        stages:
          - name: "rough: #1"
            shape.corners: 3
          - shape.name: circle
            shape.radius: 2.5
        """

    @Test func `a stage has its own values, and the others of the whole`() throws {
        let whole = try Self.read(Self.twoStages)
        #expect(whole.shape == .polygon(.init(corners: 4)))
        #expect(whole.stages.map(\.name) == ["rough: #1", ""])
        let rough = try whole.stage(0)
        #expect(rough.shape == .polygon(.init(corners: 3)) && rough.stages.isEmpty)
        let second = try whole.stage(1)
        #expect(second.shape == .circle(.init(radius: 2.5)))
        #expect(second.data == whole.data && second.model == whole.model)
    }

    @Test func `stages that were written are read as themselves`() throws {
        var whole = try Self.read(Self.twoStages)
        whole.stages.append(RecipeStage())
        #expect(try Self.read(whole.recipe) == whole)
    }

    @Test
    func `a recipe without stages leaves those that are there, an empty list takes them away`()
        throws
    {
        var whole = try Self.read(Self.twoStages)
        try whole.read(recipe: "data: {batch_size: 2}\n", source: "more.yaml")
        #expect(whole.stages.count == 2)
        try whole.read(recipe: "stages: []\n", source: "more.yaml")
        #expect(whole.stages.isEmpty)
    }

    @Test func `of absolute paths the last part goes out, in stages too`() throws {
        var whole = try Self.read(Self.twoStages)
        whole.data.path = "/folders/of/somebody/photos/"
        whole.stages[0].settings.append(
            .init("data.path", .scalar("/folders/of/somebody/teacher.file")))
        var expected = whole
        expected.data.path = "photos"
        expected.stages[0].settings[1] = .init("data.path", .scalar("teacher.file"))
        #expect(whole.withoutFolders == expected)
        whole.data.path = "runs/teacher"
        #expect(whole.withoutFolders.data.path == "runs/teacher")
        whole.data.path = "/"
        #expect(whole.withoutFolders.data.path == "/")
    }

    @Test func `old keys in a stage get their new names`() throws {
        var whole = SampleConfiguration()
        let notes = try whole.read(
            recipe: "stages:\n  - model.shape: polygon\n    model.corners: 5\n    old.radius: 2\n",
            source: "r.yaml")
        #expect(
            whole.stages == [
                RecipeStage(settings: [
                    .init("shape.name", .scalar("polygon")), .init("shape.corners", .scalar("5")),
                ])
            ])
        #expect(try whole.stage(0).shape == .polygon(.init(corners: 5)))
        #expect(notes.count == 2, "\(notes)")
    }

    @Test(arguments: [
        (
            "stages:\n  - data.batch_size: 3\n",
            "r.yaml:2: data.batch_size is the same in all stages"
        ),
        ("stages:\n  - shape.radius: -1\n", "r.yaml:2: shape.radius is -1, expected"),
        ("stages:\n  - shape.corners: 3\n", "r.yaml:2: shape.corners belongs to polygon"),
        ("stages:\n  - shape.radus: 3\n", "did you mean shape.radius"),
        ("stages:\n  shape.radius: 3\n", "r.yaml:2: expected a list"),
        ("stages:\n  - 3\n", "r.yaml:2: a stage must hold `section.key: value` lines"),
        ("stages:\n  - shape: {radius: 3}\n", "r.yaml:2: expected a value, found nested keys"),
        ("stages:\n  - name: [a]\n", "r.yaml:2: the name of a stage"),
        ("stage:\n  - name: a\n", "did you mean stages"),
    ])
    func `what a stage cannot be is said`(recipe: String, expected: String) {
        let found = message { _ = try Self.read(recipe) }
        #expect(found?.contains(expected) == true, "\(found ?? "nothing")")
    }

    @Test func `more stages than anybody needs are refused before they are read`() {
        let recipe =
            "stages:\n" + String(repeating: "  - {}\n", count: 101).replacing("{}", with: "name: a")
        let found = message { _ = try Self.read(recipe) }
        #expect(found == "r.yaml:2: expected at most 100 stages, found 101")
    }

    @Test func `what every stage sets cannot be set for the whole`() throws {
        var whole = try Self.read("stages:\n  - shape.radius: 9\n  - shape.radius: 8\n  - {}\n")
        try whole.apply([("shape.radius", "3", "--set shape.radius=3")])
        #expect(try whole.stage(2).shape == .circle(.init(radius: 3)))
        whole.stages.removeLast()
        let found = message { try whole.apply([("shape.radius", "4", "--set shape.radius=4")]) }
        #expect(
            found
                == "--set shape.radius=4: every stage of the recipe sets shape.radius; change it there"
        )
        #expect(whole.shape == .circle(.init(radius: 3)))
    }

    @Test func `a setting that fits no more is said by the stage that has it`() throws {
        var whole = try Self.read("stages:\n  - name: big\n    shape.radius: 9\n")
        try whole.apply([("shape.name", "polygon", "--shape polygon")])
        let found = message { _ = try whole.stage(0) }
        #expect(
            found?.hasPrefix("stage 1 (big): shape.radius belongs to circle") == true,
            "\(found ?? "")")
    }
}
