"""ReBNN, which is not in methods.md: wholly [M]. `scale` [K], alpha, is learned, STE-clip times alpha; sign with
STE-poly. `balance`, gamma, is what a rule of training sets after each step.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, cross_entropy, head, per_filter, poly_sign
from recorder import latent, single, small
from straight_through import STE_CLIP, held, sign

SCALE, BALANCE = "layer.scale", "layer.balance"


def kernel(weight, scale):
    """alpha sign(W), alpha learned; gradient of W: g alpha 1{|W| <= 1}."""
    return per_filter(scale) * STE_CLIP(weight, sign(weight))


def loss(weight, scale, balance):
    """sum over filters of gamma/2 ||W - alpha sign(W)||^2; sign(W) is constant."""
    rest = weight - per_filter(scale) * held(sign(weight))
    return (per_filter(balance) / 2 * rest**2).sum()


def loop(start, batches):
    """SGD; behind each update gamma_i is the share of the signs of filter i that flipped times the largest
    |dL_S/dWb_ij| of weights within the slope."""
    t = {key: x.requires_grad_(key != BALANCE) for key, x in start.items()}
    moving = [x for x in t.values() if x.requires_grad]
    update = torch.optim.SGD(moving, lr=0.5, momentum=0.9)
    for x, labels in batches:
        update.zero_grad()
        w = kernel(t[LATENT], t[SCALE])
        task = cross_entropy(t, F.conv2d(poly_sign(x), w, padding=1), labels)
        (gradient,) = torch.autograd.grad(task, w, retain_graph=True)
        whole = task + loss(t[LATENT], t[SCALE], t[BALANCE])
        whole.backward()
        before = sign(t[LATENT].detach())
        inside = t[LATENT].detach().abs() <= 1
        update.step()
        flips = (before != sign(t[LATENT].detach())).float().flatten(1).mean(1)
        t[BALANCE].copy_(flips * (gradient.abs() * inside).flatten(1).amax(1))
        yield whole.item(), t


def record(recorder):
    scale = torch.tensor([0.25, 0.75, 0.5])
    forward = convolution(lambda t: poly_sign(t["x"]), lambda t: kernel(t[LATENT], t[SCALE]))
    recorder.quantizer("layer", lambda: single(**{SCALE: scale}), forward)
    recorder.objective(
        "loss",
        lambda: {
            LATENT: latent(3, 2, 3, 3), SCALE: scale, BALANCE: torch.tensor([1e-3, 2e-2, 0.1])
        },
        lambda t: loss(t[LATENT], t[SCALE], t[BALANCE]), buffers=(BALANCE,),
    )  # fmt: skip
    recorder.steps(
        "balance",
        lambda: {
            LATENT: 0.2 * latent(3, 2, 3, 3), SCALE: scale.clone(), BALANCE: torch.zeros(3),
        } | head(3),
        loop, batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(4)],
        settings={
            "optimizer.name": "sgd", "optimizer.learning_rate": 0.5, "optimizer.momentum": 0.9,
        },
    )  # fmt: skip
