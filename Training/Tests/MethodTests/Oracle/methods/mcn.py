"""MCN (methods.md 2.12): filter i K + j is filter i modulated by M_j; real activations; M <- |M| after updates.

Readings, where methods.md leaves a choice:
    magnitude           of Chat: mean|C| of the layer ([M] in 2.12).
    loss                2.12 prints a norm of C - sum_j Chat o M_j and updates of the residuals of each j; these
                        are the updates. dL/dChat is applied to C, as it says; the term of delta is left out.
"""

from equations import LATENT, convolution, identity
from recorder import around, latent, single
from straight_through import STE_ID, held, sign

M = "layer.modulation"


def binarized(weight):
    """Chat: the mean of |C| of the layer times sign(C); its gradient is that of C."""
    return STE_ID(weight, held(weight.abs().mean()) * sign(weight))


def kernel(weight, modulation):
    """Output filter i K + j: Chat_i o M_j."""
    return (binarized(weight).unsqueeze(1) * modulation.unsqueeze(1)).flatten(0, 1)


def loss(weight, modulation, strength):
    """theta/2 sum_ij ||C_i - Chat_i o M_j||^2; C_i is constant, and Chat_i's gradient is that of C_i."""
    rest = held(weight).unsqueeze(1) - binarized(weight).unsqueeze(1) * modulation.unsqueeze(1)
    return strength / 2 * (rest**2).sum()


def constrain(t):
    return t | {M: t[M].abs()}


def record(recorder):
    forward = convolution(identity, lambda t: kernel(t[LATENT], t[M]))
    for name, window in (("K4", 3), ("K4-1", 1)):
        recorder.quantizer(
            name, lambda window=window: single(1, **{M: around(4, window, window, middle=1.0).abs()}),
            forward, constrain=constrain, settings={"averaged": window == 1},
        )  # fmt: skip
    recorder.objective(
        "loss", lambda: {LATENT: latent(2, 2, 3, 3), M: around(4, 3, 3, middle=1.0).abs()},
        lambda t: loss(t[LATENT], t[M], 1e-2), outputs=8,
        settings={"averaged": False, "theta": 1e-2},
    )  # fmt: skip
