"""PCNN (methods.md 2.13): filter i J + j is the copy j of filter i; sign with STE-clip.

Readings, where methods.md leaves a choice:
    forward             Chat = a sign(mean(W_j) C), a = mean|C| of the layer: the projection of 2.13 with "the
                        mean of W is used in the forward pass". a is constant in backward.
    order               of the copies in D: not stated.
    loss                eta, of the gradient that is added to C in it, is not printed: left out.
"""

import torch
from equations import LATENT, clip_sign, convolution
from recorder import around, latent, single
from straight_through import STE_CLIP, held, sign


def kernel(weight, projections):
    """Output filter i J + j: the projection of mean(W_j) C_i on {-a, a}; backward has W_j itself."""
    a, copies = held(weight.abs().mean()), []
    for w in projections:
        product = w * weight
        value = a * sign(held(w.mean()) * weight)
        copies.append(STE_CLIP(product, value))
    return torch.stack(copies, 1).flatten(0, 1)


def loss(weight, projections, strength):
    """lambda/2 sum ||Chat_ij - W_j o C_i||^2; Chat is constant."""
    copies = held(kernel(weight, projections))
    products = (weight.unsqueeze(1) * projections.unsqueeze(1)).flatten(0, 1)
    return strength / 2 * ((copies - products) ** 2).sum()


def projected(copies):
    """W, of which the last of several is negative."""
    projections = around(copies, 3, 3, middle=0.9, spread=0.3)
    projections[-1] *= -1 if copies > 1 else 1
    return projections


def record(recorder):
    forward = convolution(
        lambda t: clip_sign(t["x"]), lambda t: kernel(t[LATENT], t["layer.projections"])
    )
    for copies, filters in ((1, 3), (2, 2)):
        recorder.quantizer(
            f"J{copies}",
            lambda copies=copies, filters=filters: single(
                filters, **{"layer.projections": projected(copies)}
            ),
            forward, settings={"projections": copies},
        )  # fmt: skip
    recorder.objective(
        "loss", lambda: {LATENT: latent(2, 2, 3, 3), "layer.projections": projected(2)},
        lambda t: loss(t[LATENT], t["layer.projections"], 1e-2), outputs=4,
        settings={"projections": 2, "lambda": 1e-2},
    )  # fmt: skip
