"""MCN (methods.md 2.12): filter i K + j is filter i modulated by M_j; real activations; M <- |M| after updates.

Readings, where methods.md leaves a choice:
    magnitude           of Chat: mean|C| of the layer ([M] in 2.12).
    loss                2.12 prints a norm of C - sum_j Chat o M_j and updates of the residuals of each j; these
                        are the updates. dL/dChat is applied to C, as it says.
    discrete term       theta/2 ||Chat - C - eta delta||^2: of its gradient only "the gradient of the discrete term" is
                        said; that with respect to Chat, theta (Chat - C - eta delta), is applied to C as the rest.
                        eta is not printed: no such term unless it is set.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, cross_entropy, head, identity
from recorder import around, latent, single, small
from straight_through import STE_ID, held, sign

M = "layer.modulation"


def binarized(weight):
    """Chat: the mean of |C| of the layer times sign(C); its gradient is that of C."""
    return STE_ID(weight, held(weight.abs().mean()) * sign(weight))


def kernel(weight, modulation):
    """Output filter i K + j: Chat_i o M_j."""
    return (binarized(weight).unsqueeze(1) * modulation.unsqueeze(1)).flatten(0, 1)


def loss(weight, modulation, strength):
    """theta/2 sum_ij ||C_i - Chat_i o M_j||^2; C_i is constant, and Chat_i's gradient is that of C_i."""
    rest = held(weight).unsqueeze(1) - binarized(weight).unsqueeze(1) * modulation.unsqueeze(1)
    return strength / 2 * (rest**2).sum()


def constrain(t):
    return t | {M: t[M].abs()}


def loop(start, batches):
    """SGD with the gradients as they are printed, theta = 0.1, eta = 0.5; then M <- |M|."""
    strength, eta = 0.1, 0.5
    t = {key: x.requires_grad_() for key, x in start.items()}
    update = torch.optim.SGD(t.values(), lr=0.2)
    for x, labels in batches:
        update.zero_grad()
        chat, m, c = binarized(t[LATENT]), t[M], t[LATENT]
        q = (chat.unsqueeze(1) * m.unsqueeze(1)).flatten(0, 1)
        task = cross_entropy(t, F.conv2d(x, q, padding=1), labels)
        (delta,) = torch.autograd.grad(task, chat, retain_graph=True)
        whole = task + loss(c, m, strength)
        task.backward()
        with torch.no_grad():
            more_c, more_m = strength * (chat - c - eta * delta), torch.zeros_like(m)
            for i in range(len(c)):
                for j in range(len(m)):
                    rest = c[i] - chat[i] * m[j]
                    more_c[i] -= strength * rest * m[j]
                    more_m[j] -= strength * (rest * chat[i]).sum(0)
            c.grad += more_c
            m.grad += more_m
        update.step()
        t[M].data = t[M].data.abs()
        yield whole.item(), t


def record(recorder):
    forward = convolution(identity, lambda t: kernel(t[LATENT], t[M]))
    for name, window in (("K4", 3), ("K4-1", 1)):
        recorder.quantizer(
            name, lambda window=window: single(1, **{M: around(4, window, window, middle=1.0).abs()}),
            forward, constrain=constrain, settings={"averaged": window == 1},
        )  # fmt: skip
    recorder.objective(
        "loss", lambda: {LATENT: latent(2, 2, 3, 3), M: around(4, 3, 3, middle=1.0).abs()},
        lambda t: loss(t[LATENT], t[M], 1e-2), outputs=8,
        settings={"averaged": False, "theta": 1e-2},
    )  # fmt: skip
    recorder.steps(
        "discrete",
        lambda: {LATENT: latent(1, 2, 3, 3), M: around(4, 3, 3, middle=0.3).abs()} | head(4),
        loop, outputs=4,
        batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(3)],
        settings={
            "averaged": False, "theta": 0.1, "eta": 0.5, "optimizer.name": "sgd",
            "optimizer.learning_rate": 0.2,
        },
    )  # fmt: skip
