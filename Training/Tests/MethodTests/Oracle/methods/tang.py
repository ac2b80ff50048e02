"""Tang et al. (methods.md 2.5): sign(W), W clipped after every update; sums of signs of residuals.

Readings, where methods.md leaves a choice:
    STE                 STE-clip for both is [M]. alpha_i is constant, and so is what is subtracted for the next
                        residual: dL/da = sum_i alpha_i g 1{|E_i| <= 1}.
    order               that of 2.5's reading note, quantize, convolution, PReLU, BN; there is no shortcut in the
                        paper: here it is around all of these. Slopes of the PReLU are 1 in the block, as sums of
                        signs cancel and roundings would decide on a side.
    last layer          binary, of quantized features, no bias, times a learned scale a class.
    test                alpha of the test batch or a running one is not stated: r <- r + 0.1 (alpha - r), from 1.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, batch_norm, clip_latent, clip_sign, clipped
from recorder import around, latent, normalised, single
from straight_through import STE_CLIP, held, sign


def activation(x, scales):
    """sum_i alpha_i H_i of the residuals E_i; alpha_i = mean|E_i| where `scales` is a number of terms."""
    residual, total, found = x, 0, []
    for scale in [None] * scales if isinstance(scales, int) else scales:
        alpha = held(residual.abs().mean()) if scale is None else scale
        plane = clip_sign(residual)
        total = total + alpha * plane
        # Constant: each sign has the gradient of its own residual alone.
        residual = residual - held(alpha * plane)
        found.append(alpha.detach())
    return total, torch.stack(found)


def moved(running, scales):
    return running + 0.1 * (scales - running)


def kernel(weight):
    return STE_CLIP(weight, sign(weight))


def regularizer(weight, strength):
    """lambda sum (1 - W^2)."""
    return strength * (1 - weight**2).sum()


def block(t, statistics, terms):
    """Sum of signs, convolution, PReLU, batch norm, + x."""
    name = "block.0.sign.scales"
    running = statistics[name]
    a, found = activation(t["x"], terms if statistics["training"] else list(running))
    if statistics["training"]:
        statistics[name] = moved(running, found)
    y = F.conv2d(a, kernel(t["block.0.convolution.weight"]), padding=1)
    y = F.prelu(y, t["block.0.prelu.weight"])
    return batch_norm(y, t, "block.0.norm", statistics) + t["x"]


def last_layer(t, statistics):
    """The mean of each channel, its signs, a binary layer, a scale a class."""
    name = "head.sign.scales"
    running, features = statistics[name], t["x"].mean((2, 3))
    a, found = activation(features, 2 if statistics["training"] else list(running))
    if statistics["training"]:
        statistics[name] = moved(running, found)
    return F.linear(a, kernel(t["head.weight"])) * t["head.scale.weight"]


def record(recorder):
    for terms in (1, 2):

        def forward(t, terms=terms):
            a, scales = activation(t["x"], terms)
            w, running = kernel(t[LATENT]), moved(t["sign.scales"], scales)
            return {
                "activation": a, "kernel": w, "output": F.conv2d(a, w, padding=1),
                "sign.scales": running,
                "evaluated_activation": activation(t["x"].detach(), list(running))[0],
            }  # fmt: skip

        recorder.quantizer(
            f"m{terms}",
            lambda terms=terms: clip_latent(single(**{"sign.scales": torch.ones(terms)})),
            forward, buffers=("sign.scales",), constrain=clip_latent,
            settings={"binarizations": terms},
        )  # fmt: skip
    recorder.objective(
        "regularizer", lambda: {LATENT: clipped(latent(3, 2, 3, 3))},
        lambda t: regularizer(t[LATENT], 5e-3), settings={"bipolar": 5e-3},
    )  # fmt: skip
    recorder.block(
        "block",
        lambda: normalised(4, "block.0.norm")
        | {
            "block.0.convolution.weight": clipped(latent(4, 4, 3, 3)),
            "block.0.prelu.weight": torch.ones(4),
            "block.0.sign.scales": torch.ones(2),
        },
        lambda t, s: block(t, s, 2), buffers=("block.0.sign.scales",),
        still=("block.0.prelu.weight",),
    )  # fmt: skip
    recorder.block(
        "last_layer",
        lambda: {
            "head.weight": clipped(latent(3, 4)), "head.scale.weight": around(3, middle=0.01),
            "head.sign.scales": torch.ones(2),
        },
        last_layer, plan=("head",), classes=3, buffers=("head.sign.scales",), steps=True,
        constrain=lambda t: t | {"head.weight": clipped(t["head.weight"])},
        settings={"binary_last_layer": True},
    )  # fmt: skip
