"""Bi-Real Net (methods.md 2.10): STE-poly; of the two kernels of paper and official code the paper's, whose
gradient is g alpha 1{|W| < 1}, alpha detached. The code's is `scaled_kernel`, which ReActNet has.
"""

from equations import LATENT, batch_norm, convolution, mean_abs, poly_sign, shortcut, strided
from recorder import downsampling, latent, normalised, single
from straight_through import Estimator, held, sign


def kernel(weight):
    """alpha sign(W)."""
    alpha = held(mean_abs(weight))
    paper = Estimator(
        lambda x: alpha * (x.abs() < 1), lambda x: alpha * x.clamp(-1, 1), (-1.0, 1.0)
    )
    return paper(weight, alpha * sign(weight))


def block(t, statistics):
    """sign, binary convolution, batch norm, + shortcut."""
    y = strided(poly_sign(t["x"]), kernel(t["block.0.convolution.weight"]), t)
    return batch_norm(y, t, "block.0.norm", statistics) + shortcut(t["x"], t, statistics)


def record(recorder):
    forward = convolution(lambda t: poly_sign(t["x"]), lambda t: kernel(t[LATENT]))
    recorder.quantizer("layer", single, forward)
    for kind, outputs, stride in (("same", 4, 1), ("down", 6, 2)):
        recorder.block(
            f"block/{kind}",
            lambda kind=kind, outputs=outputs: {
                "block.0.convolution.weight": latent(outputs, 4, 3, 3)
            } | normalised(outputs, "block.0.norm") | downsampling(kind),
            block, stride=stride,
        )  # fmt: skip
