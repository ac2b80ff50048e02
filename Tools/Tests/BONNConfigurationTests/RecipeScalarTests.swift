import Testing

@testable import BONNConfiguration

/// Texts of which YAML, or the bounds of recipes, make something else unless they are written with care.
@Suite struct RecipeScalarTests {
    private func apply(_ value: String) throws -> SampleConfiguration {
        var configuration = SampleConfiguration()
        try configuration.apply([("run.output", value, "--set")])
        return configuration
    }

    @Test(arguments: [
        "line\u{85}break", "line\u{2028}break\u{2029}", "a\u{80}\u{9F}\u{7F}\u{1B}[2J",
        "a\u{FEFF}mark", "NULL", "Null", "~", "-", "...", "---", "* * * * * *", "? ? ? ? ? ?",
        "\u{FFFE}\u{1F600}\u{E0001}", String(repeating: "[{", count: 65), " blanks ", "a\r\n b",
        String(repeating: #"\u0301"#, count: 300), "e" + String(repeating: "\u{301}", count: 32),
        String(repeating: "\u{200D}", count: 64), "\u{301}", "# no comment", "a: b", "",
        String(repeating: "\u{1F}\"\n", count: 32), "caf\u{E9}", "cafe\u{301}",
    ])
    func `a text is read as it was written, byte for byte`(text: String) throws {
        let assigned = try apply(RecipeScalar.written(text))
        #expect(assigned.run.output.utf8.elementsEqual(text.utf8))
        var configuration = SampleConfiguration()
        configuration.data.path = text
        configuration.run.output = text
        var read = SampleConfiguration()
        try read.read(recipe: configuration.recipe, source: "x")
        #expect(read.data.path.utf8.elementsEqual(text.utf8))
        #expect(read.run.output.utf8.elementsEqual(text.utf8))
    }

    @Test(arguments: [
        #"a\0b"#, String(repeating: "a", count: 4_097), String(repeating: #"\x80"#, count: 65),
        String(repeating: #"\u0301"#, count: 33), #"\ufeff\ufeff\""#,
    ])
    func `a text that no recipe could hold again is refused`(escaped: String) {
        let error = #expect(throws: ConfigurationError.self) { try apply("\"\(escaped)\"") }
        #expect(
            error?.message.contains("expected a text of at most 4096 bytes without NUL") == true)
    }
}
