"""BNN+ (methods.md 3.3): signs with the slope of SignSwish, and a pull of |w| to +-alpha.

Readings, where methods.md leaves a choice:
    slope               the printed derivative, b = 5, of weights and of activations.
    kernel              alpha sign(W), alpha a learned number a filter ([M]); latent weights are not clipped.
    regularizer         lambda sum |alpha - |W|| or lambda sum (alpha - |W|)^2 ([M]), alpha the same; where W or
                        alpha - |W| is 0 the derivative of a magnitude is 0.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, cross_entropy, head, per_filter
from recorder import latent, single, small
from straight_through import Estimator, require_clear, sign

SCALE = "layer.scale"
B = 5.0


def derivative(x):
    """b (2 - bx tanh(bx / 2)) / (1 + cosh bx), as it is printed."""
    y = B * x
    return B * (2 - y * torch.tanh(y / 2)) / (1 + torch.cosh(y))


def sign_swish(x):
    s = torch.sigmoid(B * x)
    return 2 * s * (1 + B * x * (1 - s)) - 1


STE_SWISH = Estimator(derivative, sign_swish, ())


def swish_sign(x):
    return STE_SWISH(x, sign(x))


def kernel(t):
    return per_filter(t[SCALE]) * swish_sign(t[LATENT])


def regularizer(t, form, strength):
    require_clear(t[LATENT], (0.0,))
    rest = per_filter(t[SCALE]) - t[LATENT].abs()
    require_clear(rest, (0.0,))
    return strength * (rest.abs() if form == "absolute" else rest**2).sum()


def loop(form, strength):
    def run(start, batches):
        t = {key: x.requires_grad_() for key, x in start.items()}
        update = torch.optim.SGD(t.values(), lr=0.25, momentum=0.5)
        for x, labels in batches:
            y = F.conv2d(swish_sign(x), kernel(t), padding=1)
            loss = cross_entropy(t, y, labels) + regularizer(t, form, strength)
            update.zero_grad()
            loss.backward()
            update.step()
            yield loss.item(), t

    return run


def record(recorder):
    def scale():
        return torch.tensor([0.25, 0.75, 0.5])

    forward = convolution(lambda t: swish_sign(t["x"]), kernel)
    recorder.quantizer("layer", lambda: single(**{SCALE: scale()}), forward)
    for form, strength in (("absolute", 0.02), ("squared", 0.05)):
        settings = {"regularizer": form, "lambda": strength}
        recorder.objective(
            f"{form} regularizer", lambda: {LATENT: latent(3, 2, 3, 3), SCALE: scale()},
            lambda t, form=form, strength=strength: regularizer(t, form, strength),
            settings=settings,
        )  # fmt: skip
        recorder.steps(
            f"{form} steps",
            lambda: {LATENT: 0.5 * latent(3, 2, 3, 3), SCALE: scale()} | head(3),
            loop(form, strength),
            batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(3)],
            settings=settings | {
                "optimizer.name": "sgd", "optimizer.learning_rate": 0.25, "optimizer.momentum": 0.5,
            },
        )  # fmt: skip
