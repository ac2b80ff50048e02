"""DoReFa-Net (methods.md 2.4).

Readings, where methods.md leaves a choice:
    k > 1               "derivative of tanh/max is real": that of the maximum too, as autograd has it.
    rounding            ties to even (IEEE 754, PyTorch, TensorFlow); not stated.
    G, first and last   "their outputs/gradients are" quantized: the gradients of their sums.
    G                   the noise is inside of quantize_k and added before it; what it moves beyond [0, 1] rounds
                        back. Finite differences cannot check a gradient that is none.
    clip                passes at 0 and 1: "the clip is differentiated" says no more.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, batch_norm, convolution, draws, head, two_units
from recorder import latent, normalised, single
from straight_through import STE_ID, Estimator, require_clear, sign

SEED = 77


def quantize(r, bits):
    """round((2^k - 1) r) / (2^k - 1) of r in [0, 1], STE-id; ties go to even numbers."""
    steps = 2**bits - 1
    require_clear(r * steps % 1, (0.5,))
    return STE_ID(r, torch.round(r * steps) / steps)


UNIT_CLIP = Estimator(
    lambda x: ((x >= 0) & (x <= 1)).to(x.dtype), lambda x: x.clamp(0, 1), (0.0, 1.0)
)


def activation(x, bits):
    """quantize_k(clip(x, 0, 1)); the clip is differentiated, and passes at its edges."""
    return quantize(UNIT_CLIP(x, x.clamp(0, 1)), bits)


def kernel(weight, bits):
    """sign(W) mean|W| of the layer with STE-id, or tanh and rounding."""
    if bits == 1:
        return STE_ID(weight, weight.detach().abs().mean() * sign(weight))
    squashed = torch.tanh(weight)
    return 2 * quantize(squashed / (2 * squashed.abs().amax()) + 0.5, bits) - 1


class QuantizedGradient(torch.autograd.Function):
    """x; backward 2 m (quantize_k(g / 2m + 1/2 + N(k)) - 1/2), m = max|g| over all axes but the first."""

    @staticmethod
    def forward(ctx, x, bits, seed):
        ctx.bits, ctx.seed = bits, seed
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        steps = 2**ctx.bits - 1
        span = 2 * g.abs().flatten(1).amax(1).view(-1, *[1] * (g.dim() - 1))
        noise = (draws(g, ctx.seed) - 0.5) / steps
        scaled = (g / span + 0.5 + noise) * steps
        require_clear(scaled % 1, (0.5,))
        return span * (torch.round(scaled) / steps - 0.5), None, None


def block(t, statistics):
    """Quantize to 2 bits, 1-bit convolution, batch norm, twice, + x."""
    y = t["x"]
    for unit in ("block.0", "block.1"):
        w = kernel(t[f"{unit}.convolution.weight"], 1)
        y = batch_norm(F.conv2d(activation(y, 2), w, padding=1), t, f"{unit}.norm", statistics)
    return y + t["x"]


def last_layer(t, statistics):
    """A real layer, whose sums have gradients of few bits too."""
    logits = F.linear(t["x"].mean((2, 3)), t["head.weight"], t["head.bias"])
    return QuantizedGradient.apply(logits, 6, SEED) if statistics["training"] else logits


def layer(weight_bits, bits):
    return convolution(
        lambda t: activation(t["x"], bits), lambda t: kernel(t[LATENT], weight_bits)
    )


def record(recorder):
    for w, a in ((1, 1), (1, 2), (2, 2), (4, 3), (1, 4)):
        recorder.quantizer(
            f"W{w}A{a}", single, layer(w, a), settings={"weight_bits": w, "activation_bits": a}
        )
    for bits in (3, 6):

        def quantized(t, bits=bits):
            results = layer(1, 2)(t)
            return results | {"output": QuantizedGradient.apply(results["output"], bits, SEED)}

        recorder.quantizer(
            f"W1A2G{bits}", single, quantized, is_smooth=False, seed=SEED,
            settings={"gradient_bits": bits},
        )  # fmt: skip
    recorder.block("block", lambda: two_units(latent, normalised), block)
    recorder.block(
        "last_layer", lambda: head(4), last_layer, plan=("head",), classes=3, is_smooth=False, seed=SEED,
        settings={"gradient_bits": 6},
    )  # fmt: skip
