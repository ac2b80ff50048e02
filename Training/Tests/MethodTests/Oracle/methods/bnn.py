"""BNN (methods.md 2.2): sign(W), W clipped after every update; sign with STE-clip, or drawn in training.

Readings, where methods.md leaves a choice:
    STE                 "STE with clipping": with W kept in [-1, 1], both edges included, 1{|W| <= 1} is 1
                        everywhere, so it is STE-id. The same for BNN-DL and Tang's method.
    drawn               as the Torch7 run's neurons: +1 with p = hard_sigmoid(x) in training, sign at test.
"""

import torch.nn.functional as F
from equations import (
    LATENT, batch_norm, binary_kernel, clip_latent, clip_sign, convolution, draws, drawn_signs,
    glorot_factor, two_units,
)  # fmt: skip
from recorder import latent, normalised, single
from straight_through import STE_CLIP, sign

SEED = 77


def block(t, statistics):
    """Two units of convolution, batch norm, sign inside of a shortcut, read from the first sign on."""
    y = t["x"]
    for unit in ("block.0", "block.1"):
        kernel = binary_kernel(t[f"{unit}.convolution.weight"])
        y = batch_norm(F.conv2d(clip_sign(y), kernel, padding=1), t, f"{unit}.norm", statistics)
    return y + t["x"]


def record(recorder):
    def tensors():
        return clip_latent(single())

    forward = convolution(lambda t: clip_sign(t["x"]), lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer(
        "deterministic", tensors, forward, constrain=clip_latent, settings={"glorot_rates": False}
    )
    rate = glorot_factor(single()[LATENT])
    recorder.quantizer("glorot", tensors, forward, constrain=clip_latent, rate=rate)

    def drawn(t):
        signs = drawn_signs(t["x"], draws(t["x"], SEED))
        results = convolution(
            lambda t: STE_CLIP(t["x"], signs), lambda t: binary_kernel(t[LATENT])
        )(t)
        return results | {"evaluated_activation": sign(t["x"].detach())}

    recorder.quantizer(
        "stochastic", tensors, drawn, constrain=clip_latent, seed=SEED,
        settings={"stochastic": True, "glorot_rates": False},
    )  # fmt: skip
    recorder.block("block", lambda: two_units(latent, normalised), block)
