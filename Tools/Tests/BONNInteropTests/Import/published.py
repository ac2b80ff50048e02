"""Published networks with random weights: their checkpoints, images, and the logits of these in float64.

Called with JSON: the name of the source, the widths, the side of an image, the number of classes, the seed. Each network
is written from the structure and with the names of its authors' code; the numbers in it are of no training.
"""

import collections
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

source, widths, side, classes, seed = json.loads(sys.argv[1])
torch.manual_seed(seed)
torch.set_num_threads(1)


def sign(x):
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def mean_magnitude(latent):
    return latent.abs().mean(dim=(1, 2, 3), keepdim=True)


class Deployed(nn.Module):
    """BONN: one magnitude times signs."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.stride = stride
        shape = (outputs, 1, 1, 1) if stride == 2 else (1, 1, 1, 1)
        alpha = torch.empty(shape).uniform_(0.05, 0.24)
        self.weight = nn.Parameter(alpha * sign(torch.randn(outputs, inputs, 3, 3)))

    def forward(self, x):
        return F.conv2d(sign(x), self.weight, stride=self.stride, padding=1)


class Column(nn.Module):
    """Bi-Real Net and ReActNet-A: latent weights in one column."""

    def __init__(self, inputs, outputs, stride=1, size=3):
        super().__init__()
        self.stride, self.padding = stride, size // 2
        self.shape = (outputs, inputs, size, size)
        self.weights = nn.Parameter(0.1 * torch.randn(outputs * inputs * size * size, 1))

    def forward(self, x):
        latent = self.weights.reshape(self.shape)
        return F.conv2d(
            sign(x), sign(latent) * mean_magnitude(latent), stride=self.stride, padding=self.padding)


class Latent(nn.Conv2d):
    """ReActNet's ResNet: latent weights of a kernel."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__(inputs, outputs, 3, stride=stride, padding=1, bias=False)

    def kernel(self):
        return sign(self.weight) * mean_magnitude(self.weight)

    def forward(self, x):
        return F.conv2d(sign(x), self.kernel(), self.bias, self.stride, self.padding)


class PowerOfTwo(Latent):
    """IR-Net."""

    def kernel(self):
        w = self.weight
        w = w - w.mean(dim=(1, 2, 3), keepdim=True)
        w = w / w.flatten(1).std(1).reshape(-1, 1, 1, 1)
        power = torch.log2(w.abs().flatten(1).mean(1)).round()
        return sign(w) * (2.0 ** power).reshape(-1, 1, 1, 1)


class PowerOfTwoOfReals(PowerOfTwo):
    """IR-Net, W1A32."""

    def forward(self, x):
        return F.conv2d(x, self.kernel(), self.bias, self.stride, self.padding)


class Rectified(Latent):
    """ReCU."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__(inputs, outputs, stride)
        self.alpha = nn.Parameter(torch.empty(outputs, 1, 1).uniform_(0.02, 0.1))
        self.register_buffer("tau", torch.tensor(0.99))

    def kernel(self):
        w = self.weight - self.weight.mean([1, 2, 3], keepdim=True)
        w = w / (torch.sqrt(w.var([1, 2, 3], keepdim=True) + 1e-5) / 2 / 2 ** 0.5)
        bound = -w.abs().mean() * torch.log(2 - 2 * self.tau)
        return sign(w.clamp(-bound, bound))

    def forward(self, x):
        return super().forward(x) * self.alpha


class Bias(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bias = nn.Parameter(0.3 * torch.randn(1, channels, 1, 1))

    def forward(self, x):
        return x + self.bias


class Unit(nn.Module):
    """A convolution with a shortcut: what the networks of ResNet's size have in common."""

    def downsampling(self, inputs, outputs, stride, *parts):
        self.downsample = None if stride == 1 else nn.Sequential(*parts)

    def around(self, x):
        return x if self.downsample is None else self.downsample(x)


class BONNUnit(Unit):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn = nn.BatchNorm2d(inputs)
        self.conv = Deployed(inputs, outputs, stride)
        self.prelu = nn.PReLU(outputs)
        self.downsampling(
            inputs, outputs, stride, nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs), nn.AvgPool2d(2, 2))

    def forward(self, x):
        return self.prelu(self.conv(self.bn(x)) + self.around(x))


class BiRealUnit(Unit):
    def __init__(self, inputs, outputs, stride, convolution=Column):
        super().__init__()
        self.binary_conv = convolution(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.downsampling(
            inputs, outputs, stride, nn.AvgPool2d(2, 2),
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return self.bn1(self.binary_conv(x)) + self.around(x)


class ReActUnit(BiRealUnit):
    def __init__(self, inputs, outputs, stride):
        super().__init__(inputs, outputs, stride, Latent)
        self.move0, self.move1, self.move2 = Bias(inputs), Bias(outputs), Bias(outputs)
        self.prelu = nn.PReLU(outputs)

    def forward(self, x):
        y = self.bn1(self.binary_conv(self.move0(x))) + self.around(x)
        return self.move2(self.prelu(self.move1(y)))


class BasicBlock(Unit):
    """torchvision."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsampling(
            inputs, outputs, stride, nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False),
            nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.around(x))


def stages(network, unit, blocks):
    for stage, count in enumerate(blocks):
        inputs, outputs = widths[stage:stage + 2]
        setattr(network, f"layer{stage + 1}", nn.Sequential(*[
            unit(inputs if index == 0 else outputs, outputs, 2 if stage and index == 0 else 1)
            for index in range(count)]))


class ImageNetResNet(nn.Module):
    def __init__(self, unit, blocks, activation=None):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        if activation == "prelu":
            self.prelu = nn.PReLU(widths[0])
        self.activation = activation
        stages(self, unit, blocks)
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x))
        if self.activation == "prelu":
            x = self.prelu(x)
        if self.activation == "relu":
            x = F.relu(x)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        for stage in range(4):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean(dim=(2, 3)))


class CIFARBlock(nn.Module):
    """IR-Net and ReCU: two convolutions, each with a shortcut; with reals one around both."""

    def __init__(self, inputs, outputs, stride, convolution, pools, is_real=False):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = convolution(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.pools, self.is_real = stride, pools, is_real
        self.padding = (outputs - inputs) // 2

    def forward(self, x):
        around = x
        if self.stride == 2:
            around = F.avg_pool2d(x, 2) if self.pools else x[:, :, ::2, ::2]
            around = F.pad(around, (0, 0, 0, 0, self.padding, self.padding))
        if self.is_real:
            return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + around)
        x = F.hardtanh(self.bn1(self.conv1(x)) + around)
        return F.hardtanh(self.bn2(self.conv2(x)) + x)


class CIFARResNet(nn.Module):
    def __init__(self, convolution, pools, is_real=False):
        super().__init__()
        self.is_real = is_real
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        stages(self, lambda *sizes: CIFARBlock(*sizes, convolution, pools, is_real), [3, 3, 3])
        self.bn2 = nn.BatchNorm1d(widths[-1])
        self.linear = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x))
        if not self.is_real:
            x = F.hardtanh(x)
        x = self.layer3(self.layer2(self.layer1(x)))
        x = self.bn2(x.mean(dim=(2, 3)))
        return self.linear(F.relu(x) if self.is_real else x)


class MobileBlock(nn.Module):
    """ReActNet-A."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.move11 = Bias(inputs)
        self.binary_3x3 = Column(inputs, inputs, stride)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.move12, self.prelu1, self.move13 = Bias(inputs), nn.PReLU(inputs), Bias(inputs)
        self.move21 = Bias(inputs)
        if inputs == outputs:
            self.binary_pw = Column(inputs, outputs, size=1)
            self.bn2 = nn.BatchNorm2d(outputs)
        else:
            self.binary_pw_down1 = Column(inputs, inputs, size=1)
            self.binary_pw_down2 = Column(inputs, inputs, size=1)
            self.bn2_1, self.bn2_2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(inputs)
        self.move22, self.prelu2, self.move23 = Bias(outputs), nn.PReLU(outputs), Bias(outputs)
        self.stride, self.doubles = stride, inputs != outputs

    def forward(self, x):
        y = self.bn1(self.binary_3x3(self.move11(x)))
        y = y + (F.avg_pool2d(x, 2, 2) if self.stride == 2 else x)
        y = self.move13(self.prelu1(self.move12(y)))
        z = self.move21(y)
        if self.doubles:
            z = torch.cat(
                [self.bn2_1(self.binary_pw_down1(z)) + y, self.bn2_2(self.binary_pw_down2(z)) + y], 1)
        else:
            z = self.bn2(self.binary_pw(z)) + y
        return self.move23(self.prelu2(self.move22(z)))


class ReActNetA(nn.Module):
    def __init__(self):
        super().__init__()
        first = nn.Module()
        first.conv1 = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
        first.bn1 = nn.BatchNorm2d(widths[0])
        self.feature = nn.ModuleList([first])
        for stage, count in enumerate([1, 2, 2, 6, 2]):
            for index in range(count):
                inputs = widths[stage] if index == 0 else widths[stage + 1]
                stride = 2 if stage and index == 0 else 1
                self.feature.append(MobileBlock(inputs, widths[stage + 1], stride))
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = self.feature[0].bn1(self.feature[0].conv1(x))
        for block in self.feature[1:]:
            x = block(x)
        return self.fc(x.mean(dim=(2, 3)))


class XNORUnit(nn.Module):
    def __init__(self, inputs, outputs, size):
        super().__init__()
        self.bn = nn.BatchNorm2d(inputs, eps=1e-4)
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2)

    def forward(self, x):
        w = self.conv.weight
        w = (w - w.mean(1, keepdim=True)).clamp(-1, 1)
        w = sign(w) * mean_magnitude(w)
        return F.relu(F.conv2d(sign(self.bn(x)), w, self.conv.bias, padding=self.conv.padding))


class XNORNetworkInNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        a, b, c, d, e = widths
        self.xnor = nn.Sequential(
            nn.Conv2d(3, a, 5, padding=2), nn.BatchNorm2d(a, eps=1e-4, affine=False), nn.ReLU(),
            XNORUnit(a, b, 1), XNORUnit(b, c, 1), nn.MaxPool2d(3, 2, 1),
            XNORUnit(c, d, 5), XNORUnit(d, d, 1), XNORUnit(d, d, 1), nn.AvgPool2d(3, 2, 1),
            XNORUnit(d, e, 3), XNORUnit(e, e, 1), nn.BatchNorm2d(e, eps=1e-4, affine=False),
            nn.Conv2d(e, classes, 1), nn.ReLU(), nn.AvgPool2d(side // 4, 1))

    def forward(self, x):
        return self.xnor(x).flatten(1)


networks = {
    "bonn-resnet18": lambda: ImageNetResNet(BONNUnit, [4, 4, 4, 4], "prelu"),
    "bireal-resnet18": lambda: ImageNetResNet(BiRealUnit, [4, 4, 4, 4]),
    "bireal-resnet34": lambda: ImageNetResNet(BiRealUnit, [6, 8, 12, 6]),
    "reactnet-resnet18": lambda: ImageNetResNet(ReActUnit, [4, 4, 4, 4]),
    "torchvision-resnet18": lambda: ImageNetResNet(BasicBlock, [2, 2, 2, 2], "relu"),
    "torchvision-resnet34": lambda: ImageNetResNet(BasicBlock, [3, 4, 6, 3], "relu"),
    "irnet-resnet20": lambda: CIFARResNet(PowerOfTwo, pools=False),
    "irnet-resnet20-w1a32": lambda: CIFARResNet(PowerOfTwoOfReals, pools=False, is_real=True),
    "recu-resnet20": lambda: CIFARResNet(Rectified, pools=True),
    "reactnet-a": ReActNetA,
    "xnornet-nin": XNORNetworkInNetwork,
}

model = networks[source]()
norms = (nn.BatchNorm1d, nn.BatchNorm2d)
with torch.no_grad():
    for module in model.modules():
        if isinstance(module, norms) and module.affine:
            module.weight.uniform_(0.5, 1.5)
            # XNOR-Net-PyTorch keeps them above 0.01.
            if source != "xnornet-nin":
                module.weight.mul_(torch.where(torch.rand_like(module.weight) < 0.2, -1.0, 1.0))
            module.bias.normal_(0, 0.3)
        if isinstance(module, nn.PReLU):
            module.weight.uniform_(-0.3, 0.6)
    for _ in range(12):
        model(torch.randn(8, 3, side, side))
    for module in model.modules():
        if isinstance(module, norms):
            noise = torch.randn_like(module.running_mean)
            module.running_mean.add_(0.2 * noise * module.running_var.sqrt())
            module.running_var.mul_(torch.empty_like(noise).uniform_(0.5, 2))
model.eval()
plain = collections.OrderedDict(model.state_dict())
parallel = collections.OrderedDict(("module." + name, value) for name, value in plain.items())
torch.save(plain, "plain.pt")
torch.save({"epoch": 3, "best_acc1": torch.tensor(59.4), "state_dict": parallel}, "parallel.pt")
torch.save({"model": plain}, "plain.old", _use_new_zipfile_serialization=False)
torch.save(
    {"arch": "resnet18", "state_dict": parallel}, "parallel.old", _use_new_zipfile_serialization=False)

images = torch.randn(3, 3, side, side)
model.double()
with torch.no_grad():
    logits = model(images.double())
    # Every tensor matters: an import that mixes two up gives other logits. A network of depth 34 has the tensors of one of
    # depth 18.
    for name, value in model.state_dict().items():
        if name.endswith(("num_batches_tracked", "tau")) or source.endswith("34"):
            continue
        kept = value.clone()
        value.copy_(kept.flip(0))
        assert len(kept) == 1 or (model(images[:1].double()) - logits[:1]).abs().max() > 1e-3, name
        value.copy_(kept)
    assert (model(images.double()) - logits).abs().max() == 0, "changed"
images.numpy().astype("<f4").tofile("images")
logits.numpy().astype("<f8").tofile("logits")
