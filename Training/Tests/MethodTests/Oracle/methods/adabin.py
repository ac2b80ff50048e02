"""AdaBin (methods.md 3.3): two values of weights and of activations, EDE for W.

Readings, where methods.md leaves a choice:
    activation          alpha (sign((x - beta) / alpha) + beta), both official codes; the derivative of a and b of
                        the weights and of alpha and beta is real, nothing is detached.
    t                   "log-linearly": log10 t is linear in the progress of the run, 10 at its end.
    Maxout              its slopes are `gain` and `gain * prelu` here: the same functions for a gain above 0.
"""

import torch
import torch.nn.functional as F
from equations import (
    LATENT, batch_norm, convolution, ede_sharpness, ede_sign, per_channel, per_filter,
)  # fmt: skip
from recorder import around, latent, normalised, single
from straight_through import STE_POLY, require_clear, sign

START = 0.1


def kernel(weight, t):
    middle = per_filter(weight.flatten(1).mean(1))
    distance = per_filter(((weight - middle) ** 2).flatten(1).mean(1).sqrt())
    return distance * ede_sign((weight - middle) / distance, t) + middle


def activation(x, t, name):
    distance, center = t[f"{name}.distance"], t[f"{name}.center"]
    scaled = (x - center) / distance
    return distance * (STE_POLY(scaled, sign(scaled)) + center)


def maxout(x, positive, negative):
    """Two learned slopes a channel."""
    require_clear(x, (0.0,))
    return torch.where(x >= 0, per_channel(positive) * x, per_channel(negative) * x)


def block(t, statistics, sharpness):
    """Two values, convolution, batch norm, + x, Maxout."""
    a = activation(t["x"], t, "block.0.sign")
    y = F.conv2d(a, kernel(t["block.0.convolution.weight"], sharpness), padding=1)
    y = batch_norm(y, t, "block.0.norm", statistics) + t["x"]
    gain = t["block.maxout.gain.weight"]
    return maxout(y, gain, gain * t["block.maxout.prelu.weight"])


def values(name, distance, center):
    return {f"{name}.distance": torch.tensor([distance]), f"{name}.center": torch.tensor([center])}


def record(recorder):
    settings = {"initial_sharpness": START}
    for name, progress in (("start", 0.0), ("middle", 0.5)):
        t = ede_sharpness(progress, START)
        forward = convolution(
            lambda x: activation(x["x"], x, "sign"), lambda x, t=t: kernel(x[LATENT], t)
        )
        recorder.quantizer(
            name, lambda: single(**values("sign", 0.8, 0.3)), forward, settings=settings,
            progress=progress,
        )  # fmt: skip
    recorder.block(
        "block",
        lambda: {
            "block.0.convolution.weight": latent(4, 4, 3, 3),
            "block.maxout.gain.weight": around(4, middle=1),
            "block.maxout.prelu.weight": around(4, middle=0.25, spread=0.1),
        } | normalised(4, "block.0.norm") | values("block.0.sign", 1.2, -0.1),
        lambda x, s: block(x, s, ede_sharpness(0.5, START)), progress=0.5,
        settings=settings | {"normalized_ends": False},
    )  # fmt: skip
