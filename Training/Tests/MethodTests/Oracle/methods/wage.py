"""WAGE (methods.md 2.8): weights, activations, updates and errors of k bits, no batch norm, no bias.

Readings, where methods.md leaves a choice:
    rounding            ties to even (IEEE 754, PyTorch, TensorFlow), of log2 in Shift too.
    clip of A           passes at its edges.
    zeros               an error that is 0 everywhere stays so.
    paper and code      "paper" unless a case says otherwise: sqrt(6 / fan-in), and W clipped to its kG bits.
    16 bits of g        none: the code's Q leaves alone what has more than 15.
    u                   drawn evenly in [0, 1), given to the equations: a step more where u < |g| - floor|g|.
    loss                half the sum of squares; what is reported is its mean over the batch.
    residual networks   A behind the ReLU of a sum; a shortcut of the block's input as A leaves it.
"""

import math

import torch
import torch.nn.functional as F
from equations import LATENT, convolution
from recorder import latent, single, small
from straight_through import NearEdge

SEED = 77


def clear(x, what):
    """In the middle between two whole numbers, where sums of integers are exactly, or well off it."""
    gap = (x % 1 - 0.5).abs()
    if ((gap > 0) & (gap < 2e-4)).any():
        raise NearEdge(f"rounding decides on {what}")
    return x


def scale(bits):
    return 2.0 ** (bits - 1)


def quantized(x, bits, what=None):
    """Q; on a grid of which halves are part (`what` is None) ties are exact."""
    steps = x * scale(bits)
    return torch.round(clear(steps, what) if what else steps) / scale(bits)


def clipped(x, bits):
    return x.clamp(-1 + 1 / scale(bits), 1 - 1 / scale(bits))


def shifted(x):
    """x / Shift(max|x|)."""
    largest = x.abs().max().item()
    if largest == 0:
        return x
    exponent = math.log2(largest)
    clear(torch.tensor(exponent), "a shift")
    return x / 2.0 ** round(exponent)


class Error(torch.autograd.Function):
    """x; backward Q(C(e / Shift(max|e|), k), k)."""

    @staticmethod
    def forward(ctx, x, bits):
        ctx.bits = bits
        return x.clone()

    @staticmethod
    def backward(ctx, e):
        return quantized(clipped(shifted(e), ctx.bits), ctx.bits, "an error"), None


class Straight(torch.autograd.Function):
    """A value with the gradient of x."""

    @staticmethod
    def forward(ctx, x, value):
        return value.clone()

    @staticmethod
    def backward(ctx, g):
        return g, None


def activation(x, bits=8, errors=8):
    x = clipped(Error.apply(x, errors) if x.requires_grad else x, bits)
    return Straight.apply(x, quantized(x.detach(), bits, "an activation"))


def alpha(weight, bits, numerator=6):
    """max(1, Shift(Lmin / sqrt(6 / fan-in)))."""
    least, limit = 1.5 / scale(bits), math.sqrt(numerator / weight[0].numel())
    return max(1.0, 2.0 ** round(math.log2(least / limit)))


def kernel(weight, bits=2, numerator=6):
    value = quantized(clipped(weight.detach(), bits), bits) / alpha(weight, bits, numerator)
    return Straight.apply(weight, value)


def update(weight, gradient, rate, noise, bits=8, kept=8):
    """W less whole steps of 1 / S(kG), one more where the noise is below the rest; then C(W, k)."""
    g = rate * shifted(gradient)
    whole = g.abs().floor()
    rest = g.abs() - whole
    near = ((rest - noise).abs() < 1e-4) | ((rest > 0) & (rest < 1e-4)) | (rest > 1 - 1e-4)
    if near.any():
        raise NearEdge("rounding decides on a step")
    steps = torch.sign(g) * (whole + (noise < rest))
    return clipped(weight - steps / scale(bits), kept)


def on_grid(*shape, bits=8):
    """Stored weights: multiples of 1 / S."""
    return quantized(clipped(0.7 * latent(*shape, edges=False), bits), bits)


def loop(rate, loss="squares", numerator=6, kept=8):
    """A convolution and a fully connected layer behind the mean of each channel, from whole steps to whole
    steps."""

    def steps(start, batches):
        t = {key: x.requires_grad_() for key, x in start.items()}
        generator = torch.Generator().manual_seed(SEED)
        for x, labels in batches:
            a = activation(x)
            features = F.conv2d(a, kernel(t[LATENT], numerator=numerator), padding=1).mean((2, 3))
            logits = F.linear(activation(features), kernel(t["head.weight"], numerator=numerator))
            passed = Error.apply(logits, 8)
            if loss == "squares":
                task = (passed - F.one_hot(labels, 3)).square().sum() / 2
            else:
                task = F.cross_entropy(passed, labels, reduction="sum")
            gradients = torch.autograd.grad(task, [t[LATENT], t["head.weight"]])
            with torch.no_grad():
                for key, gradient in zip((LATENT, "head.weight"), gradients):
                    noise = torch.rand(gradient.shape, generator=generator)
                    t[key].copy_(update(t[key], gradient, rate, noise, kept=kept))
            yield task.item() / len(x), t

    return steps


def block(t, statistics):
    """A(image), then convolution, ReLU, A, convolution, + A(image), ReLU, A."""
    first = activation(t["x"])
    y = F.conv2d(first, kernel(t["block.0.convolution.weight"]), padding=1)
    y = F.conv2d(activation(F.relu(y)), kernel(t["block.1.convolution.weight"]), padding=1)
    return activation(F.relu(y + first))


def record(recorder):
    for name, bits in (("2888", (2, 8, 8)), ("4646", (4, 6, 6))):
        w, a, e = bits
        recorder.quantizer(
            name, lambda: single(3), is_smooth=False, steps=False,
            forward=convolution(
                lambda t, a=a, e=e: activation(t["x"], a, e), lambda t, w=w: kernel(t[LATENT], w)
            ),
            settings={"weight_bits": w, "activation_bits": a, "error_bits": e},
            refuses_deployment="trained and evaluated only",
        )  # fmt: skip
    recorder.quantizer(
        "code", lambda: single(3), is_smooth=False, steps=False,
        forward=convolution(
            lambda t: activation(t["x"]), lambda t: kernel(t[LATENT], numerator=3)
        ),
        settings={"source": "code"}, refuses_deployment="trained and evaluated only",
    )  # fmt: skip
    recorder.block(
        "block",
        lambda: {f"block.{unit}.convolution.weight": on_grid(4, 4, 3, 3) for unit in (0, 1)},
        block, is_smooth=False,
    )  # fmt: skip
    cases = {
        "steps": ({}, dict(rate=8)),
        "steps/slow": ({"learning_rate": 0.25}, dict(rate=0.25)),
        "steps/cross_entropy": ({"loss": "cross_entropy"}, dict(rate=8, loss="cross_entropy")),
        "steps/code": ({"source": "code"}, dict(rate=8, numerator=3, kept=2)),
    }
    for name, (settings, options) in cases.items():
        kept = options.get("kept", 8)
        recorder.steps(
            name,
            lambda kept=kept: {
                LATENT: clipped(on_grid(3, 2, 3, 3), kept), "head.weight": clipped(on_grid(3, 3), kept)
            },
            loop(**options), seed=SEED, settings=settings,
            batches=lambda: [(0.4 * small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(3)],
        )  # fmt: skip
