"""Bop (methods.md 3.3): weights are +-1, without a scale and without latent ones; sign of activations with STE-clip.

Readings, where methods.md leaves a choice:
    w m = tau           does not flip: |m| > tau.
    gamma               times its decay after each so many epochs, as in the authors' code for CIFAR-10.
"""

import torch
import torch.nn.functional as F
from equations import (
    LATENT, batch_norm, binary_kernel, clip_sign, convolution, cross_entropy, head, poly_sign,
)  # fmt: skip
from recorder import latent, normalised, single, small
from straight_through import NearEdge, sign

GAMMA, DECAY, THRESHOLD, RATE = 0.5, 0.5, 0.02, 0.5
EPOCHS = [0, 0, 1, 1, 2]


def signs(**tensors):
    """The tensors of a layer whose weights are what they are multiplied as."""
    tensors = tensors or single()
    return tensors | {LATENT: sign(tensors[LATENT])}


def flipped(weight, signal, threshold):
    """The other sign where |signal| is above the threshold and signal has the weight's sign."""
    product = weight * signal
    if ((product - threshold).abs() < 1e-4 * threshold).any():
        raise NearEdge("rounding decides on a flip")
    return torch.where(product > threshold, -weight, weight)


def whole_steps(start, batches, signal):
    """A layer of weights +-1 and a real head; flips by `signal(gradient, step)` of (its value, its state)."""
    t = {key: x.requires_grad_() for key, x in start.items()}
    for step, (x, labels) in enumerate(batches):
        loss = cross_entropy(t, F.conv2d(clip_sign(x), t[LATENT], padding=1), labels)
        names = list(t)
        gradients = dict(zip(names, torch.autograd.grad(loss, [t[key] for key in names])))
        value, threshold, state = signal(gradients[LATENT], step)
        with torch.no_grad():
            t[LATENT].copy_(flipped(t[LATENT], value, threshold))
            for key in ("head.weight", "head.bias"):
                t[key] -= RATE * gradients[key]
        yield loss.item(), t | state


def loop(start, batches):
    average = torch.zeros_like(start[LATENT])

    def signal(gradient, step):
        gamma = GAMMA * DECAY ** EPOCHS[step]
        average.mul_(1 - gamma).add_(gradient, alpha=gamma)
        return average, THRESHOLD, {"flips.layer.first_moment": average.clone()}

    yield from whole_steps(start, batches, signal)


def start():
    return signs(**{LATENT: latent(3, 2, 3, 3)}) | head(3)


def batches():
    return [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in EPOCHS]


OPTIMIZER = {"optimizer.name": "sgd", "optimizer.learning_rate": RATE}


def block(t, statistics):
    """sign, convolution, batch norm, + x."""
    y = F.conv2d(clip_sign(t["x"]), binary_kernel(t["block.0.convolution.weight"]), padding=1)
    return batch_norm(y, t, "block.0.norm", statistics) + t["x"]


def record(recorder):
    forward = convolution(lambda t: clip_sign(t["x"]), lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer("layer", signs, forward, steps=False)
    polynomial = convolution(lambda t: poly_sign(t["x"]), lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer(
        "polynomial", signs, polynomial, steps=False, settings={"slope": "polynomial"}
    )
    recorder.block(
        "block",
        lambda: {"block.0.convolution.weight": latent(4, 4, 3, 3)} | normalised(4, "block.0.norm"),
        block,
    )
    settings = {
        "gamma": GAMMA, "gamma_decay": DECAY, "decay_epochs": 1, "threshold": THRESHOLD,
    }  # fmt: skip
    recorder.steps(
        "flips", start, loop, batches=batches, epochs=EPOCHS, settings=OPTIMIZER | settings
    )
