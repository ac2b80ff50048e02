"""PCNN and MCN (section 2 of methods.md), IR-Net, ReCU, AdaBin (3.3) and ReBNN, in composed PyTorch.
Conventions as in methods.py; the readings stand in record_later.py.
"""

import math

import torch
import torch.nn.functional as F
from methods import batch_norm, per_channel, per_filter, poly_sign, shortcut, strided
from straight_through import STE_CLIP, STE_ID, STE_POLY, Estimator, held, require_clear, sign

# 3.3 IR-Net; AdaBin takes its estimator over


def ede_sharpness(progress, start, end=10.0):
    """t, log-linearly from `start` to `end` over the run."""
    return 10 ** (math.log10(start) + progress * (math.log10(end) - math.log10(start)))


def ede_sign(x, t):
    """sign; g'(x) = k t (1 - tanh^2(t x)) with k = max(1/t, 1)."""
    k = max(1 / t, 1)
    ede = Estimator(
        lambda x: k * t * (1 - torch.tanh(t * x) ** 2), lambda x: k * torch.tanh(t * x), ()
    )
    return ede(x, sign(x))


def centered(weight):
    return weight - per_filter(weight.flatten(1).mean(1))


def irnet_kernel(weight, t):
    moved = centered(weight)
    standard = moved / per_filter(moved.flatten(1).std(1))
    magnitude = standard.detach().abs().flatten(1).mean(1)
    require_clear(torch.log2(magnitude) % 1, (0.5,))
    shift = held(per_filter(2 ** torch.round(torch.log2(magnitude))))
    return ede_sign(standard, t) * shift


# 3.3 ReCU


def recu_tau(progress, start=0.85, end=0.99):
    e = math.e
    slope, offset = (end - start) / (e - 1), (e * start - end) / (e - 1)
    return slope * math.exp(progress) + offset


def recu_kernel(weight, scale, tau):
    """alpha sign(clamp(standardised W, -Q, Q)), Q = -mean|W| ln(2 - 2 tau) of the layer, constant."""
    moved = centered(weight)
    standard = moved / (per_filter(moved.flatten(1).var(1)) + 1e-5).sqrt() * (2 * math.sqrt(2))
    quantile = held(-standard.abs().mean() * math.log(2 - 2 * tau))
    require_clear(standard.abs() - quantile, (0.0,))
    clamped = torch.minimum(torch.maximum(standard, -quantile), quantile)
    return per_filter(scale) * STE_ID(clamped, sign(clamped))


def recu_activation(x):
    """sign of x over its deviation in each image, STE-poly."""
    deviation = (x.flatten(1).var(1) + 1e-5).sqrt().view(-1, 1, 1, 1)
    return poly_sign(x / deviation)


# 3.3 AdaBin


def adabin_kernel(weight, t):
    middle = per_filter(weight.flatten(1).mean(1))
    distance = per_filter(((weight - middle) ** 2).flatten(1).mean(1).sqrt())
    return distance * ede_sign((weight - middle) / distance, t) + middle


def adabin_activation(x, distance, center):
    scaled = (x - center) / distance
    return distance * (STE_POLY(scaled, sign(scaled)) + center)


# 2.13 PCNN


def pcnn_magnitude(weight):
    return held(weight.abs().mean())


def pcnn_kernel(weight, projections):
    """Output filter i J + j: the projection of mean(W_j) C_i on {-a, a}; backward has W_j itself."""
    a, copies = pcnn_magnitude(weight), []
    for w in projections:
        product = w * weight
        value = a * sign(held(w.mean()) * weight)
        copies.append(STE_CLIP(product, value))
    return torch.stack(copies, 1).flatten(0, 1)


def pcnn_loss(weight, projections, strength):
    """lambda/2 sum ||Chat_ij - W_j o C_i||^2; Chat is constant."""
    copies = held(pcnn_kernel(weight, projections))
    products = (weight.unsqueeze(1) * projections.unsqueeze(1)).flatten(0, 1)
    return strength / 2 * ((copies - products) ** 2).sum()


# 2.12 MCN


def mcn_binarised(weight):
    """Chat: the mean of |C| of the layer times sign(C); its gradient is that of C."""
    return STE_ID(weight, held(weight.abs().mean()) * sign(weight))


def mcn_kernel(weight, modulation):
    """Output filter i K + j: Chat_i o M_j."""
    return (mcn_binarised(weight).unsqueeze(1) * modulation.unsqueeze(1)).flatten(0, 1)


def mcn_loss(weight, modulation, strength):
    """theta/2 sum_ij ||C_i - Chat_i o M_j||^2; C_i is constant, and Chat_i's gradient is that of C_i."""
    binarised = mcn_binarised(weight).unsqueeze(1)
    rest = held(weight).unsqueeze(1) - binarised * modulation.unsqueeze(1)
    return strength / 2 * (rest**2).sum()


def mcn_constrain(modulation):
    """M <- |M| after the update."""
    return modulation.abs()


# ReBNN


def rebnn_kernel(weight, scale):
    """alpha sign(W), alpha learned; gradient of W: g alpha 1{|W| <= 1}."""
    return per_filter(scale) * STE_CLIP(weight, sign(weight))


def rebnn_loss(weight, scale, balance):
    """sum over filters of gamma/2 ||W - alpha sign(W)||^2; sign(W) is constant."""
    rest = weight - per_filter(scale) * held(sign(weight))
    return (per_filter(balance) / 2 * rest**2).sum()


# Blocks


def hardtanh(x):
    require_clear(x, (-1.0, 1.0))
    return F.hardtanh(x)


def irnet_block(t, statistics, sharpness):
    """sign, convolution, batch norm, + shortcut, hardtanh."""
    a = ede_sign(t["x"], sharpness)
    y = strided(a, irnet_kernel(t["weight"], sharpness), t)
    return hardtanh(batch_norm(y, t, "bn", statistics) + shortcut(t["x"], t, statistics))


def recu_block(t, statistics, tau):
    """sign, convolution, batch norm, + shortcut, hardtanh."""
    a = recu_activation(t["x"]) if statistics["training"] else sign(t["x"])
    y = F.conv2d(a, recu_kernel(t["weight"], t["scale"], tau), padding=1)
    return hardtanh(batch_norm(y, t, "bn", statistics) + t["x"])


def maxout(x, positive, negative):
    """Two learned slopes a channel."""
    require_clear(x, (0.0,))
    return torch.where(x >= 0, per_channel(positive) * x, per_channel(negative) * x)


def adabin_block(t, statistics, sharpness):
    """Two values, convolution, batch norm, + x, Maxout with the slopes `gain` and `gain * prelu`."""
    a = adabin_activation(t["x"], t["distance"], t["center"])
    y = F.conv2d(a, adabin_kernel(t["weight"], sharpness), padding=1)
    y = batch_norm(y, t, "bn", statistics) + t["x"]
    return maxout(y, t["gain"], t["gain"] * t["prelu"])
