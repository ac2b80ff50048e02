"""The methods as methods.md states them, in composed PyTorch. Names of tensors are those of the records.

Each `..._activation` and `..._kernel` is one quantizer; t holds tensors by name. The docstring of
record_methods.py says which reading was taken where methods.md leaves a choice.
"""

import torch
import torch.nn.functional as F
from straight_through import (
    STE_CLIP, STE_ID, STE_POLY, Estimator, held, require_clear, sign, straight_through,
)  # fmt: skip


def per_filter(x):
    """[out] to [out, 1, 1, 1]."""
    return x.view(-1, 1, 1, 1)


def per_channel(x):
    """[C] to [1, C, 1, 1]."""
    return x.view(1, -1, 1, 1)


def mean_abs(weight):
    """`mean-abs`: alpha of each output filter, over in * kh * kw."""
    return per_filter(weight.abs().flatten(1).mean(1))


def clip_sign(x):
    return STE_CLIP(x, sign(x))


def poly_sign(x):
    return STE_POLY(x, sign(x))


# 2.3 XNOR-Net


def xnor_kernel(weight, official=False):
    """alpha sign(W); gradient g (1/n + alpha 1{|W| <= 1}), in the official code 1{|W| < 1} and times
    (1 - 1/Cin) n."""
    n, alpha = weight[0].numel(), held(mean_abs(weight))
    factor = (1 - 1 / weight.shape[1]) * n if official else 1.0

    def slope(x):
        inside = x.abs() < 1 if official else x.abs() <= 1
        return (1 / n + alpha * inside) * factor

    def surrogate(x):
        return (x / n + alpha * x.clamp(-1, 1)) * factor

    require_clear(weight, (-1.0, 1.0))
    return straight_through(weight, alpha * sign(weight), slope, surrogate)


def xnor_constrain(weight):
    """Steps 1 and 2 of the official code, on the latent weights themselves before each step."""
    return (weight - weight.mean(1, keepdim=True)).clamp(-1, 1)


def xnor_magnitudes(x, window):
    """K = A * k: one beta for each output position; zeros beyond the border, stride 1."""
    box = torch.full((1, 1, window, window), 1 / window**2, dtype=x.dtype)
    return held(F.conv2d(x.abs().mean(1, keepdim=True), box, padding=window // 2))


# 2.10 Bi-Real Net, and the kernel of 3.3 ReActNet


def birealnet_kernel(weight, magnitude_aware):
    """alpha sign(W), alpha detached. Paper: g alpha 1{|W| < 1}; official code: g 1{|W| <= 1}."""
    alpha = held(mean_abs(weight))
    if not magnitude_aware:
        return STE_CLIP(weight, alpha * sign(weight))
    paper = Estimator(
        lambda x: alpha * (x.abs() < 1), lambda x: alpha * x.clamp(-1, 1), (-1.0, 1.0)
    )
    return paper(weight, alpha * sign(weight))


# 2.6 ABC-Net

H_EDGES = Estimator(  # h_v of R + v
    lambda x: ((x >= 0) & (x <= 1)).to(x.dtype), lambda x: x.clamp(0, 1), (0.0, 1.0)
)


def abc_default_shifts(count):
    return [0.0] if count == 1 else [-1 + 2 * i / (count - 1) for i in range(count)]


def abc_kernel(weight, shifts):
    """Returns the kernel sum_m alpha_m B_m, the bases [M, ...] and alpha [M]."""
    mean, deviation = held(weight.mean()), held(weight.std(correction=0))
    bases = [STE_ID(weight, sign(weight - mean + u * deviation)) for u in shifts]
    matrix = torch.stack([base.detach().flatten() for base in bases], 1)
    gram = (matrix.T @ matrix).double()
    assert torch.linalg.cond(gram) < 1e4, "nearly collinear bases"
    solution = torch.linalg.solve(gram, matrix.double().T @ weight.detach().double().flatten())
    alpha = held(solution.to(weight.dtype))
    kernel = sum(a * base for a, base in zip(alpha, bases))
    return kernel, torch.stack([base.detach() for base in bases]), alpha


def abc_activation(x, v, beta):
    """Returns sum_n beta_n A_n and the planes [N, ...]; A_n = +1 where clip(R + v_n, 0, 1) >= 0.5."""
    planes = []
    for shift in v:
        moved = x + shift
        require_clear(moved, (0.5,))
        plane = torch.where(moved.clamp(0, 1) >= 0.5, 1.0, -1.0).to(x.dtype)
        planes.append(H_EDGES(moved, plane))
    total = sum(b * plane for b, plane in zip(beta, planes))
    return total, torch.stack([plane.detach() for plane in planes])


# 2.11 TBN


def tbn_threshold(x, delta):
    """d = delta mean|x| over the whole batch tensor; no gradient passes it."""
    return delta * held(x.abs().mean())


def tbn_activation(x, threshold):
    """+1 if x >= d, -1 if x <= -d, else 0; STE-clip."""
    d = torch.as_tensor(threshold, dtype=x.dtype)
    require_clear(x, (-d, d))
    return STE_CLIP(x, (x >= d).to(x.dtype) - (x <= -d).to(x.dtype))


def tbn_kernel(weight):
    """sign(W) mean|W|, STE-id: the gradient of the kernel is that of the latent weights."""
    return STE_ID(weight, mean_abs(weight.detach()) * sign(weight))


# 1.4, 1.5 BONN, reading A, printed gradients


def bonn_kernel(weight, w):
    """mean(w) sign(X); equations 12 and 15 are the derivatives of clip(w o X)."""
    return STE_CLIP(w * weight, w.mean() * sign(weight))


# Blocks


def batch_norm(x, t, name, statistics):
    """With the batch's statistics where `statistics` collects them, else with those that it holds."""
    mean, variance = statistics[f"{name}.running_mean"], statistics[f"{name}.running_var"]
    return F.batch_norm(
        x, mean, variance, t[f"{name}.weight"], t[f"{name}.bias"], statistics["training"], 0.1, 1e-5
    )


def shortcut(x, t, statistics):
    """Identity; or, for a stage change, 2x2 average pooling, real 1x1 convolution, batch norm."""
    if "shortcut.weight" not in t:
        return x
    return batch_norm(
        F.conv2d(F.avg_pool2d(x, 2), t["shortcut.weight"]), t, "shortcut.bn", statistics
    )


def strided(x, kernel, t):
    return F.conv2d(x, kernel, stride=2 if "shortcut.weight" in t else 1, padding=1)


def xnor_block(t, statistics):
    """B-A-C-P: batch norm, sign, binary convolution, pooling (here 2x2 averages)."""
    a = clip_sign(batch_norm(t["x"], t, "bn", statistics))
    return F.avg_pool2d(F.conv2d(a, xnor_kernel(t["weight"]), padding=1), 2)


def birealnet_block(t, statistics):
    """sign, binary convolution, batch norm, + shortcut."""
    y = strided(poly_sign(t["x"]), birealnet_kernel(t["weight"], True), t)
    return batch_norm(y, t, "bn", statistics) + shortcut(t["x"], t, statistics)


def abc_block(t, statistics):
    """Convolution, batch norm, multi-binarise, as the next convolution meets it: A-C-B, then A."""
    a, _ = abc_activation(t["x"], t["v"], t["beta"])
    kernel, _, _ = abc_kernel(t["weight"], abc_default_shifts(3))
    y = batch_norm(F.conv2d(a, kernel, padding=1), t, "bn", statistics)
    return abc_activation(y, t["next.v"], t["next.beta"])[0]


def tbn_block(t, statistics):
    """Batch norm, ternary, convolution."""
    x, running = batch_norm(t["x"], t, "bn", statistics), statistics["running_threshold"]
    threshold = running
    if statistics["training"]:
        threshold = tbn_threshold(x, 0.5)
        statistics["running_threshold"] = running + 0.1 * (threshold.detach() - running)
    return F.conv2d(tbn_activation(x, threshold), tbn_kernel(t["weight"]), padding=1)


def reactnet_block(t, statistics, real_weights=False):
    """+ b0, sign, convolution, batch norm, + shortcut, + b1, PReLU, + b2."""
    a = poly_sign(t["x"] + per_channel(t["b0"]))
    kernel = t["weight"] if real_weights else birealnet_kernel(t["weight"], False)
    y = batch_norm(strided(a, kernel, t), t, "bn", statistics) + shortcut(t["x"], t, statistics)
    moved = y + per_channel(t["b1"])
    require_clear(moved, (0.0,))
    return F.prelu(moved, t["prelu"]) + per_channel(t["b2"])


def bonn_block(t, statistics):
    """Batch norm, sign, binary convolution, + shortcut, PReLU (1.8, the authors' code)."""
    a = poly_sign(batch_norm(t["x"], t, "bn", statistics))
    y = F.conv2d(a, bonn_kernel(t["weight"], t["w"]), padding=1) + t["x"]
    require_clear(y, (0.0,))
    return F.prelu(y, t["prelu"])


def soft_label_loss(logits, teacher):
    """Cross-entropy against the teacher's probabilities, the mean over the batch."""
    return -(torch.softmax(teacher, 1) * torch.log_softmax(logits, 1)).sum(1).mean()
