import BONNTrainer

extension Target {
    /// Recipes. One that is accepted and written with all its keys is read to the same configuration,
    /// and is written in the same way again.
    static let recipe = Target(
        name: "recipe",
        check: { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return false }
            let configuration = try Recipe.read(yaml: text, source: "recipe.yaml")
            let written = Recipe.yaml(configuration)
            let again = try promise("reading what was written") {
                try Recipe.read(yaml: written, source: "what was written")
            }
            try promise(again == configuration, "what was written is another configuration")
            try promise(
                Recipe.yaml(again).utf8.elementsEqual(written.utf8), "written in another way")
            return true
        },
        seeds: {
            let texts = [
                "model:\n  name: resnet18\n  widths: [64, 64, 128, 256, 512]\noptimizer:\n"
                    + "  learning_rate: 1e-3 # a rate\n",
                "data: {path: \"a b\", batch_size: 64}\nrun:\n  output: 'it''s'\n",
                "schedule:\n  milestones: [60, 120]\n  name: step\nlosses:\n  kernel: ~\n",
                "a: &x 1\nb: *x\n? [k]\n: v\n--- !!str\n|\n  text\n",
                "model:\n  widths: 16-16-32-64\n",
            ]
            return (texts + [Recipe.yaml(TrainingConfiguration())]).map { Array($0.utf8) }
        },
        mutate: RecipeMutation.mutate)
}
