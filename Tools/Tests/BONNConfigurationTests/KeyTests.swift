import Testing

@testable import BONNConfiguration

@Suite struct KeyTests {
    @Test func `a key of every kind reads what it writes, and refuses what does not fit`() {
        let cases: [(path: String, fits: [String: String], misfits: [ConfigurationValue])] = [
            ("data.path", ["a b": "a b"], [.null, .list(["a"]), .scalar("\0")]),
            ("data.batch_size", ["7": "7"], [.scalar("0"), .scalar("1e3"), .scalar("x"), .null]),
            ("data.drop_last", ["yes": "true", "OFF": "false"], [.scalar("2"), .null]),
            ("data.share", ["0.25": "0.25", "null": "null"], [.scalar("1"), .scalar("nan")]),
            ("model.name", ["wide": "wide", "NAR_ROW": "narrow"], [.scalar("tall")]),
            ("model.widths", ["3-4": "[3, 4]", "5,6": "[5, 6]"], [.scalar("3-x"), .scalar("0")]),
            ("model.stem", ["small-images": "smallImages"], [.scalar("small"), .null]),
            ("model.mean", ["0.5,1": "[0.5, 1.0]", "": "[]"], [.scalar("2"), .null]),
            ("model.image_size", ["32": "32", "48x64": "48x64"], [.scalar("x"), .scalar("-1")]),
            ("shape.radius", ["1e-3": "0.001"], [.scalar("-1"), .scalar("inf")]),
        ]
        for (path, fits, misfits) in cases {
            guard let key = SampleConfiguration().keys.first(where: { $0.path == path }) else {
                Issue.record("no key \(path)")
                continue
            }
            for (text, expected) in fits {
                var configuration = SampleConfiguration()
                #expect(key.set(.scalar(text), in: &configuration), "\(path) = \(text)")
                #expect(key.text(in: configuration) == expected)
                var copy = SampleConfiguration()
                let value = key.value(in: configuration)
                #expect(key.set(value, in: &copy) && copy == configuration, "\(path) = \(value)")
            }
            for value in misfits {
                var configuration = SampleConfiguration()
                #expect(!key.set(value, in: &configuration), "\(path) = \(value)")
                #expect(configuration == SampleConfiguration())
            }
        }
    }

    @Test func `a part's key becomes the whole's, with all that it says`() throws {
        let part = Key<SampleConfiguration.Data>.integer("n", \.batchSize, in: 1...9, "of it")
            .changeable().formerly("old.n")
        let whole = part.at("data", \SampleConfiguration.data)
        #expect(whole.path == "data.n" && whole.summary == "of it")
        #expect(whole.expected == part.expected && !whole.isFixedForRun && !whole.isDecisive)
        #expect(whole.formerPath == "old.n")
        var configuration = SampleConfiguration()
        #expect(whole.set(.scalar("5"), in: &configuration) && configuration.data.batchSize == 5)
        #expect(whole.text(in: configuration) == "5")
        #expect(part.at(\SampleConfiguration.data).path == "n", "without a section")
    }

    @Test func `messages find a key by what it stores`() {
        let configuration = SampleConfiguration()
        #expect(configuration.path(of: \.data.batchSize) == "data.batch_size")
        #expect(configuration.path(of: \.model.imageSize) == "model.image_size")
        let stored = configuration.keys.filter { $0.storage != nil }
        #expect(stored.count == 11)
        for key in stored {
            #expect(key.storage.map(configuration.path(of:)) == key.path)
        }
    }

    @Test func `a value that was not read from a recipe may be one that no key accepts`() throws {
        var configuration = SampleConfiguration()
        let key = try #require(configuration.keys.first { $0.path == "data.batch_size" })
        #expect(key.holds(in: configuration))
        configuration.data.batchSize = 0
        #expect(!key.holds(in: configuration))
    }

    @Test(arguments: [
        ("batch_sise", ["batch_size"]), ("bach_size", ["batch_size"]), ("drop_lst", ["drop_last"]),
        ("widths", ["widths"]), ("zzzzzzzzzzzz", []),
    ])
    func `the nearest names of a mistyped one are those with the fewest changes`(
        name: String, expected: [String]
    ) {
        let names = ["batch_size", "drop_last", "widths"]
        #expect(NearestNames.of(name, among: names) == expected)
    }
}
