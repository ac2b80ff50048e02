"""XNOR-Net (methods.md 2.3).

Readings, where methods.md leaves a choice:
    backward            2.3 gives the paper's and the official code's; both. The code changes the latent weights
                        themselves before each step: W <- clip(W - mean over Cin, -1, 1).
    K                   its gradient is not stated: constant. Padding of the box filter: zeros.
    pooling             "Pool": averages of 2x2; the largest of integer sums is seldom one alone.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, batch_norm, clip_sign, convolution, mean_abs
from recorder import latent, normalised, single
from straight_through import held, require_clear, sign, straight_through


def kernel(weight, official=False):
    """alpha sign(W); gradient g (1/n + alpha 1{|W| <= 1}), in the official code 1{|W| < 1} and times
    (1 - 1/Cin) n."""
    n, alpha = weight[0].numel(), held(mean_abs(weight))
    factor = (1 - 1 / weight.shape[1]) * n if official else 1.0

    def slope(x):
        inside = x.abs() < 1 if official else x.abs() <= 1
        return (1 / n + alpha * inside) * factor

    def surrogate(x):
        return (x / n + alpha * x.clamp(-1, 1)) * factor

    require_clear(weight, (-1.0, 1.0))
    return straight_through(weight, alpha * sign(weight), slope, surrogate)


def constrain(t):
    """Steps 1 and 2 of the official code."""
    weight = t[LATENT]
    return t | {LATENT: (weight - weight.mean(1, keepdim=True)).clamp(-1, 1)}


def magnitudes(x, window):
    """K = A * k: one beta for each output position; zeros beyond the border, stride 1."""
    box = torch.full((1, 1, window, window), 1 / window**2, dtype=x.dtype)
    return held(F.conv2d(x.abs().mean(1, keepdim=True), box, padding=window // 2))


def block(t, statistics):
    """B-A-C-P: batch norm, sign, binary convolution, pooling (here 2x2 averages)."""
    a = clip_sign(batch_norm(t["x"], t, "block.0.norm", statistics))
    return F.avg_pool2d(F.conv2d(a, kernel(t["block.0.convolution.weight"]), padding=1), 2)


def record(recorder):
    plain = convolution(lambda t: clip_sign(t["x"]), lambda t: kernel(t[LATENT]))
    recorder.quantizer("paper", single, plain)

    def scaled(t, statistics):
        return plain(t)["output"] * magnitudes(t["x"], 3)

    recorder.block(
        "scaled", single, scaled, plan=("layer", "flatten"), steps=True,
        settings={"scaled_activations": True},
    )  # fmt: skip

    def official():
        # Gradients are n times as large here; g makes up for it, or the first step would clip all.
        tensors = constrain(single() | {LATENT: 1.5 * latent(3, 2, 3, 3, edges=False)})
        return tensors | {"g": torch.randn(2, 3, 4, 4) / 64}

    code = convolution(lambda t: clip_sign(t["x"]), lambda t: kernel(t[LATENT], official=True))
    recorder.quantizer("code", official, code, settings={"source": "code"}, constrain=constrain)
    recorder.block(
        "block",
        lambda: normalised(4, "block.0.norm") | {"block.0.convolution.weight": latent(6, 4, 3, 3)},
        block, plan=("unit", "average_pool"),
    )  # fmt: skip
