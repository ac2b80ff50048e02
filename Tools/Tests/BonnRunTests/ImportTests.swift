import BONNModelFormat
import Foundation
import Testing

/// `bonn-run import`, from a file to a file. What the imported network computes is the business of the
/// library's tests.
@Suite struct ImportTests {
    /// The tensors of BONN's ResNet-18 as PyTorch names them: each of one number all over.
    private static func tensors(classes: Int) -> [(name: String, shape: [Int], value: Float)] {
        var tensors: [(name: String, shape: [Int], value: Float)] = []
        func norm(_ name: String, _ channels: Int) {
            for (parameter, value) in [
                ("weight", 1), ("bias", 0.1), ("running_mean", 0.2), ("running_var", 2),
            ] as [(String, Float)] {
                tensors.append(("\(name).\(parameter)", [channels], value))
            }
            tensors.append(("\(name).num_batches_tracked", [], 3))
        }
        tensors.append(("conv1.weight", [64, 3, 7, 7], 0.01))
        norm("bn1", 64)
        tensors.append(("prelu.weight", [64], 0.25))
        var inputs = 64
        for (stage, outputs) in [64, 128, 256, 512].enumerated() {
            for block in 0..<4 {
                let name = "layer\(stage + 1).\(block)"
                norm("\(name).bn", inputs)
                tensors.append(("\(name).conv.weight", [outputs, inputs, 3, 3], -0.125))
                tensors.append(("\(name).prelu.weight", [outputs], 0.25))
                if stage > 0, block == 0 {
                    tensors.append(("\(name).downsample.0.weight", [outputs, inputs, 1, 1], 0.01))
                    norm("\(name).downsample.1", outputs)
                }
                inputs = outputs
            }
        }
        tensors.append(("fc.weight", [classes, 512], 0.01))
        tensors.append(("fc.bias", [classes], 0.5))
        return tensors
    }

    /// A safetensors file.
    private static func file(_ tensors: [(name: String, shape: [Int], value: Float)]) -> [UInt8] {
        var header: [String] = []
        var data: [UInt8] = []
        for (name, shape, value) in tensors {
            let start = data.count
            [Float](repeating: value, count: shape.reduce(1, *)).withUnsafeBytes {
                data.append(contentsOf: $0)
            }
            header.append(
                "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":"
                    + "[\(start),\(data.count)]}")
        }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        let length = UInt64(text.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text + data
    }

    @Test func `a checkpoint becomes a model file that says where it is from`() throws {
        let scratch = try Scratch()
        let checkpoint = try scratch.write(Self.file(Self.tensors(classes: 3)), "net.safetensors")
        let names = try scratch.write(Array("oak\nelm\nash\n".utf8), "names.txt")
        let model = scratch.path("net.bonn")
        let result = try Tool.json(
            "import", checkpoint, "--source", "bonn-resnet18", "--output", model,
            "--class-names", names)
        #expect(
            result.text
                == #"{"model":\#(JSONValue.string(model).text),"source":"bonn-resnet18","tensors":119,"#
                + #""binary_layers":16,"input":[3,224,224],"classes":3,"bytes":"#
                + "\(try Data(contentsOf: URL(filePath: model)).count)}")
        let info = try Tool.json("info", model)
        #expect(info["class_names"].elements.map(\.string) == ["oak", "elm", "ash"])
        #expect(info["provenance"]["imported_as"].string == "bonn-resnet18")
        #expect(info["provenance"]["checkpoint_sha256"].string?.count == 64)
        let photo = try scratch.image("photo.png", seed: 3, width: 300, height: 260)
        let classified = try Tool("classify", model, photo, "--top", "1")
        #expect(classified.status == 0 && classified.output.contains("oak"), "\(classified.output)")
    }

    @Test func `what does not fit is listed, and what is there stays`() throws {
        let scratch = try Scratch()
        let checkpoint = try scratch.write(
            Self.file([("conv1.weight", [64, 3, 7, 7], 1), ("other", [2], 1)]), "part.safetensors")
        let model = try scratch.write(Array("kept".utf8), "net.bonn")
        let run = try Tool(
            "import", checkpoint, "--source", "bonn-resnet18", "--output", model)
        #expect(run.status == 1 && run.output.isEmpty)
        #expect(run.errors.count == 22 && run.errors.last == "  and 99 more", "\(run.errors)")
        #expect(run.errors.first?.contains("118 missing, 1 left over") == true, "\(run.errors)")
        let folder = URL(filePath: model).deletingLastPathComponent().path
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                == ["net.bonn", "part.safetensors"])
        #expect(try Data(contentsOf: URL(filePath: model)) == Data("kept".utf8))
    }

    @Test func `a recipe is a source`() throws {
        let scratch = try Scratch()
        let checkpoint = try scratch.write(
            Self.file([("fc.weight", [3, 48], 0.5), ("fc.bias", [3], -1)]), "net.safetensors")
        let text = """
            source:
              name: tiny
              paper: nobody
            network:
              name: linear
              side: 4
            checkpoint:
              modules: [head = fc]
            images:
              resize: stretch
            """
        let recipe = try scratch.write(Array(text.utf8), "ours.yaml")
        let model = scratch.path("net.bonn")
        let result = try Tool.json("import", checkpoint, "--source", recipe, "--output", model)
        #expect(result["source"].string == "tiny" && result["classes"].number?.int == 3)
        let info = try Tool.json("info", model)
        #expect(info["provenance"]["imported_as"].string == "tiny")
        #expect(info["provenance"]["paper"].string == "nobody")
        #expect(info["preprocessing"]["resize"].string == "stretch")

        let bad = try scratch.write(Array("network:\n  nam: linear\n".utf8), "bad.yml")
        for (source, output, expected) in [
            (scratch.path("none.yaml"), model, "no such file, expected the recipe of a source"),
            (bad, model, "bad.yml:2: unknown key network.nam; did you mean network.name"),
            (recipe, recipe, "is the same file as"),
        ] {
            let run = try Tool("import", checkpoint, "--source", source, "--output", output)
            #expect(run.status == 1 && run.errors.count == 1, "\(run.errors)")
            #expect(run.errors.first?.contains(expected) == true, "\(run.errors)")
        }
        #expect(try String(contentsOfFile: recipe, encoding: .utf8) == text)
    }

    @Test func `a source is written as a recipe that imports the same`() throws {
        let scratch = try Scratch()
        let recipe = try Tool("source", "bonn-resnet18")
        #expect(recipe.status == 0 && recipe.errors.isEmpty)
        let path = try scratch.write(Array(recipe.output.utf8), "ours.yaml")
        let checkpoint = try scratch.write(Self.file(Self.tensors(classes: 3)), "net.safetensors")
        let models = try ["bonn-resnet18", path].enumerated().map { index, source in
            let model = scratch.path("\(index).bonn")
            let run = try Tool("import", checkpoint, "--source", source, "--output", model)
            #expect(run.status == 0, "\(run.errors)")
            return try Data(contentsOf: URL(filePath: model))
        }
        #expect(models[0] == models[1])
        let unknown = try Tool("source", "bonn-resnet19")
        #expect(unknown.status == 64)
        #expect(
            unknown.errors.first?.contains(
                "unknown value 'bonn-resnet19'; valid values: bonn-resnet18")
                == true, "\(unknown.errors)")
    }

    @Test func `an ONNX file becomes a model file that classifies as the one it is from`() throws {
        let scratch = try Scratch()
        let model = try scratch.write(SmallModel.file(), "first.bonn")
        let onnx = scratch.path("net.onnx")
        #expect(try Tool("export", model, "--format", "onnx", "--output", onnx).status == 0)
        let back = scratch.path("second.bonn")
        let result = try Tool.json("import", onnx, "--output", back)
        #expect(
            result.keys == [
                "model", "source", "nodes", "softmax_left_out", "preprocessing", "binary_layers",
                "input", "classes", "bytes",
            ])
        let (first, second) = (try Tool.json("info", model), try Tool.json("info", back))
        #expect(second["preprocessing"] == first["preprocessing"])
        #expect(second["class_names"] == first["class_names"])
        #expect(second["provenance"]["imported_as"].string == "onnx")
        #expect(second["provenance"]["onnx_sha256"].string?.count == 64)
        let photo = try scratch.image("photo.png", seed: 4, width: 60, height: 50)
        let classes = try [model, back].map { try Tool("classify", $0, photo).output }
        #expect(classes[0] == classes[1] && !classes[0].isEmpty)

        let names = try scratch.write(
            Array((0..<10).map { "class \($0)\n" }.joined().utf8), "names.txt")
        let person = try Tool(
            "import", onnx, "--output", back, "--mean", "0.1,0.2,0.3", "--std", "1,1,1", "--resize",
            "64", "--class-names", names)
        #expect(person.status == 0 && person.output.contains("prepared as said"))
        let changed = try Tool.json("info", back)
        #expect(changed["class_names"].elements.first?.string == "class 0")
        #expect(changed["preprocessing"]["resize"].string == "shorter_side 64")

        for (arguments, status, expected) in [
            (["--source", "bonn-resnet18"], 64, "--source goes with checkpoints"),
            (["--mean", "0,0,0"], 64, "give all of them, or none"),
            (
                ["--mean", "0,x,0", "--std", "1,1,1", "--resize", "none"], 64,
                "--mean: expected three"
            ),
            (["--mean", "0", "--std", "1", "--resize", "none"], 1, "expected 3 means"),
            (
                ["--mean", "0,0,0", "--std", "1,1,1", "--resize", "big"], 64,
                "--resize: expected none"
            ),
            (["--input-size", "0"], 64, "--input-size: expected one number"),
            (["--input-size", "9"], 1, "expected the size that was asked for, 9"),
            (["--sign-zero", "zero"], 64, "--sign-zero: unknown value 'zero'; valid values: "),
        ] as [([String], Int32, String)] {
            let run = try Tool(["import", onnx, "--output", scratch.path("none.bonn")] + arguments)
            #expect(run.status == status && run.output.isEmpty, "\(arguments): \(run.status)")
            #expect(run.errors.count == 1, "\(run.errors)")
            #expect(run.errors.first?.contains(expected) == true, "\(run.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.path("none.bonn")))
    }

    @Test func `bad paths, sources and lists of names are one line`() throws {
        let scratch = try Scratch()
        let checkpoint = try scratch.write(
            Self.file([("fc.weight", [3, 512], 1)]), "net.safetensors")
        let text = try scratch.write(Array("not a checkpoint at all".utf8), "text.pth")
        let names = try scratch.write(Array("oak\nelm\n".utf8), "names.txt")
        let missing = scratch.path("missing.pth")
        let huge = try scratch.write([], "huge.pth")
        let handle = try FileHandle(forWritingTo: URL(filePath: huge))
        try handle.truncate(atOffset: (1 << 30) + 1)
        try handle.close()
        let model = scratch.path("net.bonn")
        for (arguments, status, expected) in [
            (
                [checkpoint, "--source", "bonn-resnet", "--output", model], 64,
                "--source: unknown value 'bonn-resnet'; valid values: bonn-resnet18, "
            ),
            (
                [missing, "--source", "bonn-resnet18", "--output", model], 1,
                "\(missing): no such file, expected a checkpoint or an ONNX file"
            ),
            (
                [huge, "--source", "bonn-resnet18", "--output", model], 1,
                "\(huge): is a file of 1073741825 bytes, more than the 1073741824 that are allowed"
            ),
            (
                [text, "--source", "bonn-resnet18", "--output", model], 1,
                "expected a file of torch.save"
            ),
            ([text, "--output", model], 64, "--source is missing: "),
            (
                [text, "--source", "bonn-resnet18", "--output", model, "--sign-zero", "plus"], 64,
                "--sign-zero goes with ONNX files"
            ),
            (
                [
                    checkpoint, "--source", "bonn-resnet18", "--output",
                    scratch.path("none/net.bonn"),
                ],
                1, "cannot be written"
            ),
            (
                [
                    checkpoint, "--source", "bonn-resnet18", "--output", model, "--class-names",
                    names,
                ], 1, "\(names): expected 3 different class names, one a line, found 2 in 2 lines"
            ),
        ] as [([String], Int32, String)] {
            let run = try Tool(["import"] + arguments)
            #expect(run.status == status && run.output.isEmpty, "\(arguments)")
            #expect(run.errors.count == 1 || status == 64, "\(run.errors)")
            #expect(run.errors.first?.contains(expected) == true, "\(run.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: model))
    }
}
