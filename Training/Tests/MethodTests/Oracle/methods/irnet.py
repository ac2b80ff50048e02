"""IR-Net (methods.md 3.3): standardised W, EDE for both signs.

Readings, where methods.md leaves a choice:
    std                 divided by N - 1, as torch.std does; not stated ([M]). The derivative of mean and std is
                        real: only the power of two is said to be detached.
    t                   "log-linearly": log10 t is linear in the progress of the run, 10 at its end.
"""

import torch
from equations import (
    LATENT, batch_norm, centered, convolution, ede_sharpness, ede_sign, hardtanh, per_filter,
    shortcut, strided,
)  # fmt: skip
from recorder import downsampling, latent, normalised, single
from straight_through import held, require_clear

START = 0.1


def kernel(weight, t):
    moved = centered(weight)
    standard = moved / per_filter(moved.flatten(1).std(1))
    magnitude = standard.detach().abs().flatten(1).mean(1)
    require_clear(torch.log2(magnitude) % 1, (0.5,))
    shift = held(per_filter(2 ** torch.round(torch.log2(magnitude))))
    return ede_sign(standard, t) * shift


def block(t, statistics, sharpness):
    """sign, convolution, batch norm, + shortcut, hardtanh."""
    a = ede_sign(t["x"], sharpness)
    y = strided(a, kernel(t["block.0.convolution.weight"], sharpness), t)
    return hardtanh(batch_norm(y, t, "block.0.norm", statistics) + shortcut(t["x"], t, statistics))


def record(recorder):
    settings = {"initial_sharpness": START}
    for name, progress in (("start", 0.0), ("middle", 0.5), ("late", 0.65)):
        t = ede_sharpness(progress, START)
        forward = convolution(
            lambda x, t=t: ede_sign(x["x"], t), lambda x, t=t: kernel(x[LATENT], t)
        )
        recorder.quantizer(name, single, forward, settings=settings, progress=progress)
    t = ede_sharpness(0.5, START)
    for kind, outputs, stride in (("same", 4, 1), ("down", 6, 2)):
        recorder.block(
            f"block/{kind}",
            lambda kind=kind, outputs=outputs: {
                "block.0.convolution.weight": latent(outputs, 4, 3, 3)
            } | normalised(outputs, "block.0.norm") | downsampling(kind),
            lambda x, s: block(x, s, t), stride=stride, progress=0.5,
            settings=settings | {"normalized_features": False},
        )  # fmt: skip
