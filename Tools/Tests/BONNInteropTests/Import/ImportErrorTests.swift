import BONNInterop
import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

/// Checkpoints that are not those of a source.
@Suite struct ImportErrorTests {
    /// What Python does to the tensors of the network, whose names it has as `plain`.
    private static let changes = """

        def save(name, change):
            tensors = collections.OrderedDict((name, value.clone()) for name, value in plain.items())
            change(tensors)
            torch.save(tensors, name)
        def rename(tensors):
            tensors["layer1.0.conv.kernel"] = tensors.pop("layer1.0.conv.weight")
            tensors["fc.weight"] = tensors["fc.weight"][:, :70].clone()
            tensors["layer3.0.bn.bias"] = torch.zeros(25)
            tensors["step"] = 3
            tensors["old.num_batches_tracked"] = torch.tensor(1)
            tensors["\\x1b[2J"] = torch.zeros(2)
        def set(name, index, number):
            def change(tensors): tensors[name].view(-1)[index] = number
            return change
        save("renamed", rename)
        save("emptied", lambda tensors: [tensors.pop(name) for name in list(tensors) if "layer" in name])
        kernel = "layer2.1.conv.weight"
        save("latent", set(kernel, 9 * 24 * 3 + 5, 0.5))
        save("zero", set(kernel, 1, 0.0))
        save("nan", set(kernel, 4, float("nan")))
        save("infinite", set("fc.bias", 2, float("inf")))
        save("variance", set("layer1.1.bn.running_var", 3, -1.0))
        def grow(tensors): tensors["bn1.weight"][7], tensors["bn1.running_var"][7] = 3e38, 0
        save("huge", grow)
        with open("alpha", "w") as file: file.write(str(plain[kernel].view(-1)[0].abs().item()))
        """

    private func message(
        _ name: String, of network: PublishedNetwork, in folder: URL
    ) throws -> String {
        let error = #expect(throws: InteropError.self, "\(name)") {
            try network.imported(name, in: folder)
        }
        #expect(error?.code == .mismatch, "\(name)")
        return error?.message ?? ""
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `tensors that do not fit are listed together, with their shapes`() throws {
        let network = try PublishedNetwork("bonn-resnet18", seed: 5)
        try network.withFiles(then: Self.changes) { folder in
            let renamed = try message("renamed", of: network, in: folder)
            let lines = renamed.split(separator: "\n").map(String.init)
            #expect(
                lines == [
                    "renamed: expected the tensors of bonn-resnet18 (the authors' BONN ResNet-18 for "
                        + "ImageNet), found 141 with these differences: 1 missing, 2 other shape, "
                        + "4 left over; name the source that they are of, or save the state dictionary "
                        + "of its network alone",
                    "  missing      layer1.0.conv.weight     expected [16, 16, 3, 3]",
                    "  other shape  layer3.0.bn.bias         expected [24], found [25]",
                    "  other shape  fc.weight                expected [10, 72], found [10, 70]",
                    "  left over    layer1.0.conv.kernel     found [16, 16, 3, 3]",
                    "  left over    old.num_batches_tracked  found []",
                    #"  left over    \u{1b}[2J                found [2]"#,
                    "  left over    step                     found no tensor",
                ], "\(renamed)")

            let emptied = try message("emptied", of: network, in: folder)
                .split(separator: "\n").map(String.init)
            // 16 blocks of 6 tensors, and 3 shortcuts of 5.
            #expect(emptied.count == 22 && emptied.last == "  and 91 more")
            #expect(emptied[0].contains("111 missing;"), "\(emptied[0])")
        }
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `numbers that the source's code cannot have made are refused by name`() throws {
        let network = try PublishedNetwork("bonn-resnet18", seed: 6)
        try network.withFiles(then: Self.changes) { folder in
            let alpha = String(
                decoding: try Data(contentsOf: folder.appending(path: "alpha")), as: UTF8.self)
            let magnitude = try #require(Double(alpha).map(Float.init))
            for (name, expected) in [
                (
                    "latent",
                    "latent, layer2.1.conv.weight: expected one magnitude times signs in each output "
                        + "channel, as bonn-resnet18 is deployed, found the magnitudes \(magnitude) "
                        + "and 0.5 in channel 3; latent weights have to be made 1-bit ones by their "
                        + "training code, and saved then"
                ),
                ("zero", "found the magnitudes \(magnitude) and 0.0 in channel 0"),
                (
                    "nan",
                    "nan, layer2.1.conv.weight: expected numbers of float32, found nan as element 4"
                ),
                (
                    "infinite",
                    "infinite, fc.bias: expected numbers of float32, found inf as element 2"
                ),
                (
                    "variance",
                    "variance, layer1.1.bn.running_var: expected variances of at least 0, found -1.0 in "
                        + "channel 3"
                ),
                (
                    "huge",
                    "huge, bn1.running_var: expected a batch norm whose scale and shift are float32, found"
                ),
            ] {
                let found = try message(name, of: network, in: folder)
                #expect(found.contains(expected), "\(name): \(found)")
            }
        }
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `a latent weight without a sign is refused`() throws {
        let network = try PublishedNetwork("bireal-resnet18", seed: 7)
        let change = """

            plain["layer4.3.binary_conv.weights"][7 * 72 * 9 + 2] = 0
            torch.save(plain, "zero")
            """
        try network.withFiles(then: change) { folder in
            let found = try message("zero", of: network, in: folder)
            #expect(
                found.hasPrefix(
                    "zero, layer4.3.binary_conv.weights: expected latent weights with signs, found a 0 "
                        + "in channel 7, whose sign is 0 in PyTorch"), "\(found)")
        }
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `a checkpoint of another source is refused`() throws {
        let network = try PublishedNetwork("bireal-resnet18", seed: 8)
        let other = try PublishedNetwork("bonn-resnet18", seed: 8)
        try network.withFiles { folder in
            let found = try message("plain.pt", of: other, in: folder)
            #expect(found.contains("missing      prelu.weight"), "\(found)")
        }
    }

    @Test(.enabled(if: PublishedNetwork.python != nil, PublishedNetwork.missing))
    func `two dictionaries of tensors are named, and what else the one holds is listed`() throws {
        try withTemporaryFolder { folder in
            let script = """
                import torch
                w = {"module.w": torch.ones(2)}
                for old in False, True:
                    def save(whole, name):
                        torch.save(whole, name + ".old" * old, _use_new_zipfile_serialization=not old)
                    save({"state_dict": w, "net": {"module.w": torch.zeros(2)}, "model": {"depth": 18}}, "two")
                    save({"state_dict": w, "model": w}, "same")
                    save({"net": {**w, "module.step": 7, 3: "x", "lr": 0.1}, "epoch": 1}, "more")
                """
            let result = try #require(PublishedNetwork.python).run(["-c", script], in: folder)
            try #require(result.status == 0, "\(result.output)")
            func read(_ name: String) throws -> Checkpoint {
                try Checkpoint(
                    [UInt8](try Data(contentsOf: folder.appending(path: name))), place: name)
            }
            for end in ["", ".old"] {
                let error = #expect(throws: InteropError.self) { try read("two" + end) }
                #expect(
                    error?.message
                        == "two\(end): expected one dictionary of tensors, found them under the keys "
                        + "state_dict, net; save one of them alone")
                #expect(try read("same" + end).entries.map(\.name) == ["w"])
                let more = try read("more" + end)
                #expect(more.entries.map(\.name) == ["w"])
                #expect(more.others == ["step", "the number 3", "lr"])
            }
        }
    }
}
