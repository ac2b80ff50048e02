import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

@testable import BONNInterop

/// A network of a source with random weights, written in PyTorch from its published structure: its
/// checkpoints, images, and the logits that PyTorch computes of them in float64.
struct PublishedNetwork {
    /// The source, with narrow layers and small images.
    let source: ImportSource
    /// Of the weights and images.
    let seed: Int
    /// Checkpoints of the same weights: both formats, with and without the names of `DataParallel`.
    static let files = ["plain.pt", "parallel.pt", "plain.old", "parallel.old"]
    /// How many images and classes.
    static let (imageCount, classCount) = (3, 10)

    static let python = PythonInterpreter.find(importing: ["torch", "numpy"])
    static let missing: Comment = "no Python with PyTorch and numpy: run make setup"

    /// A network of widths around the 64 channels of a word.
    init(_ name: String, seed: Int) throws {
        var source = try #require(ImportSources.named(name))
        source.widths = [16, 16, 24, 40, 72]
        source.side = 64
        self.source = source
        self.seed = seed
    }

    /// Makes the files in a folder that is gone afterwards.
    func withFiles(then script: String = "", _ body: (URL) throws -> Void) throws {
        let python = try #require(Self.python)
        let kind = source.name.hasPrefix("bonn") ? "bonn" : "bireal"
        let blocks = source.name.hasSuffix("34") ? [6, 8, 12, 6] : [4, 4, 4, 4]
        let numbers =
            "[\"\(kind)\", \(blocks), \(source.widths), \(source.side), \(Self.classCount), \(seed)]"
        try withTemporaryFolder { folder in
            let result = try python.run(
                ["-W", "ignore", "-c", Self.script + script, numbers], in: folder)
            try #require(result.status == 0, "\(source.name), seed \(seed): \(result.output)")
            try body(folder)
        }
    }

    /// Imports a file.
    func imported(_ name: String, in folder: URL) throws -> ImportedModel {
        let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
        return try ImportedModel(
            try Checkpoint(bytes, place: name), place: name, source: source)
    }

    /// Little-endian numbers of a file.
    func numbers<Number>(_ name: String, of type: Number.Type, in folder: URL) throws -> [Number] {
        let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: type)
            }
        }
    }

    private static let script = """
        import collections, json, sys, torch
        from torch import nn
        from torch.nn import functional as F

        kind, blocks, widths, side, classes, seed = json.loads(sys.argv[1])
        torch.manual_seed(seed)
        torch.set_num_threads(1)

        def sign(x):
            return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

        class Deployed(nn.Module):
            def __init__(self, inputs, outputs, stride):
                super().__init__()
                self.stride = stride
                shape = (outputs, 1, 1, 1) if stride == 2 else (1, 1, 1, 1)
                alpha = torch.empty(shape).uniform_(0.05, 0.24)
                self.weight = nn.Parameter(alpha * sign(torch.randn(outputs, inputs, 3, 3)))

            def forward(self, x):
                return F.conv2d(sign(x), self.weight, stride=self.stride, padding=1)

        class Latent(nn.Module):
            def __init__(self, inputs, outputs, stride):
                super().__init__()
                self.stride, self.shape = stride, (outputs, inputs, 3, 3)
                self.weights = nn.Parameter(0.1 * torch.randn(outputs * inputs * 9, 1))

            def forward(self, x):
                latent = self.weights.reshape(self.shape)
                kernel = sign(latent) * latent.abs().mean(dim=(1, 2, 3), keepdim=True)
                return F.conv2d(sign(x), kernel, stride=self.stride, padding=1)

        class BONNUnit(nn.Module):
            def __init__(self, inputs, outputs, stride):
                super().__init__()
                self.bn = nn.BatchNorm2d(inputs)
                self.conv = Deployed(inputs, outputs, stride)
                self.prelu = nn.PReLU(outputs)
                self.downsample = None if stride == 1 else nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.AvgPool2d(2, 2))

            def forward(self, x):
                around = x if self.downsample is None else self.downsample(x)
                return self.prelu(self.conv(self.bn(x)) + around)

        class BiRealUnit(nn.Module):
            def __init__(self, inputs, outputs, stride):
                super().__init__()
                self.binary_conv = Latent(inputs, outputs, stride)
                self.bn1 = nn.BatchNorm2d(outputs)
                self.downsample = None if stride == 1 else nn.Sequential(
                    nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

            def forward(self, x):
                around = x if self.downsample is None else self.downsample(x)
                return self.bn1(self.binary_conv(x)) + around

        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                unit = BONNUnit if kind == "bonn" else BiRealUnit
                self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
                self.bn1 = nn.BatchNorm2d(widths[0])
                if kind == "bonn":
                    self.prelu = nn.PReLU(widths[0])
                for stage, count in enumerate(blocks):
                    inputs, outputs = widths[stage:stage + 2]
                    setattr(self, f"layer{stage + 1}", nn.Sequential(*[
                        unit(inputs if index == 0 else outputs, outputs, 2 if stage and index == 0 else 1)
                        for index in range(count)]))
                self.fc = nn.Linear(widths[-1], classes)

            def forward(self, x):
                x = self.bn1(self.conv1(x))
                if kind == "bonn":
                    x = self.prelu(x)
                x = F.max_pool2d(x, 3, stride=2, padding=1)
                for stage in range(len(blocks)):
                    x = getattr(self, f"layer{stage + 1}")(x)
                return self.fc(x.mean(dim=(2, 3)))

        model = Network()
        with torch.no_grad():
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.weight.uniform_(0.5, 1.5)
                    module.weight.mul_(torch.where(torch.rand_like(module.weight) < 0.2, -1.0, 1.0))
                    module.bias.normal_(0, 0.3)
                if isinstance(module, nn.PReLU):
                    module.weight.uniform_(-0.3, 0.6)
            for _ in range(12):
                model(torch.randn(8, 3, side, side))
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.running_mean.add_(0.2 * torch.randn_like(module.bias) * module.running_var.sqrt())
                    module.running_var.mul_(torch.empty_like(module.bias).uniform_(0.5, 2))
        model.eval()
        plain = collections.OrderedDict(model.state_dict())
        parallel = collections.OrderedDict(("module." + name, value) for name, value in plain.items())
        torch.save(plain, "plain.pt")
        torch.save({"epoch": 3, "best_acc1": torch.tensor(59.4), "state_dict": parallel}, "parallel.pt")
        torch.save({"model": plain}, "plain.old", _use_new_zipfile_serialization=False)
        torch.save({"arch": "resnet18", "state_dict": parallel}, "parallel.old", _use_new_zipfile_serialization=False)

        images = torch.randn(3, 3, side, side)
        model.double()
        with torch.no_grad():
            logits = model(images.double())
            # Every tensor matters: an import that mixes two up gives other logits.
            for name, value in model.state_dict().items():
                if name.endswith("num_batches_tracked"):
                    continue
                kept = value.clone()
                value.copy_(kept.flip(0))
                assert len(kept) == 1 or (model(images[:1].double()) - logits[:1]).abs().max() > 1e-2, name
                value.copy_(kept)
            assert (model(images.double()) - logits).abs().max() == 0, "changed"
        images.numpy().astype("<f4").tofile("images")
        logits.numpy().astype("<f8").tofile("logits")

        """
}
