"""ReCU (methods.md 3.3): clamped standardised W times a learned alpha a filter; sign of standardised activations.

Readings, where methods.md leaves a choice:
    std                 of each filter, and of each image for activations, divided by N - 1, 1e-5 added to
                        the variance ([M]); the derivative of both is real. Q is constant.
    tau                 e in its formula is Euler's number: so tau is tau_s at the start and tau_e at the end.
"""

import math

import torch
import torch.nn.functional as F
from equations import LATENT, batch_norm, centered, convolution, hardtanh, per_filter, poly_sign
from recorder import around, latent, normalised, single
from straight_through import STE_ID, held, require_clear, sign


def tau(progress, start=0.85, end=0.99):
    e = math.e
    slope, offset = (end - start) / (e - 1), (e * start - end) / (e - 1)
    return slope * math.exp(progress) + offset


def kernel(weight, scale, share):
    """alpha sign(clamp(standardised W, -Q, Q)), Q = -mean|W| ln(2 - 2 tau) of the layer, constant."""
    moved = centered(weight)
    standard = moved / (per_filter(moved.flatten(1).var(1)) + 1e-5).sqrt() * (2 * math.sqrt(2))
    quantile = held(-standard.abs().mean() * math.log(2 - 2 * share))
    require_clear(standard.abs() - quantile, (0.0,))
    bounded = torch.minimum(torch.maximum(standard, -quantile), quantile)
    return per_filter(scale) * STE_ID(bounded, sign(bounded))


def activation(x):
    """sign of x over its deviation in each image, STE-poly."""
    deviation = (x.flatten(1).var(1) + 1e-5).sqrt().view(-1, 1, 1, 1)
    return poly_sign(x / deviation)


def block(t, statistics, share):
    """sign, convolution, batch norm, + shortcut, hardtanh."""
    a = activation(t["x"]) if statistics["training"] else sign(t["x"])
    w = kernel(t["block.0.convolution.weight"], t["block.0.convolution.scale"], share)
    y = F.conv2d(a, w, padding=1)
    return hardtanh(batch_norm(y, t, "block.0.norm", statistics) + t["x"])


def record(recorder):
    for name, progress in (("start", 0.0), ("late", 0.75)):
        forward = convolution(
            lambda t: activation(t["x"]),
            lambda t, share=tau(progress): kernel(t[LATENT], t["layer.scale"], share),
        )

        def run(t, forward=forward):
            return forward(t) | {"evaluated_activation": sign(t["x"].detach())}

        recorder.quantizer(
            name, lambda: single(**{"layer.scale": torch.tensor([0.25, 0.75, 0.5])}), run,
            progress=progress,
        )  # fmt: skip
    recorder.block(
        "block",
        lambda: {
            "block.0.convolution.weight": latent(4, 4, 3, 3),
            "block.0.convolution.scale": around(4, middle=0.5),
        } | normalised(4, "block.0.norm"),
        lambda t, s: block(t, s, tau(0.5)), progress=0.5,
    )  # fmt: skip
