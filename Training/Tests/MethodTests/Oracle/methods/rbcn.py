"""RBCN (methods.md 3.3).

Readings, where methods.md leaves a choice:
    C                   a number a filter, or a tap of the window; both are rectified kernels C o sign(W).
    loss of the kernels with the derivative of What by STE-poly, and that of W itself.
    discriminators      linear, LeakyReLU of slope 0.2, linear, sigmoid, on the channels of a position; their
                        loss is -log D(R) - log(1 - D(T)); the generator's is (1 - D(T))^2 with D held.
    sums                over layers, of means over images and positions.
    feature maps        the sums of the convolution, in both networks.
    in turn             W, then C with its gradient at the new W; the end of an epoch, in which all but W and C
                        move, is its last steps, a share of them rounded up. Without a share they move with W.
                        What is not the network's moves with the first update of every step.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, convolution, cross_entropy, head, per_filter, poly_sign
from recorder import around, latent, single, small
from straight_through import held, require_clear

MATRIX = "layer.matrix"
DISCRIMINATOR = [f"discriminators.layer.{n}.{part}" for n in (0, 1) for part in ("weight", "bias")]


def kernel(weight, matrix):
    return (per_filter(matrix) if matrix.dim() == 1 else matrix) * poly_sign(weight)


def kernel_loss(t, strength):
    return strength / 2 * ((t[LATENT] - kernel(t[LATENT], t[MATRIX])) ** 2).sum()


def discriminator(maps, numbers):
    """D of each position."""
    w0, b0, w1, b1 = numbers
    hidden = maps.permute(0, 2, 3, 1) @ w0.T + b0
    require_clear(hidden, (0.0,))
    return torch.sigmoid(F.leaky_relu(hidden, 0.2) @ w1.T + b1)


def adversarial(t, x, binary, labels, strength):
    """The real network's own loss, the generator's and the discriminator's."""
    of_teacher = {key.removeprefix("teacher."): v for key, v in t.items() if "teacher." in key}
    real = F.conv2d(x, of_teacher[LATENT], padding=1)
    numbers = [t[key] for key in DISCRIMINATOR]
    generator = (1 - discriminator(binary, [held(n) for n in numbers])) ** 2
    of_real, of_bits = discriminator(held(real), numbers), discriminator(held(binary), numbers)
    return (
        cross_entropy(of_teacher, real, labels) + strength * generator.mean()
        - of_real.log().mean() - (1 - of_bits).log().mean()
    )  # fmt: skip


def maps(t, x):
    return F.conv2d(poly_sign(x), kernel(t[LATENT], t[MATRIX]), padding=1)


def added(t, x, labels, strength, weight):
    return kernel_loss(t, strength) + adversarial(t, x, maps(t, x), labels, weight)


def loop(strength, weight, per_epoch=1, last=0):
    """W, then C; the others with W, or alone in the `last` steps of an epoch."""

    def run(start, batches):
        t = {key: x.requires_grad_() for key, x in start.items()}
        update = torch.optim.SGD(t.values(), lr=0.25, momentum=0.5)
        foreign = [key for key in t if key.startswith(("teacher.", "discriminators."))]
        others = [key for key in t if key not in (LATENT, MATRIX, *foreign)]

        def move(loss, keys):
            """Those alone: the others keep their momentum too."""
            update.zero_grad()
            for key, g in zip(keys, torch.autograd.grad(loss, [t[key] for key in keys]), strict=True):
                t[key].grad = g
            update.step()

        for step, (x, labels) in enumerate(batches):

            def loss(x=x, labels=labels):
                task = cross_entropy(t, maps(t, x), labels)
                return task + added(t, x, labels, strength, weight)

            before = loss()
            if step % per_epoch >= per_epoch - last:
                move(before, others + foreign)
            else:
                move(before, [LATENT, *foreign, *([] if last else others)])
                move(loss(), [MATRIX])
            yield before.item(), t

    return run


def tensors(shape):
    t = {LATENT: latent(3, 2, 3, 3), MATRIX: around(*shape, middle=0.6)}
    teacher = {LATENT: latent(3, 2, 3, 3)} | head(3)
    shapes = [(3, 3), (3,), (1, 3), (1,)]
    return (
        t | {f"teacher.{key}": x for key, x in teacher.items()}
        | {key: around(*size) for key, size in zip(DISCRIMINATOR, shapes, strict=True)}
    )  # fmt: skip


def record(recorder):
    forward = convolution(lambda t: poly_sign(t["x"]), lambda t: kernel(t[LATENT], t[MATRIX]))
    for name, shape in (("filter", (3,)), ("tap", (3, 3))):
        recorder.quantizer(
            name, lambda shape=shape: single(**{MATRIX: around(*shape, middle=0.6)}), forward,
            settings={"rectification": name},
        )  # fmt: skip
        settings = {"rectification": name, "lambda": 0.3, "adversarial": 0.7}
        recorder.objective(
            f"losses, {name}",
            lambda shape=shape: tensors(shape)
            | {"x": small(2, 2, 4, 4), "labels": torch.tensor([2.0, 0])},
            lambda t: added(t, t["x"], t["labels"].long(), 0.3, 0.7),
            plan=("layer", "head"), classes=3, settings=settings,
        )  # fmt: skip
    for name, share, per_epoch, last in (("steps", 0, 1, 0), ("separate norms", 0.3, 4, 2)):
        count = 3 if per_epoch == 1 else 6
        recorder.steps(
            name, lambda: tensors((3,)) | head(3), loop(0.3, 0.7, per_epoch, last),
            batches=lambda count=count: [
                (small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(count)
            ],
            per_epoch=per_epoch,
            settings={
                "lambda": 0.3, "adversarial": 0.7, "norm_share": share,
                "optimizer.name": "sgd", "optimizer.learning_rate": 0.25, "optimizer.momentum": 0.5,
            },
        )  # fmt: skip
