"""Zhuang 2018 (methods.md 2.9): DoReFa's quantizers, and a real network beside the one of few bits.

Readings, where methods.md leaves a choice:
    phi                 learned: a 1x1 convolution of each network, without a bias; or the quantizer of the
                        activations in both.
    norm                the mean over elements, summed over the places.
    guide               ReLU in the place of quantizers; its gradient is that of its own cross-entropy and of R.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, cross_entropy, head, relu
from methods.dorefa import activation, kernel
from recorder import around, latent, single, small

ADAPTORS = ("hint_loss.sign.full", "hint_loss.sign.low")


def guide_parameters():
    t = {LATENT: latent(3, 2, 3, 3)} | head(3)
    return {f"guide.{key}": x for key, x in t.items()}


def adaptors():
    return {key: around(2, 2, 1, 1) for key in ADAPTORS}


def guided(t, x, labels, bits, strength):
    """CE(full) + strength / 2 mean (phi(full) - phi(low))^2."""
    full, low = relu(x), activation(x, bits)
    of_guide = {key.removeprefix("guide."): value for key, value in t.items() if "guide." in key}
    task = cross_entropy(of_guide, F.conv2d(full, of_guide[LATENT], padding=1), labels)
    if ADAPTORS[0] in t:
        full, low = (F.conv2d(m, t[key]) for m, key in zip((full, low), ADAPTORS, strict=True))
    else:
        full, low = activation(full, bits), activation(low, bits)
    return task + strength / 2 * ((full - low) ** 2).mean()


def loop(bits, strength):
    def run(start, batches):
        t = {key: x.requires_grad_() for key, x in start.items()}
        update = torch.optim.SGD(t.values(), lr=0.25, momentum=0.5)
        for x, labels in batches:
            y = F.conv2d(activation(x, bits), kernel(t[LATENT], bits), padding=1)
            loss = cross_entropy(t, y, labels) + guided(t, x, labels, bits, strength)
            update.zero_grad()
            loss.backward()
            update.step()
            yield loss.item(), t

    return run


def record(recorder):
    for w, a in ((2, 2), (4, 4), (3, 1), (8, 3)):
        forward = convolution(
            lambda t, a=a: activation(t["x"], a), lambda t, w=w: kernel(t[LATENT], w)
        )
        recorder.quantizer(
            f"W{w}A{a}", single, forward, settings={"weight_bits": w, "activation_bits": a}
        )
    real = convolution(lambda t: activation(t["x"], 2), lambda t: t[LATENT])
    recorder.quantizer("W32A2", single, real, settings={"weight_bits": 32})
    for adaptor in ("learned", "quantizer"):

        def tensors(adaptor=adaptor):
            t = {"x": small(2, 2, 4, 4), "labels": torch.tensor([2.0, 0])} | guide_parameters()
            return t | (adaptors() if adaptor == "learned" else {})

        settings = {"guidance": 0.6, "adaptor": adaptor}
        recorder.objective(
            f"guided, {adaptor}", tensors,
            lambda t: guided(t, t["x"], t["labels"].long(), 2, 0.6),
            plan=("layer", "head"), classes=3, settings=settings, is_smooth=adaptor == "learned",
        )  # fmt: skip
        recorder.steps(
            f"guided steps, {adaptor}",
            lambda adaptor=adaptor: {LATENT: latent(3, 2, 3, 3)} | head(3) | guide_parameters()
            | (adaptors() if adaptor == "learned" else {}),
            loop(2, 0.6),
            batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(3)],
            settings=settings | {
                "optimizer.name": "sgd", "optimizer.learning_rate": 0.25, "optimizer.momentum": 0.5,
            },
        )  # fmt: skip
