"""TBN (methods.md 2.11): threshold d = 0.5 mean|x| of the batch, of which a running average is kept.

Readings, where methods.md leaves a choice:
    delta               0.5 (code and README, [S]); 0.4 is the paper's by hearsay ([M]).
    STE-id              as 2.1 defines it: the gradient with respect to the quantized kernel is applied to W
                        as it is, without alpha.
    average             r <- r + 0.1 (d - r), from 0.5 * 0.7979 (README momentum 0.1, not the module's 0.01).
"""

import torch
import torch.nn.functional as F
from equations import LATENT, batch_norm, convolution, mean_abs
from recorder import latent, normalised, single
from straight_through import STE_CLIP, STE_ID, held, require_clear, sign

START = 0.5 * 0.7979
THRESHOLD = {"sign.threshold": torch.tensor([START])}


def threshold(x):
    """d = delta mean|x| over the whole batch tensor; no gradient passes it."""
    return 0.5 * held(x.abs().mean())


def moved(running, d):
    return running + 0.1 * (d.detach() - running)


def activation(x, d):
    """+1 if x >= d, -1 if x <= -d, else 0; STE-clip."""
    d = torch.as_tensor(d, dtype=x.dtype)
    require_clear(x, (-d, d))
    return STE_CLIP(x, (x >= d).to(x.dtype) - (x <= -d).to(x.dtype))


def kernel(weight):
    """sign(W) mean|W|, STE-id: the gradient of the kernel is that of the latent weights."""
    return STE_ID(weight, mean_abs(weight.detach()) * sign(weight))


def block(t, statistics):
    """Batch norm, ternary, convolution."""
    x, name = batch_norm(t["x"], t, "block.0.norm", statistics), "block.0.sign.threshold"
    d = statistics[name]
    if statistics["training"]:
        d = threshold(x)
        statistics[name] = moved(statistics[name], d)
    return F.conv2d(activation(x, d), kernel(t["block.0.convolution.weight"]), padding=1)


def record(recorder):
    def batch(t):
        d = threshold(t["x"])
        a, w, running = activation(t["x"], d), kernel(t[LATENT]), moved(t["sign.threshold"], d)
        fixed = torch.where(t["x"] >= running, 1.0, 0.0) - torch.where(t["x"] <= -running, 1.0, 0.0)
        return {
            "activation": a, "kernel": w, "output": F.conv2d(a, w, padding=1),
            "sign.threshold": running, "evaluated_activation": fixed.to(a.dtype),
        }  # fmt: skip

    recorder.quantizer("batch", lambda: single(**THRESHOLD), batch, buffers=("sign.threshold",))
    # A threshold that x meets exactly.
    fixed = convolution(lambda t: activation(t["x"], 0.5), lambda t: kernel(t[LATENT]))
    recorder.quantizer(
        "fixed", lambda: single(**{"sign.threshold": torch.tensor([0.5])}), fixed,
        buffers=("sign.threshold",), phase="evaluation",
    )  # fmt: skip
    recorder.block(
        "block",
        lambda: normalised(4, "block.0.norm")
        | {
            "block.0.convolution.weight": latent(4, 4, 3, 3),
            "block.0.sign.threshold": torch.tensor([START]),
        },
        block, plan=("unit",), buffers=("block.0.sign.threshold",),
    )  # fmt: skip
