"""What several methods of methods.md have in common, in composed PyTorch. t holds tensors by name.

Readings that all of them share:
    sign(0)             +1 everywhere (notation).
    edges of slopes     1{|x| <= 1} passes at the edge (STE-clip, building blocks); < where it is printed.
"""

import math

import torch
import torch.nn.functional as F
from straight_through import (
    STE_CLIP, STE_ID, STE_POLY, Estimator, held, require_clear, sign, straight_through,
)  # fmt: skip

LATENT = "layer.weight"


def per_filter(x):
    """[out] to [out, 1, 1, 1]."""
    return x.view(-1, 1, 1, 1)


def per_channel(x):
    """[C] to [1, C, 1, 1]."""
    return x.view(1, -1, 1, 1)


def mean_abs(weight):
    """`mean-abs`: alpha of each output filter, over in * kh * kw."""
    return per_filter(weight.abs().flatten(1).mean(1))


def centered(weight):
    return weight - per_filter(weight.flatten(1).mean(1))


def identity(t):
    return t["x"]


def clip_sign(x):
    return STE_CLIP(x, sign(x))


def poly_sign(x):
    return STE_POLY(x, sign(x))


def clipped(weight):
    """W in [-1, 1], after every update."""
    return weight.clamp(-1, 1)


def clip_latent(t):
    """The same of a layer's parameters."""
    return t | {LATENT: clipped(t[LATENT])}


def binary_kernel(weight):
    """sign(W) without a scale; the gradient of the kernel is that of W."""
    return STE_ID(weight, sign(weight))


def scaled_kernel(weight):
    """alpha sign(W), alpha = mean|W| of each filter, constant and not in the gradient: g 1{|W| <= 1}."""
    return STE_CLIP(weight, held(mean_abs(weight)) * sign(weight))


def glorot_factor(weight):
    """What update steps are multiplied by: 1 / sqrt(1.5 / (fan_in + fan_out)), both of which count the window."""
    window = weight[0, 0].numel()
    return ((weight.shape[0] + weight.shape[1]) * window / 1.5) ** 0.5


# Drawn numbers


def draws(x, seed):
    """Uniform numbers of [0, 1), in float32, for each element of x."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(x.shape, generator=generator).to(x.dtype)


def drawn_signs(x, u):
    """+1 with the probability hard_sigmoid(x) = clip((x + 1) / 2, 0, 1): where u is below it."""
    p = ((x.detach() + 1) / 2).clamp(0, 1)
    require_clear(p - u, (0.0,))
    return torch.where(u < p, 1.0, -1.0).to(x.dtype)


# 3.3 IR-Net's estimator, which others take over


def ede_sharpness(progress, start, end=10.0):
    """t, log-linearly from `start` to `end` over the run."""
    return 10 ** (math.log10(start) + progress * (math.log10(end) - math.log10(start)))


def ede_sign(x, t):
    """sign; g'(x) = k t (1 - tanh^2(t x)) with k = max(1/t, 1)."""
    k = max(1 / t, 1)
    ede = Estimator(
        lambda x: k * t * (1 - torch.tanh(t * x) ** 2), lambda x: k * torch.tanh(t * x), ()
    )
    return ede(x, sign(x))


# Layers


def convolution(activation, kernel):
    """A forward pass of one layer, from functions of the tensors."""

    def forward(t):
        a, w = activation(t), kernel(t)
        return {"activation": a, "kernel": w, "output": F.conv2d(a, w, padding=1)}

    return forward


def batch_norm(x, t, name, statistics):
    """With the batch's statistics where these train, else with those that they hold; eps 1e-5, momentum 0.1."""
    mean, variance = statistics.batch_norm(name, x.shape[1])
    return F.batch_norm(
        x, mean, variance, t[f"{name}.weight"], t[f"{name}.bias"], statistics["training"], 0.1, 1e-5
    )


def relu(x):
    require_clear(x, (0.0,))
    return F.relu(x)


def prelu(x, slopes):
    require_clear(x, (0.0,))
    return F.prelu(x, slopes)


def hardtanh(x):
    require_clear(x, (-1.0, 1.0))
    return F.hardtanh(x)


def shortcut(x, t, statistics):
    """Identity; or, for a stage change, 2x2 average pooling, real 1x1 convolution, batch norm."""
    weight = t.get("block.shortcut.convolution.weight")
    if weight is None:
        return x
    return batch_norm(F.conv2d(F.avg_pool2d(x, 2), weight), t, "block.shortcut.norm", statistics)


def strided(x, kernel, t):
    """The convolution of a block, of stride 2 where its shortcut changes the stage."""
    stride = 2 if "block.shortcut.convolution.weight" in t else 1
    return F.conv2d(x, kernel, stride=stride, padding=1)


def two_units(latent, normalised, outputs=4):
    """Latent weights and batch norms of a block of two convolutions."""
    tensors = {}
    for unit, inputs in (("0", 4), ("1", outputs)):
        tensors[f"block.{unit}.convolution.weight"] = latent(outputs, inputs, 3, 3)
        tensors |= normalised(outputs, f"block.{unit}.norm")
    return tensors


# The end of a network


def head(channels, classes=3):
    """A real fully connected layer behind the mean of each channel."""
    return {"head.weight": torch.randn(classes, channels), "head.bias": 0.3 * torch.randn(classes)}


def logits(t, x):
    """Of such a head on a value [N, C, H, W]."""
    return F.linear(x.mean((2, 3)), t["head.weight"], t["head.bias"])


def cross_entropy(t, x, labels):
    return F.cross_entropy(logits(t, x), labels)
