import BONNConfiguration

extension Target {
    /// Recipes, one or more with NUL between them, which extend one another by their numbers. What is accepted and
    /// written with all its keys is read to the same configuration, and is written in the same way again.
    static let recipe = Target(
        name: "recipe",
        check: { bytes in
            var configuration = SampleConfiguration()
            let files = bytes.split(separator: 0, omittingEmptySubsequences: false).map {
                Array($0)
            }
            try configuration.read(recipe: files[0], source: "recipes/0") {
                (path) throws(ConfigurationError) in
                guard let index = path.split(separator: "/").last.flatMap({ Int($0) }),
                    files.indices.contains(index)
                else { throw ConfigurationError("\(path): no such file") }
                return files[index]
            }
            let written = configuration.recipe
            var again = SampleConfiguration()
            let notes = try promise("reading what was written") {
                try again.read(recipe: written, source: "what was written")
            }
            try promise(notes.isEmpty, "what was written has old keys")
            try promise(again == configuration, "what was written is another configuration")
            try promise(again.recipe.utf8.elementsEqual(written.utf8), "written in another way")
            return true
        },
        seeds: {
            let texts = [
                "model:\n  name: wide\n  widths: [64, 64, 128, 256, 512]\ndata:\n"
                    + "  share: 1e-3 # a share\n",
                "data: {path: \"a b\", batch_size: 64}\nrun:\n  output: 'it''s'\n",
                "model:\n  mean: [0.5, 1]\n  first_layers: large\ndata:\n  drop_last: ~\n",
                "a: &x 1\nb: *x\n? [k]\n: v\n--- !!str\n|\n  text\n",
                "model:\n  widths: 16-16-32-64\n  shape: polygon\nold: {radius: 2}\n",
                "shape:\n  corners: 5\n  name: polygon\n  border: 0.25\n",
                "extends: 1\nrun:\n  output: a\n\0extends: 2\nmodel:\n  name: wide\n\0data:\n  share: 0.5\n",
                "extends: ./1\ndata:\n  share: 0.5\n\0stages:\n  - shape.name: polygon\n  - name: b\n",
            ]
            return (texts + [SampleConfiguration().recipe]).map { Array($0.utf8) }
        },
        mutate: RecipeMutation.mutate)
}
