"""ELQ by ADMM (methods.md 2.7): training computes with W, evaluation with G = a Q.

Readings, where methods.md leaves a choice:
    levels              the nearest; halfway between two the larger magnitude. Binary: sign(V), a = mean|V|.
    projection          5 turns from a = mean|V| (0, +-1) or max|V| / (1.25 q), q the largest level.
    extragradient       the predicted point is that of all parameters; what is reported is the loss before it.
    G and Lambda        every `interval` steps; rho = rho_0 growth^(share of the epochs done) from then on, and
                        Lambda, which is scaled by rho, shrinks as rho grows.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, cross_entropy, head, identity
from recorder import latent, single, small
from straight_through import require_clear, sign

LEVELS = {
    "binary": (1.0,), "ternary": (0.0, 1.0), "five": (0.0, 1.0, 2.0), "seven": (0.0, 1.0, 2.0, 4.0),
}  # fmt: skip


def nearest(x, kind):
    if kind == "binary":
        return sign(x)
    magnitudes = torch.tensor(LEVELS[kind], dtype=x.dtype)
    require_clear(x.abs(), ((magnitudes[1:] + magnitudes[:-1]) / 2).tolist())
    distance = (x.abs().unsqueeze(-1) - magnitudes).abs()
    # The last of the smallest distances: the larger of two magnitudes that are as near.
    place = len(magnitudes) - 1 - distance.flip(-1).argmin(-1)
    return magnitudes[place] * torch.where(x >= 0, 1.0, -1.0)


def projection(v, kind):
    """Q and a."""
    v = v.detach()
    if kind == "binary":
        return sign(v), v.abs().mean()
    a = v.abs().mean() if kind == "ternary" else v.abs().max() / (1.25 * LEVELS[kind][-1])
    for _ in range(5):
        q = nearest(v / a, kind)
        a = (v * q).sum() / (q * q).sum()
    return q, a


def state(weight, kind, rho, dual=None):
    q, a = projection(weight, kind)
    dual = torch.zeros_like(weight) if dual is None else dual
    return {
        "layer.levels": q, "layer.scale": a, "layer.dual": dual, "layer.rho": torch.tensor(rho),
    }  # fmt: skip


BUFFERS = ("layer.levels", "layer.scale", "layer.dual", "layer.rho")


def distance(t):
    """rho / 2 ||W - G + Lambda||^2."""
    g = t["layer.levels"] * t["layer.scale"]
    return t["layer.rho"] / 2 * ((t[LATENT] - g + t["layer.dual"]) ** 2).sum()


def loop(kind, rho, growth, interval, prediction, epochs):
    def run(start, batches):
        moving = [LATENT, "head.weight", "head.bias"]
        t = {key: x.requires_grad_(key in moving) for key, x in start.items()}
        update = torch.optim.SGD([t[key] for key in moving], lr=0.25, momentum=0.5)
        for step, (x, labels) in enumerate(batches):

            def loss(t=t, x=x, labels=labels):
                task = cross_entropy(t, F.conv2d(x, t[LATENT], padding=1), labels)
                return task + distance(t)

            def gradients():
                return torch.autograd.grad(loss(), [t[key] for key in moving])

            found, before = loss().item(), [t[key].detach().clone() for key in moving]
            predictions = gradients()
            with torch.no_grad():
                for key, g in zip(moving, predictions, strict=True):
                    t[key] -= prediction * g
            corrections = gradients()
            with torch.no_grad():
                for key, value in zip(moving, before, strict=True):
                    t[key].copy_(value)
            for key, g in zip(moving, corrections, strict=True):
                t[key].grad = g
            update.step()
            if step % interval == interval - 1:
                v = t[LATENT].detach() + t["layer.dual"]
                q, a = projection(v, kind)
                now = rho * growth ** (epochs[step] / (max(epochs) + 1))
                t["layer.dual"] = (v - a * q) * t["layer.rho"] / now
                t |= {"layer.levels": q, "layer.scale": a, "layer.rho": torch.tensor(now)}
            yield found, t

    return run


def record(recorder):
    for kind in LEVELS:

        def tensors(kind=kind):
            t = single()
            return t | state(t[LATENT], kind, 0.5)

        def forward(t):
            results = convolution(identity, lambda t: t[LATENT])(t)
            return results | {"evaluated_kernel": t["layer.levels"] * t["layer.scale"]}

        recorder.quantizer(kind, tensors, forward, settings={"levels": kind}, buffers=BUFFERS)

        def pulled(kind=kind):
            weight = latent(3, 2, 3, 3)
            return {LATENT: weight} | state(weight, kind, 0.5, 0.2 * latent(3, 2, 3, 3))

        recorder.objective(
            f"{kind} loss", pulled, distance, settings={"levels": kind}, buffers=BUFFERS
        )
        if kind in ("ternary", "five"):
            continue
        epochs = [0, 0, 1, 1, 2]
        recorder.steps(
            f"{kind} steps",
            lambda kind=kind: (
                lambda weight: {LATENT: weight} | state(weight, kind, 0.05) | head(3)
            )(0.5 * latent(3, 2, 3, 3)),
            loop(kind, 0.05, 30.0, 2, 0.125, epochs),
            batches=lambda epochs=epochs: [
                (small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in epochs
            ],
            epochs=epochs,
            settings={
                "levels": kind, "rho": 0.05, "growth": 30, "interval": 2, "prediction": 0.125,
                "optimizer.name": "sgd", "optimizer.learning_rate": 0.25, "optimizer.momentum": 0.5,
            },
        )  # fmt: skip
