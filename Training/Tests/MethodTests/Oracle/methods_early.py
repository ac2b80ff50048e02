"""More methods of section 2 of methods.md, in composed PyTorch: BinaryConnect, BNN, BWN, DoReFa-Net, Tang's,
BNN-DL. Conventions as in methods.py; the readings stand in record_early.py.
"""

import torch
import torch.nn.functional as F
from methods import batch_norm, clip_sign, shortcut, strided
from straight_through import STE_CLIP, STE_ID, Estimator, held, require_clear, sign

# 2.1 BinaryConnect, 2.2 BNN


def hard_sigmoid(x):
    return ((x + 1) / 2).clamp(0, 1)


def draws(x, seed):
    """Uniform numbers of [0, 1), in float32, for each element of x."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(x.shape, generator=generator).to(x.dtype)


def drawn_signs(x, u):
    """+1 with the probability hard_sigmoid(x): where u is below it."""
    p = hard_sigmoid(x.detach())
    require_clear(p - u, (0.0,))
    return torch.where(u < p, 1.0, -1.0).to(x.dtype)


def binary_kernel(weight):
    """sign(W) without a scale; the gradient of the kernel is that of W."""
    return STE_ID(weight, sign(weight))


def stochastic_kernel(weight, u):
    return STE_ID(weight, drawn_signs(weight, u))


def stochastic_sign(x, u):
    """Neurons of the Torch7 run: drawn in training, STE-clip."""
    return STE_CLIP(x, drawn_signs(x, u))


def clipped(weight):
    """W in [-1, 1], after every update."""
    return weight.clamp(-1, 1)


def glorot_factor(weight):
    """What update steps are multiplied by: 1 / sqrt(1.5 / (fan_in + fan_out))."""
    window = weight[0, 0].numel()
    return ((weight.shape[0] + weight.shape[1]) * window / 1.5) ** 0.5


# 2.4 DoReFa-Net


def quantize(r, bits):
    """round((2^k - 1) r) / (2^k - 1) of r in [0, 1], STE-id; ties go to even numbers."""
    steps = 2**bits - 1
    require_clear(r * steps % 1, (0.5,))
    return STE_ID(r, torch.round(r * steps) / steps)


UNIT_CLIP = Estimator(
    lambda x: ((x >= 0) & (x <= 1)).to(x.dtype), lambda x: x.clamp(0, 1), (0.0, 1.0)
)


def dorefa_activation(x, bits):
    """quantize_k(clip(x, 0, 1)); the clip is differentiated, and passes at its edges."""
    return quantize(UNIT_CLIP(x, x.clamp(0, 1)), bits)


def dorefa_kernel(weight, bits):
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


# 2.5 Tang et al.


def tang_activation(x, scales):
    """sum_i alpha_i H_i of the residuals E_i; alpha_i = mean|E_i| where `scales` is a number of terms."""
    residual, total, found = x, 0, []
    for scale in [None] * scales if isinstance(scales, int) else scales:
        alpha = held(residual.abs().mean()) if scale is None else scale
        plane = clip_sign(residual)
        total = total + alpha * plane
        # Constant: each sign has the gradient of its own residual alone.
        residual = residual - held(alpha * plane)
        found.append(alpha.detach())
    return total, torch.stack(found)


def bipolar_regulariser(weight, strength):
    """lambda sum (1 - W^2)."""
    return strength * (1 - weight**2).sum()


# 2.14 BNN-DL


def distribution_loss(x):
    """L_a + L_b of one pre-activation [N, C, H, W]: means over channels."""
    m, s = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0).sqrt()
    require_clear(m, (0.0,))
    require_clear(torch.minimum(2 - m - s, 2 + m - s), (0.0,))
    require_clear(s, (4.0,))
    require_clear(m**2 - s**2, (0.0,))
    mismatch = F.relu(torch.minimum(2 - m - s, 2 + m - s)) ** 2
    saturation = F.relu(s - 4) ** 2
    degeneration = F.relu(m**2 - s**2)
    return mismatch.mean() + saturation.mean() + degeneration.mean()


# Blocks


def bnn_block(t, statistics):
    """Two units of convolution, batch norm, sign inside of a shortcut, read from the first sign on."""
    y = t["x"]
    for unit in "01":
        kernel = binary_kernel(t[f"{unit}.weight"])
        y = batch_norm(F.conv2d(clip_sign(y), kernel, padding=1), t, f"{unit}.bn", statistics)
    return y + t["x"]


def relu(x):
    require_clear(x, (0.0,))
    return F.relu(x)


def bwn_block(t, statistics, kernel):
    """ReLU(BN(conv(ReLU(BN(conv(x))))) + shortcut), He et al.'s block with 1-bit kernels."""
    y = batch_norm(strided(t["x"], kernel(t["0.weight"]), t), t, "0.bn", statistics)
    y = batch_norm(F.conv2d(relu(y), kernel(t["1.weight"]), padding=1), t, "1.bn", statistics)
    return relu(y + shortcut(t["x"], t, statistics))


def dorefa_block(t, statistics, weight_bits, bits):
    """Quantize, convolution, batch norm, twice, + x."""
    y = t["x"]
    for unit in "01":
        kernel = dorefa_kernel(t[f"{unit}.weight"], weight_bits)
        y = F.conv2d(dorefa_activation(y, bits), kernel, padding=1)
        y = batch_norm(y, t, f"{unit}.bn", statistics)
    return y + t["x"]


def tang_block(t, statistics, terms):
    """Sum of signs, convolution, PReLU, batch norm, + x."""
    running = statistics["running_scales"]
    a, found = tang_activation(t["x"], terms if statistics["training"] else list(running))
    if statistics["training"]:
        statistics["running_scales"] = running + 0.1 * (found - running)
    y = F.conv2d(a, STE_CLIP(t["weight"], sign(t["weight"])), padding=1)
    return batch_norm(F.prelu(y, t["prelu"]), t, "bn", statistics) + t["x"]
