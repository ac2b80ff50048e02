"""Bop2ndOrder, which is not in methods.md: its equations are [C], of the authors' code; the correction of the
bias is Adam's, with products of the factors in the place of powers.

Readings:
    schedules           straight lines from the first to the last value over the epochs, in steps of an epoch.
"""

import torch
from equations import LATENT, binary_kernel, clip_sign, convolution
from methods.bop import EPOCHS, OPTIMIZER, batches, signs, start, whole_steps

GAMMA, SIGMA, THRESHOLD = (0.5, 0.2), (0.3, 0.6), (0.7, 0.4)


def line(ends, step):
    return ends[0] + EPOCHS[step] / (max(EPOCHS) + 1) * (ends[1] - ends[0])


def loop(unbiased):
    def steps(start, batches):
        first, second = torch.zeros_like(start[LATENT]), torch.zeros_like(start[LATENT])
        left = [1.0, 1.0]

        def signal(gradient, step):
            gamma, sigma = line(GAMMA, step), line(SIGMA, step)
            first.mul_(1 - gamma).add_(gradient, alpha=gamma)
            second.mul_(1 - sigma).add_(gradient**2, alpha=sigma)
            left[0] *= 1 - gamma
            left[1] *= 1 - sigma
            m, v = (first / (1 - left[0]), second / (1 - left[1])) if unbiased else (first, second)
            state = {
                "flips.layer.first_moment": first.clone(),
                "flips.layer.second_moment": second.clone(),
            }
            if unbiased:
                state["flips.counts"] = torch.tensor([1 - left[0], 1 - left[1]])
            return m / (v.sqrt() + 1e-10), line(THRESHOLD, step), state

        yield from whole_steps(start, batches, signal)

    return steps


def record(recorder):
    forward = convolution(lambda t: clip_sign(t["x"]), lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer("layer", signs, forward, steps=False)
    settings = {
        "gamma": GAMMA[0], "gamma_end": GAMMA[1], "sigma": SIGMA[0], "sigma_end": SIGMA[1],
        "threshold": THRESHOLD[0], "threshold_end": THRESHOLD[1],
    }  # fmt: skip
    for name, unbiased in (("biased", False), ("unbiased", True)):
        recorder.steps(
            name, start, loop(unbiased), batches=batches, epochs=EPOCHS,
            settings=OPTIMIZER | settings | {"unbiased": unbiased},
        )  # fmt: skip
