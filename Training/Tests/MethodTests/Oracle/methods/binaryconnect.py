"""BinaryConnect (methods.md 2.1): sign(W) or drawn signs, real activations; W <- clip(W, -1, 1) after every update.

Readings, where methods.md leaves a choice:
    fan_in and fan_out  of a convolution count the window: C kh kw and K kh kw.
    stochastic          at test time the real W, as in the authors' code.
"""

from equations import (
    LATENT, binary_kernel, clip_latent, convolution, draws, drawn_signs, glorot_factor, identity,
)  # fmt: skip
from recorder import single
from straight_through import STE_ID

SEED = 77


def record(recorder):
    def tensors():
        return clip_latent(single())

    forward = convolution(identity, lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer(
        "deterministic", tensors, forward, constrain=clip_latent, settings={"glorot_rates": False}
    )
    # The method measures W in units of the factor.
    rate = glorot_factor(single()[LATENT])
    recorder.quantizer("glorot", tensors, forward, constrain=clip_latent, rate=rate)

    def drawn(t):
        signs = drawn_signs(t[LATENT], draws(t[LATENT], SEED))
        results = convolution(identity, lambda t: STE_ID(t[LATENT], signs))(t)
        return results | {"evaluated_kernel": t[LATENT].detach()}

    recorder.quantizer(
        "stochastic", tensors, drawn, constrain=clip_latent, seed=SEED,
        settings={"stochastic": True, "glorot_rates": False},
    )  # fmt: skip
