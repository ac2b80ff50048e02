"""PCNN (methods.md 2.13): filter i J + j is the copy j of filter i; sign with STE-clip.

Readings, where methods.md leaves a choice:
    forward             Chat = a sign(mean(W_j) C), a = mean|C| of the layer: the projection of 2.13 with "the
                        mean of W is used in the forward pass". a is constant in backward.
    order               of the copies in D: not stated.
    loss                eta, of the gradient that is added to C in it, is not printed: 0 unless it is set.
    delta               of all losses that read the output of the network.
    ternary             {-a, 0, a}: 0 where |mean(W_j) C| <= sigma a, a = mean|C|; sigma 0.7 is [M].
"""

import torch
import torch.nn.functional as F
from equations import LATENT, clip_sign, convolution, cross_entropy, head
from recorder import around, latent, single, small
from straight_through import STE_CLIP, held, require_clear, sign


def kernel(weight, projections, sigma=None):
    """Output filter i J + j: the projection of mean(W_j) C_i on {-a, a}, or {-a, 0, a} with a sigma; backward has
    W_j itself."""
    a, copies = held(weight.abs().mean()), []
    for w in projections:
        product, scaled = w * weight, held(w.mean()) * weight
        value = a * sign(scaled)
        if sigma is not None:
            require_clear(scaled.abs() - sigma * a, (0.0,))
            value = value * (scaled.detach().abs() > sigma * a)
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


def loop(start, batches):
    """SGD with the gradients as they are printed, J = 2, lambda = 0.1, eta = 0.5."""
    strength, eta = 0.1, 0.5
    t = {key: x.requires_grad_() for key, x in start.items()}
    update = torch.optim.SGD(t.values(), lr=0.2)
    for x, labels in batches:
        update.zero_grad()
        w = t["layer.projections"]
        chat = kernel(t[LATENT], w)
        task = cross_entropy(t, F.conv2d(clip_sign(x), chat, padding=1), labels)
        (delta,) = torch.autograd.grad(task, chat, retain_graph=True)
        task.backward()
        whole = task + loss(t[LATENT], w, strength)
        with torch.no_grad():
            copies, c = chat.unflatten(0, (2, 2)), t[LATENT]
            of_c, of_w = torch.zeros_like(c), torch.zeros_like(w)
            for i in range(2):
                for j in range(2):
                    moved = c[i] + eta * delta.unflatten(0, (2, 2))[i, j]
                    rest = w[j] * moved - copies[i, j]
                    of_c[i] += strength * rest * w[j]
                    of_w[j] += strength * (rest * moved).sum(0)
            c.grad += of_c
            w.grad += of_w
        update.step()
        yield whole.item(), t


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
    ternary = convolution(
        lambda t: clip_sign(t["x"]), lambda t: kernel(t[LATENT], t["layer.projections"], 0.7)
    )
    recorder.quantizer(
        "ternary", lambda: single(2, **{"layer.projections": projected(2)}), ternary,
        settings={"projections": 2, "levels": "ternary"},
    )  # fmt: skip
    recorder.steps(
        "eta",
        lambda: {LATENT: latent(2, 2, 3, 3), "layer.projections": projected(2)} | head(4),
        loop, outputs=4,
        batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(3)],
        settings={
            "projections": 2, "lambda": 0.1, "eta": 0.5, "optimizer.name": "sgd",
            "optimizer.learning_rate": 0.2,
        },
    )  # fmt: skip
