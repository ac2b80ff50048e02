"""BONN in plain PyTorch: the oracle that the Swift code is checked against.

Written from the papers (BONN, ICCV 2019, equations 7 to 18; center loss, ECCV 2016; the released
ResNet-18 test code), independent of the Swift code, eager and unoptimised.

Shapes: latent weights X [out, in, kh, kw]; scale vector w [kh, kw], shared by all kernels of a layer;
mu, sigma [out], one per output filter; features f [N, K]; centres c and rho = log s^2 [classes, K].

Readings of the scale w:
  A  Xhat = mean(w) sign(X), the quantisation term compares Xhat with w o X (Algorithm 1; the default);
  B  Xhat = sign(X), the output is divided by mean(w) (equation 1, w ~ 1 / mean|X|);
  C  as A, but the quantisation term is |mean(w) sign(X) - X|^2 (as in XNOR-Net).
"""

import torch
import torch.nn.functional as F
from torch import nn


def sign(x):
    """-1 or +1, sign(0) = +1: packed bits know no third value."""
    return (x >= 0).to(x.dtype) * 2 - 1


class SignActivation(torch.autograd.Function):
    """sign(x) with Bi-Real's polynomial gradient ("poly") or that of hardtanh ("clip")."""

    @staticmethod
    def forward(ctx, x, estimator):
        ctx.save_for_backward(x)
        ctx.estimator = estimator
        return sign(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        if ctx.estimator == "clip":
            return g * (x.abs() <= 1), None
        return g * (2 - 2 * x.abs()) * (x.abs() < 1), None


class BinaryKernel(torch.autograd.Function):
    """The kernel a binary convolution uses, and the gradients of equations 12 and 15.

    `true_scale_gradient` replaces equation 15, which differentiates clip(w o X), by the derivative of
    the forward pass with respect to w.
    """

    @staticmethod
    def forward(ctx, x, w, reading, true_scale_gradient):
        ctx.save_for_backward(x, w)
        ctx.reading, ctx.true_scale_gradient = reading, true_scale_gradient
        return sign(x) / w.mean() if reading == "B" else w.mean() * sign(x)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        mean = w.mean()
        # Under reading B the convolution output is divided by mean(w), and so is dL/dXhat.
        towards_xhat = g / mean if ctx.reading == "B" else g
        passed = towards_xhat * ((w * x).abs() <= 1)
        if ctx.true_scale_gradient:
            along_mean = (g * sign(x)).sum()
            if ctx.reading == "B":
                along_mean = -along_mean / mean**2
            dw = (along_mean / w.numel()).expand_as(w)
        else:
            dw = (passed * x).sum((0, 1))
        return passed * w, dw, None, None


def scale_gradient(x, factor):
    """x in the forward pass, `factor` times the gradient in the backward pass."""
    return x.detach() + factor * (x - x.detach())


def kernel_loss(x, w, mu, sigma, nu, reading="A"):
    """J of equation 7 summed over the kernels of one layer.

    lambda / 2 times it has exactly the printed gradients: equations 13 and 16 for X and w, and 17 and
    18 for mu and sigma, which carry a factor 1 / N that the loss itself does not have.
    """
    entries = x[0].numel()
    mu = scale_gradient(mu, 1 / entries).view(-1, 1, 1, 1)
    sigma = scale_gradient(sigma, 1 / entries).view(-1, 1, 1, 1)
    if reading == "A":
        residual = (w.mean() * sign(x)).detach() - w * x
    elif reading == "B":
        residual = sign(x) - w * x
    else:
        residual = w.mean() * sign(x) - x
    magnitude = sign(x) * x  # unlike abs, its derivative at 0 is that of the positive mode
    prior = ((magnitude - mu) ** 2 / sigma**2).sum() + entries * torch.log(sigma**2).sum()
    return (residual**2).sum() + nu * prior


def feature_loss(f, labels, centres, rho):
    """F of equation 8 with rho = log s^2 limited to [-6, 6]: mean over the batch, without theta / 2."""
    limited = rho.clamp(-6, 6)[labels]
    squared = (f - centres[labels]) ** 2
    return (squared + squared * torch.exp(-limited) + limited).sum(1).mean()


@torch.no_grad()
def update_centres(centres, f, labels, alpha=0.5):
    """The center-loss rule; classes absent from the batch stay."""
    for label in labels.unique():
        members = f[labels == label]
        delta = (centres[label] - members).sum(0) / (1 + len(members))
        centres[label] -= alpha * delta


class BinaryConv(nn.Module):
    """sign(a) convolved with BinaryKernel; padding with zeros.

    `scale` is what the binary convolution is multiplied by at first; None: 1 / sqrt(fan-in), so that
    the sum of fan-in signs has about the variance of the batch-normalised input.
    """

    def __init__(
        self, inputs, outputs, stride=1, *, scale=None, deviation=0.01, reading="A",
        true_scale_gradient=False, estimator="poly",
    ):  # fmt: skip
        super().__init__()
        self.stride, self.reading = stride, reading
        self.true_scale_gradient, self.estimator = true_scale_gradient, estimator
        scale = scale or (9 * inputs) ** -0.5
        self.X = nn.Parameter(torch.randn(outputs, inputs, 3, 3) * deviation)
        self.w = nn.Parameter(torch.full((3, 3), 1 / scale if reading == "B" else scale))
        magnitudes = self.X.detach().abs().flatten(1)
        self.mu = nn.Parameter(magnitudes.mean(1))
        self.sigma = nn.Parameter(magnitudes.std(1, correction=0))

    def forward(self, a):
        kernel = BinaryKernel.apply(self.X, self.w, self.reading, self.true_scale_gradient)
        return F.conv2d(SignActivation.apply(a, self.estimator), kernel, None, self.stride, 1)

    def kernel_loss(self, nu):
        return kernel_loss(self.X, self.w, self.mu, self.sigma, nu, self.reading)


class Block(nn.Module):
    """PReLU(BinaryConv(BN(x)) + shortcut(x)): one binary convolution per block; or a real one.

    A stage change has a real shortcut: 1x1 convolution, BN, average pooling.
    """

    def __init__(self, inputs, outputs, stride, *, real=False, **options):
        super().__init__()
        self.bn = nn.BatchNorm2d(inputs)
        if real:
            self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        else:
            self.conv = BinaryConv(inputs, outputs, stride, **options)
        self.prelu = nn.PReLU(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            layers = [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
            self.shortcut = nn.Sequential(*layers, nn.AvgPool2d(stride))

    def forward(self, x):
        return self.prelu(self.conv(self.bn(x)) + self.shortcut(x))


class Network(nn.Module):
    """stem -> blocks -> global average (the features) -> fully connected layer."""

    def __init__(self, stem, widths, blocks_per_stage, classes, **options):
        super().__init__()
        self.stem = stem
        blocks, inputs = [], widths[0]
        for stage, outputs in enumerate(widths[1:]):
            for index in range(blocks_per_stage):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(inputs, outputs, stride, **options))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        features = self.blocks(self.stem(x)).mean((2, 3))
        return self.fc(features), features

    def binary_convolutions(self):
        return [module for module in self.modules() if isinstance(module, BinaryConv)]


def wide_resnet(depth=22, widths=(16, 16, 32, 64), classes=10, **options):
    """WRN of depth 6 n + 4: n two-convolution blocks, here 2 n one-convolution blocks, per stage."""
    convolution = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
    stem = nn.Sequential(convolution, nn.BatchNorm2d(widths[0]), nn.PReLU(widths[0]))
    return initialise(Network(stem, widths, (depth - 4) // 3, classes, **options))


def resnet18(classes=1000, **options):
    """The network of the released ImageNet checkpoint: 16 one-convolution blocks."""
    convolution = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    stem = nn.Sequential(convolution, nn.BatchNorm2d(64), nn.PReLU(64), nn.MaxPool2d(3, 2, 1))
    return initialise(Network(stem, (64, 64, 128, 256, 512), 4, classes, **options))


def initialise(network):
    """He initialisation of the real convolutions; the rest as PyTorch does it."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network
