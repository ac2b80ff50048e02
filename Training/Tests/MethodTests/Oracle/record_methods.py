#!/usr/bin/env python3
"""Records numbers of the methods for the Swift tests.

  python record_methods.py [FOLDER]      writes xnor.json, bireal.json ... into FOLDER (default: here)

Nothing here knows how the Swift side is built: methods*.py are written from the reference of methods
(methods.md) alone. XNOR-Net, Bi-Real Net, ABC-Net, TBN, ReActNet and BONN stand here, the others in
record_early.py and record_later.py. All numbers are float32, computed as training computes them; that
each gradient is the derivative of the surrogate its formula stands for is asserted in float64
(straight_through.py).

The format of the files stands in recorder.py.

Convolutions (x -> activation quantizer -> convolution with the quantized kernel; results also hold
`activation` and `kernel`):
    xnor/paper          2.3: alpha sign(W), alpha = mean|W| per filter; gradient g (1/n + alpha 1{|W| <= 1});
                        sign with STE-clip; no K, which the official code leaves out
    xnor/scaled         the same with K (`magnitudes` [N, 1, H, W]); K is constant in the backward pass
    xnor/code           the official code's step: W <- clip(W - mean over Cin, -1, 1) (`constrained`) before
                        the forward pass, gradient g (1/n + alpha 1{|W| < 1}) (1 - 1/Cin) n, and the
                        update acts on `constrained`
    bireal/paper        2.10: STE-poly; alpha detached; dW = g alpha 1{|W| < 1}
    bireal/code         dW = g 1{|W| <= 1}
    abc/M3N3, abc/M2N3, abc/M1N1
                        2.6: `bases` [M, ...], `alpha` [M], `planes` [N, ...]; v and beta are parameters.
                        M3N3 and M1N1: u and v of the paper's table; M2N3: the default u
    tbn/batch           2.11: threshold d = 0.5 mean|x| of the batch; `threshold` is d, `running_threshold`
                        the average after this batch, `evaluation` the activation for it
    tbn/fixed           the fixed threshold delta = 0.5, which x meets exactly
    reactnet/binary     3.3, step 2: x + b0, sign with STE-poly; kernel as bireal/code
    reactnet/real       step 1: binary activations, real weights
    bonn                1.4, 1.5: reading A, printed gradients, STE-poly; w [3, 3]
Blocks (`block/...`; results also hold running statistics after the step and `evaluation`, the output in
evaluation mode with them; no optimiser):
    xnor (BN, sign, convolution, pooling), bireal/same, bireal/down (sign, convolution, BN, + shortcut),
    abc (multi-binarise, convolution, BN, multi-binarise), tbn (BN, ternary, convolution), reactnet/same,
    reactnet/down, reactnet/step1 (+ b0, sign, convolution, BN, + shortcut, + b1, PReLU, + b2),
    bonn (BN, sign, convolution, + x, PReLU).
    `down` has stride 2 and the shortcut 2x2 average pooling, real 1x1 convolution, BN. BN: eps 1e-5,
    momentum 0.1, running statistics 0 and 1 before.
reactnet/objective      3.3: cross-entropy against the teacher's probabilities alone; inputs logits and
                        teacher [N, K], results loss, gradients of the logits

Readings, where methods.md leaves a choice:
    sign(0)             +1 everywhere (notation). So RSign is +1 for x + b0 >= 0, though 3.3 prints x > a.
    edges of slopes     1{|x| <= 1} passes at the edge (STE-clip, building blocks); < where it is printed.
    XNOR                2.3 gives paper and code; both. The gradient of K is not stated: constant. Padding of
                        the box filter: zeros.
    Bi-Real             2.10 gives paper and code; both; the block uses the paper's.
    ABC, std            of all elements of the layer, divided by N and not N - 1: not stated; so is BONN's
                        sigma here.
    ABC, dR             "1{0 <= R - v <= 1}" is a sign slip by methods.md's own note: + v, from h_v.
                        dc/dA_n does not contain beta_n, as dc/dB_m does not contain alpha_m:
                        dW = (sum_m alpha_m) g.
    ABC, v and beta     "are trained"; dv = sum of beta_n g 1{0 <= R + v_n <= 1}, the same straight-through
                        estimate; dbeta_n = sum g A_n, the true derivative.
    ABC, ridge          none: the bases here are not collinear.
    TBN, delta          0.5 (code and README, [S]); 0.4 is the paper's by hearsay ([M]).
    TBN, STE-id         as 2.1 defines it: the gradient with respect to the quantized kernel is applied to W
                        as it is, without alpha.
    TBN, average        r <- r + 0.1 (d - r), from 0.5 * 0.7979 (README momentum 0.1, not the module's 0.01).
    ReActNet, kernel    "clamp STE": 1{|W| <= 1}, alpha detached and not in the gradient (as 2.10's code).
    BONN                readings as Tests/Oracle/bonn_pytorch.py, of which this is independent.
    pooling of XNOR     "Pool": averages of 2x2; the largest of integer sums is seldom one alone.
"""

import argparse
import pathlib

import methods as m
import record_early
import record_later
import torch
import torch.nn.functional as F
from recorder import (
    Recorder, around, block, convolution, downsampling, latent, layer, normalised, weights,
    HEIGHT, IMAGES, OUTPUTS, WIDTH,
)  # fmt: skip

SEED = 20171207


def xnor(recorder):
    plain = convolution(lambda t: m.clip_sign(t["x"]), lambda t: m.xnor_kernel(t["weight"]))
    recorder.record("xnor/paper", layer(weight=weights()), plain)

    def scaled(t):
        results, magnitudes = plain(t), m.xnor_magnitudes(t["x"], 3)
        return results | {"magnitudes": magnitudes, "output": results["output"] * magnitudes}

    recorder.record("xnor/scaled", layer(weight=weights()), scaled)
    official = convolution(
        lambda t: m.clip_sign(t["x"]), lambda t: m.xnor_kernel(t["weight"], official=True)
    )
    # Gradients are n times as large here; g makes up for it, or the first step would clip all.
    tensors = layer(weight=1.5 * weights(edges=False))
    tensors["g"] = torch.randn(IMAGES, OUTPUTS, HEIGHT, WIDTH) / 64
    recorder.record("xnor/code", tensors, official, constrain=m.xnor_constrain)
    block(recorder, "block/xnor", m.xnor_block, normalised(4) | {"weight": latent(6, 4, 3, 3)})


def bireal(recorder):
    for name, aware in (("paper", True), ("code", False)):
        forward = convolution(
            lambda t: m.poly_sign(t["x"]), lambda t, aware=aware: m.birealnet_kernel(t["weight"], aware)
        )
        recorder.record(f"bireal/{name}", layer(weight=weights()), forward)
    for kind, outputs in (("same", 4), ("down", 6)):
        tensors = {"weight": latent(outputs, 4, 3, 3)} | normalised(outputs) | downsampling(kind)
        block(recorder, f"block/bireal/{kind}", m.birealnet_block, tensors)


def abc(recorder):
    table = {
        "M3N3": ([-1.0, 0.0, 1.0], [-1.5, 0.0, 1.5], [1.0, 0.75, 1.25]),
        "M2N3": (m.abc_default_shifts(2), [-0.9, 0.0, 0.9], [1.0, 1.0, 1.0]),
        "M1N1": ([0.0], [0.0], [1.0]),
    }
    for name, (u, v, beta) in table.items():

        def forward(t, u=u):
            a, planes = m.abc_activation(t["x"], t["v"], t["beta"])
            kernel, bases, alpha = m.abc_kernel(t["weight"], u)
            return {
                "activation": a, "planes": planes, "kernel": kernel, "bases": bases,
                "alpha": alpha, "output": F.conv2d(a, kernel, padding=1),
            }  # fmt: skip

        tensors = layer(weight=weights(), v=torch.tensor(v), beta=torch.tensor(beta))
        recorder.record(f"abc/{name}", tensors, forward, settings={"u": u})
    tensors = {"weight": latent(4, 4, 3, 3)} | normalised(4)
    for prefix in ("", "next."):
        tensors |= {f"{prefix}v": torch.tensor([-1.5, 0.0, 1.5])}
        tensors |= {f"{prefix}beta": around(3, middle=1)}
    block(recorder, "block/abc", m.abc_block, tensors, {"u": m.abc_default_shifts(3)})


def tbn(recorder):
    start, rate = 0.5 * 0.7979, 0.1

    def batch(t):
        threshold = m.tbn_threshold(t["x"], 0.5)
        a, kernel = m.tbn_activation(t["x"], threshold), m.tbn_kernel(t["weight"])
        running = start + rate * (threshold.detach() - start)
        fixed = torch.where(t["x"] >= running, 1.0, 0.0) - torch.where(t["x"] <= -running, 1.0, 0.0)
        return {
            "activation": a, "kernel": kernel, "output": F.conv2d(a, kernel, padding=1),
            "threshold": threshold.detach(), "running_threshold": running,
            "evaluation": fixed.to(a.dtype),
        }  # fmt: skip

    settings = {"delta": 0.5, "initial_threshold": start, "threshold_momentum": rate}
    recorder.record("tbn/batch", layer(weight=weights()), batch, settings=settings)
    fixed = convolution(lambda t: m.tbn_activation(t["x"], 0.5), lambda t: m.tbn_kernel(t["weight"]))
    recorder.record("tbn/fixed", layer(weight=weights()), fixed, settings={"delta": 0.5})
    tensors = normalised(4) | {"weight": latent(4, 4, 3, 3)}
    block(recorder, "block/tbn", m.tbn_block, tensors, settings, {"running_threshold": start})


def reactnet(recorder):
    def signs(t):
        return m.poly_sign(t["x"] + m.per_channel(t["b0"]))

    binary = convolution(signs, lambda t: m.birealnet_kernel(t["weight"], False))
    b0 = torch.tensor([0.25, -0.5, 0.0, 0.125])
    recorder.record("reactnet/binary", layer(weight=weights(), b0=b0), binary)
    real = convolution(signs, lambda t: t["weight"])
    recorder.record("reactnet/real", layer(weight=weights(), b0=b0), real)
    for name, outputs, kind, step1 in (
        ("same", 4, "same", False), ("down", 6, "down", False), ("step1", 4, "same", True),
    ):  # fmt: skip
        tensors = {"b0": around(4), "weight": latent(outputs, 4, 3, 3)} | normalised(outputs)
        tensors |= downsampling(kind) | {"b1": around(outputs), "b2": around(outputs)}
        tensors["prelu"] = around(outputs, middle=0.25, spread=0.1)
        block(
            recorder, f"block/reactnet/{name}",
            lambda t, s, step1=step1: m.reactnet_block(t, s, real_weights=step1), tensors,
        )  # fmt: skip
    objective = {"logits": 2 * torch.randn(5, 7), "teacher": 3 * torch.randn(5, 7)}
    recorder.record(
        "reactnet/objective", objective | {"g": torch.tensor(1.0)},
        lambda t: {"output": m.soft_label_loss(t["logits"], t["teacher"])},
        parameters=["logits"], steps=False,
    )  # fmt: skip


def bonn(recorder):
    forward = convolution(
        lambda t: m.poly_sign(t["x"]), lambda t: m.bonn_kernel(t["weight"], t["w"])
    )
    # Scales around 1 let the indicator |w X| <= 1 act.
    w = around(3, 3, middle=1.0)
    recorder.record("bonn", layer(weight=weights(), w=w), forward)
    tensors = normalised(4) | {"weight": latent(4, 4, 3, 3), "w": w}
    block(recorder, "block/bonn", m.bonn_block, tensors | {"prelu": around(4, middle=0.25)})


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    here = pathlib.Path(__file__).parent
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=here)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    records = (xnor, bireal, abc, tbn, reactnet, bonn, *record_early.ALL, *record_later.ALL)
    for position, record in enumerate(records):
        torch.manual_seed(SEED + position)
        recorder = Recorder()
        record(recorder)
        recorder.write(folder / f"{record.__name__}.json")


if __name__ == "__main__":
    main()
