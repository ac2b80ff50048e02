"""BONN's layers (methods.md 1.4, 1.5, 1.8): reading A, printed gradients, STE-poly; w [3, 3] of a layer.

The losses have oracles of their own: FormulaTests and Tests/Oracle/bonn_pytorch.py, of which this is
independent.
"""

import torch.nn.functional as F
from equations import batch_norm, convolution, poly_sign, prelu
from recorder import around, latent, normalised, single
from straight_through import STE_CLIP, sign


def kernel(weight, w):
    """mean(w) sign(X); equations 12 and 15 are the derivatives of clip(w o X)."""
    return STE_CLIP(w * weight, w.mean() * sign(weight))


def block(t, statistics):
    """Batch norm, sign, binary convolution, + shortcut, PReLU (1.8, the authors' code)."""
    a = poly_sign(batch_norm(t["x"], t, "block.0.norm", statistics))
    w = kernel(t["block.0.convolution.weight"], t["block.0.convolution.w"])
    return prelu(F.conv2d(a, w, padding=1) + t["x"], t["block.0.prelu.weight"])


def record(recorder):
    forward = convolution(
        lambda t: poly_sign(t["x"]), lambda t: kernel(t["layer.weight"], t["layer.w"])
    )
    # Scales around 1 let the indicator |w X| <= 1 act.
    recorder.quantizer(
        "layer", lambda: single(**{"layer.w": around(3, 3, middle=1.0)}), forward
    )
    recorder.block(
        "block",
        lambda: normalised(4, "block.0.norm")
        | {
            "block.0.convolution.weight": latent(4, 4, 3, 3),
            "block.0.convolution.w": around(3, 3, middle=1.0),
            "block.0.prelu.weight": around(4, middle=0.25),
        },
        block,
    )
