"""Modern BONN (methods.md 3.5): ReActNet's layers, and BONN's kernel loss (1.2) on their latent weights with
Xhat = mean|X| sign(X), constant, and no w (reading C with a scale for each filter).

Readings, where methods.md leaves a choice:
    mu, sigma           their gradients are divided by N_i, the printed form of equations 17 and 18.
"""

import torch
from equations import LATENT, convolution, mean_abs, per_channel, per_filter, poly_sign, scaled_kernel
from recorder import around, latent, single
from straight_through import held, sign, straight_through


def divided(x, count):
    """x, whose gradient is divided by a number."""
    return straight_through(x, x, lambda x: torch.full_like(x, 1 / count), lambda x: x / count)


def loss(weight, mu, sigma, strength, nu):
    """lambda/2 sum_i { |Xhat - X|^2 + nu sum_k [ (|x_k| - mu_i)^2 / sigma_i^2 + log sigma_i^2 ] }."""
    count = weight[0].numel()
    error = held(mean_abs(weight) * sign(weight)) - weight
    mu, sigma = per_filter(divided(mu, count)), per_filter(divided(sigma, count))
    prior = (weight.abs() - mu) ** 2 / sigma**2 + torch.log(sigma**2)
    return strength / 2 * (error**2 + nu * prior).sum()


def record(recorder):
    recorder.quantizer(
        "layer", lambda: single(**{"sign.bias": torch.tensor([0.25, -0.5])}),
        convolution(
            lambda t: poly_sign(t["x"] + per_channel(t["sign.bias"])),
            lambda t: scaled_kernel(t[LATENT]),
        ),
    )  # fmt: skip
    recorder.objective(
        "loss",
        lambda: {
            LATENT: latent(3, 4, 3, 3, edges=False),
            "layer.mu": around(3, middle=0.5, spread=0.1),
            "layer.sigma": around(3, middle=0.6, spread=0.1),
        },
        lambda t: loss(t[LATENT], t["layer.mu"], t["layer.sigma"], 0.3, 0.2), outputs=3,
        settings={"losses.kernel": 0.3, "losses.nu": 0.2},
    )  # fmt: skip
