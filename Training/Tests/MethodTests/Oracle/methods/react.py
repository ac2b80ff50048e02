"""ReActNet (methods.md 3.3): learned shifts, STE-poly; kernels alpha sign(W) with "clamp STE", 1{|W| <= 1},
alpha detached and not in the gradient, as 2.10's code. Step 1 has real weights.

Readings, where methods.md leaves a choice:
    sign                RSign is +1 for x + b0 >= 0, though 3.3 prints x > a: sign(0) = +1 everywhere.
"""

import torch
from equations import (
    LATENT, batch_norm, convolution, per_channel, poly_sign, prelu, scaled_kernel, shortcut, strided,
)  # fmt: skip
from recorder import around, downsampling, latent, normalised, single


def block(t, statistics, real_weights=False):
    """+ b0, sign, convolution, batch norm, + shortcut, + b1, PReLU, + b2."""
    a = poly_sign(t["x"] + per_channel(t["block.0.sign.bias"]))
    weight = t["block.0.convolution.weight"]
    y = strided(a, weight if real_weights else scaled_kernel(weight), t)
    y = batch_norm(y, t, "block.0.norm", statistics) + shortcut(t["x"], t, statistics)
    y = prelu(y + per_channel(t["block.shift_in.bias"]), t["block.prelu.weight"])
    return y + per_channel(t["block.shift_out.bias"])


def record(recorder):
    forward = convolution(
        lambda t: poly_sign(t["x"] + per_channel(t["sign.bias"])),
        lambda t: scaled_kernel(t[LATENT]),
    )
    recorder.quantizer(
        "layer", lambda: single(**{"sign.bias": torch.tensor([0.25, -0.5])}), forward
    )
    for name, outputs, kind, stride in (("same", 4, "same", 1), ("down", 6, "down", 2), ("step1", 4, "same", 1)):

        def tensors(outputs=outputs, kind=kind):
            return (
                {
                    "block.0.sign.bias": around(4),
                    "block.0.convolution.weight": latent(outputs, 4, 3, 3),
                    "block.shift_in.bias": around(outputs),
                    "block.shift_out.bias": around(outputs),
                    "block.prelu.weight": around(outputs, middle=0.25, spread=0.1),
                }
                | normalised(outputs, "block.0.norm")
                | downsampling(kind)
            )

        is_real = name == "step1"
        recorder.block(
            f"block/{name}", tensors, lambda t, s, is_real=is_real: block(t, s, is_real),
            stride=stride, settings={"weights": "real" if is_real else "quantized"},
        )  # fmt: skip
