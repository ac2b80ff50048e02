"""BNN (methods.md 2.2): sign(W), W clipped after every update; sign with STE-clip, or drawn in training.

Readings, where methods.md leaves a choice:
    STE                 "STE with clipping": with W kept in [-1, 1], both edges included, 1{|W| <= 1} is 1
                        everywhere, so it is STE-id. The same for BNN-DL and Tang's method.
    shift-based norm    r starts at 1 ([M]); AP2(0) = 0.
    squared hinge       a mean over the classes too ([M]).
    drawn               as the Torch7 run's neurons: +1 with p = hard_sigmoid(x) in training, sign at test.
"""

import torch
import torch.nn.functional as F
from equations import (
    LATENT, batch_norm, binary_kernel, clip_latent, clip_sign, convolution, draws, drawn_signs,
    glorot_factor, head, logits, per_channel, two_units,
)  # fmt: skip
from recorder import latent, normalised, single, small
from straight_through import STE_CLIP, require_clear, sign

SEED = 77


def block(t, statistics):
    """Two units of convolution, batch norm, sign inside of a shortcut, read from the first sign on."""
    y = t["x"]
    for unit in ("block.0", "block.1"):
        kernel = binary_kernel(t[f"{unit}.convolution.weight"])
        y = batch_norm(F.conv2d(clip_sign(y), kernel, padding=1), t, f"{unit}.norm", statistics)
    return y + t["x"]


def power_of_two(z):
    """AP2(z) = sign(z) 2^round(log2 |z|)."""
    z = z.detach()
    exponent = torch.log2(z.abs())
    require_clear(exponent[z != 0] % 1, (0.5,))
    return torch.sign(z) * 2 ** torch.round(exponent)


class ShiftNorm(torch.autograd.Function):
    """The authors' shift-based batch norm in training: y, mean and r."""

    @staticmethod
    def forward(ctx, x, gamma, beta):
        mean = x.mean((0, 2, 3))
        c = x - per_channel(mean)
        r = ((c * power_of_two(c)).mean((0, 2, 3)) + 1e-5) ** -0.5
        xhat = c * per_channel(power_of_two(r))
        ctx.save_for_backward(c, r, xhat, gamma)
        return per_channel(power_of_two(gamma)) * xhat + per_channel(beta), mean, r

    @staticmethod
    def backward(ctx, g, *_):
        c, r, xhat, gamma = ctx.saved_tensors
        shift, c2 = per_channel(power_of_two(r)), power_of_two(c)
        mean, common = g.mean((0, 2, 3), keepdim=True), (c2 * g).mean((0, 2, 3), keepdim=True)
        dx = per_channel(power_of_two(gamma)) * shift * (g - mean - c2 * shift**2 * common)
        return dx, (power_of_two(xhat) * g).sum((0, 2, 3)), g.sum((0, 2, 3))


def shift_norm(x, t, name, statistics):
    gamma, beta = t[f"{name}.weight"], t[f"{name}.bias"]
    mean = statistics.setdefault(f"{name}.running_mean", torch.zeros(x.shape[1]))
    r = statistics.setdefault(f"{name}.running_inverse", torch.ones(x.shape[1]))
    if not statistics["training"]:
        xhat = (x - per_channel(mean)) * per_channel(power_of_two(r))
        return per_channel(power_of_two(gamma)) * xhat + per_channel(beta)
    y, now_mean, now_r = ShiftNorm.apply(x, gamma, beta)
    statistics[f"{name}.running_mean"] = 0.875 * mean + 0.125 * now_mean.detach()
    statistics[f"{name}.running_inverse"] = 0.875 * r + 0.125 * now_r.detach()
    return y


def shift_block(t, statistics):
    """One unit: sign, convolution, shift-based norm."""
    w = binary_kernel(t["block.0.convolution.weight"])
    return shift_norm(F.conv2d(clip_sign(t["x"]), w, padding=1), t, "block.0.norm", statistics)


def squared_hinge(logits, labels):
    """max(0, 1 - t x)^2, t = +1 for the class of an image and -1 for the others."""
    targets = 2 * F.one_hot(labels, logits.shape[1]) - 1
    margins = 1 - targets * logits
    require_clear(margins, (0.0,))
    return (F.relu(margins) ** 2).mean()


def loop(start, batches):
    """SGD, then W in [-1, 1]."""
    t = {key: x.requires_grad_() for key, x in start.items()}
    update = torch.optim.SGD(t.values(), lr=0.5)
    for x, labels in batches:
        update.zero_grad()
        y = F.conv2d(clip_sign(x), binary_kernel(t[LATENT]), padding=1)
        loss = squared_hinge(logits(t, y), labels)
        loss.backward()
        update.step()
        t[LATENT].data = t[LATENT].data.clamp(-1, 1)
        yield loss.item(), t


def record(recorder):
    def tensors():
        return clip_latent(single())

    forward = convolution(lambda t: clip_sign(t["x"]), lambda t: binary_kernel(t[LATENT]))
    recorder.quantizer(
        "deterministic", tensors, forward, constrain=clip_latent, settings={"glorot_rates": False}
    )
    rate = glorot_factor(single()[LATENT])
    recorder.quantizer("glorot", tensors, forward, constrain=clip_latent, rate=rate)

    def drawn(t):
        signs = drawn_signs(t["x"], draws(t["x"], SEED))
        results = convolution(
            lambda t: STE_CLIP(t["x"], signs), lambda t: binary_kernel(t[LATENT])
        )(t)
        return results | {"evaluated_activation": sign(t["x"].detach())}

    recorder.quantizer(
        "stochastic", tensors, drawn, constrain=clip_latent, seed=SEED,
        settings={"stochastic": True, "glorot_rates": False},
    )  # fmt: skip
    recorder.block("block", lambda: two_units(latent, normalised), block)
    recorder.steps(
        "squared_hinge", lambda: {LATENT: 1.2 * latent(3, 2, 3, 3).clamp(-0.8, 0.8)} | head(3), loop,
        batches=lambda: [(small(4, 2, 4, 4), torch.tensor([0, 2, 2, 1])) for _ in range(4)],
        settings={
            "glorot_rates": False, "losses.classification": "squared_hinge",
            "optimizer.name": "sgd", "optimizer.learning_rate": 0.5,
        },
    )  # fmt: skip
    recorder.block(
        "shift_based",
        lambda: normalised(4, "block.0.norm") | {"block.0.convolution.weight": latent(4, 4, 3, 3)},
        shift_block, plan=("unit", "flatten"), is_smooth=False, settings={"shift_based_norms": True},
    )  # fmt: skip
