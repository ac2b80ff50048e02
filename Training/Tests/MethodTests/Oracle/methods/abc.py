"""ABC-Net (methods.md 2.6).

Readings, where methods.md leaves a choice:
    std                 of all elements of the layer, divided by N and not N - 1: not stated.
    dR                  "1{0 <= R - v <= 1}" is a sign slip by methods.md's own note: + v, from h_v.
                        dc/dA_n does not contain beta_n, as dc/dB_m does not contain alpha_m:
                        dW = (sum_m alpha_m) g.
    v and beta          "are trained"; dv = sum of beta_n g 1{0 <= R + v_n <= 1}, the same straight-through
                        estimate; dbeta_n = sum g A_n, the true derivative.
    ridge               none: the bases here are not collinear.
"""

import torch
import torch.nn.functional as F
from equations import LATENT, batch_norm, convolution
from recorder import around, latent, normalised, single
from straight_through import STE_ID, Estimator, held, require_clear, sign

H_EDGES = Estimator(  # h_v of R + v
    lambda x: ((x >= 0) & (x <= 1)).to(x.dtype), lambda x: x.clamp(0, 1), (0.0, 1.0)
)


def default_shifts(count):
    return [0.0] if count == 1 else [-1 + 2 * i / (count - 1) for i in range(count)]


def kernel(weight, terms):
    """sum_m alpha_m B_m, with the default u."""
    mean, deviation = held(weight.mean()), held(weight.std(correction=0))
    bases = [STE_ID(weight, sign(weight - mean + u * deviation)) for u in default_shifts(terms)]
    matrix = torch.stack([base.detach().flatten() for base in bases], 1)
    gram = (matrix.T @ matrix).double()
    assert torch.linalg.cond(gram) < 1e4, "nearly collinear bases"
    solution = torch.linalg.solve(gram, matrix.double().T @ weight.detach().double().flatten())
    alpha = held(solution.to(weight.dtype))
    return sum(a * base for a, base in zip(alpha, bases))


def activation(x, t, name, planes):
    """sum_n beta_n A_n; A_n = +1 where clip(R + v_n, 0, 1) >= 0.5."""
    total = 0
    for index in range(planes):
        moved = x + t[f"{name}.v{index}"]
        require_clear(moved, (0.5,))
        plane = torch.where(moved.clamp(0, 1) >= 0.5, 1.0, -1.0).to(x.dtype)
        total = total + t[f"{name}.beta{index}"] * H_EDGES(moved, plane)
    return total


def planes(name, shifts, weights):
    """v and beta of each plane."""
    tensors = {}
    for index, (v, beta) in enumerate(zip(shifts, weights)):
        tensors |= {f"{name}.v{index}": torch.tensor([v]), f"{name}.beta{index}": torch.tensor([beta])}
    return tensors


def block(t, statistics):
    """Convolution, batch norm, multi-binarise, as the next convolution meets it: A-C-B, then A."""
    a = activation(t["x"], t, "block.0.sign", 3)
    y = F.conv2d(a, kernel(t["block.0.convolution.weight"], 3), padding=1)
    return activation(batch_norm(y, t, "block.0.norm", statistics), t, "next", 3)


def record(recorder):
    table = {
        "M3N3": (3, [-1.5, 0.0, 1.5], [1.0, 0.75, 1.25]),
        "M2N3": (2, [-0.9, 0.0, 0.9], [1.0, 1.0, 1.0]),
        "M1N1": (1, [0.0], [1.0]),
    }
    for name, (terms, shifts, weights) in table.items():
        forward = convolution(
            lambda t, count=len(shifts): activation(t["x"], t, "sign", count),
            lambda t, terms=terms: kernel(t[LATENT], terms),
        )
        recorder.quantizer(
            name, lambda shifts=shifts, weights=weights: single(**planes("sign", shifts, weights)),
            forward, settings={"kernel_terms": terms, "activation_planes": len(shifts)},
        )  # fmt: skip

    def tensors():
        found = {"block.0.convolution.weight": latent(4, 4, 3, 3)} | normalised(4, "block.0.norm")
        for name in ("block.0.sign", "next"):
            found |= planes(name, [-1.5, 0.0, 1.5], around(3, middle=1).tolist())
        return found

    recorder.block("block", tensors, block, plan=("unit", "quantize"))
