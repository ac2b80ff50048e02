"""Cases of BinaryConnect, BNN, BWN, DoReFa-Net, Tang's method and BNN-DL; record_methods.py writes them.

Convolutions, as in record_methods.py:
    binaryconnect/deterministic
                        2.1: sign(W), real activations; W <- clip(W, -1, 1) after every update
    binaryconnect/glorot
                        the same, update steps of W times 1 / sqrt(1.5 / (fan_in + fan_out)) (`rate`)
    binaryconnect/stochastic
                        +1 with p = hard_sigmoid(W): where the draws of torch.Generator(`seed`), `draws`, are
                        below p; at test time (`evaluation`) the real W
    bnn/deterministic   2.2: sign(W) with STE, W clipped after every update; sign with STE-clip
    bnn/stochastic      the Torch7 run's neurons: +1 with p = hard_sigmoid(x), draws as above; `evaluation`: sign
    bwn                 2.3: alpha sign(W) and real activations; the gradient of W is that of xnor/paper
    dorefa/W1A1, W1A2, W2A2, W4A3, W1A4
                        2.4: sign(W) mean|W| of the layer with STE-id, or tanh and rounding; clip and rounding
    dorefa/W1A2G3, W1A2G6
                        the same with quantized gradients of the sums; the noise is drawn as above, minus 1/2
    tang/m1, tang/m2    2.5: sign(W), W clipped after every update; `scales` [m] of the batch, `running_scales`
                        after it, `evaluation` the activation for those
Blocks:
    bnn (sign, convolution, BN, twice, + x), bwn/same, bwn/down (convolution, BN, ReLU, convolution, BN,
    + shortcut, ReLU), dorefa/W1A2 (rounding, convolution, BN, twice, + x), tang (m = 2 signs,
    convolution, PReLU, BN, + x; slopes of 1, as sums of signs cancel and roundings would decide on a side)
Objectives (inputs and gradients of them, results `output`):
    tang/objective      lambda sum (1 - W^2)
    bnndl/objective     2.14: L_a + L_b of a pre-activation

Readings, where methods.md leaves a choice:
    BinaryConnect       fan_in and fan_out of a convolution count the window: C kh kw and K kh kw.
    BNN, STE            "STE with clipping": with W kept in [-1, 1], both edges included, 1{|W| <= 1} is 1
                        everywhere, so it is STE-id. The same for BNN-DL and Tang's method.
    BWN                 the paper's gradient (1/n + alpha 1{|W| <= 1}), which 2.3 gives for both networks.
    DoReFa, k > 1       "derivative of tanh/max is real": that of the maximum too, as autograd has it.
    DoReFa, rounding    ties to even (IEEE 754, PyTorch, TensorFlow); not stated.
    DoReFa, G           the noise is inside of quantize_k and added before it; what it moves beyond [0, 1] rounds
                        back. Finite differences cannot check a gradient that is none.
    DoReFa, clip        passes at 0 and 1: "the clip is differentiated" says no more.
    Tang, STE           STE-clip for both is [M]. alpha_i is constant, and so is what is subtracted for the next
                        residual: dL/da = sum_i alpha_i g 1{|E_i| <= 1}.
    Tang, order         that of 2.5's reading note, quantize, convolution, PReLU, BN; there is no shortcut in the
                        paper: here it is around all of these.
    Tang, test          alpha of the test batch or a running one is not stated: r <- r + 0.1 (alpha - r).
    BNN-DL, s           divided by N, over batch and space; not stated.
"""

import methods as m
import methods_early as e
import torch
import torch.nn.functional as F
from recorder import around, block, convolution, downsampling, latent, layer, normalised

SMALL = (2, 2, 4, 4)
SEED = 77


def weights():
    return latent(3, 2, 3, 3)


def identity(t):
    return t["x"]


def binaryconnect(recorder):
    clipped = {"weight": e.clipped(weights())}
    forward = convolution(identity, lambda t: e.binary_kernel(t["weight"]))
    recorder.record(
        "binaryconnect/deterministic", layer(SMALL, **clipped), forward, constrain=e.clipped
    )
    rate = e.glorot_factor(clipped["weight"])
    recorder.record(
        "binaryconnect/glorot", layer(SMALL, **clipped), forward, constrain=e.clipped, rate=rate,
        settings={"rate": rate},
    )  # fmt: skip

    def drawn(t):
        u = e.draws(t["weight"], SEED)
        kernel = e.stochastic_kernel(t["weight"], u)
        results = convolution(identity, lambda t: kernel)(t)
        return results | {"draws": u, "evaluation": t["weight"].detach()}

    recorder.record(
        "binaryconnect/stochastic", layer(SMALL, **clipped), drawn, constrain=e.clipped,
        settings={"seed": SEED},
    )  # fmt: skip


def bnn(recorder):
    clipped = {"weight": e.clipped(weights())}
    forward = convolution(lambda t: m.clip_sign(t["x"]), lambda t: e.binary_kernel(t["weight"]))
    recorder.record("bnn/deterministic", layer(SMALL, **clipped), forward, constrain=e.clipped)

    def drawn(t):
        u = e.draws(t["x"], SEED)
        results = convolution(
            lambda t: e.stochastic_sign(t["x"], u), lambda t: e.binary_kernel(t["weight"])
        )(t)
        return results | {"draws": u, "evaluation": e.sign(t["x"].detach())}

    recorder.record(
        "bnn/stochastic", layer(SMALL, **clipped), drawn, constrain=e.clipped,
        settings={"seed": SEED},
    )  # fmt: skip
    block(recorder, "block/bnn", e.bnn_block, two_units())


def two_units(outputs=4):
    tensors = {}
    for unit, inputs in (("0", 4), ("1", outputs)):
        tensors[f"{unit}.weight"] = latent(outputs, inputs, 3, 3)
        tensors |= normalised(outputs, f"{unit}.bn")
    return tensors


def bwn(recorder):
    forward = convolution(identity, lambda t: m.xnor_kernel(t["weight"]))
    recorder.record("bwn", layer(SMALL, weight=weights()), forward)
    for kind, outputs in (("same", 4), ("down", 6)):
        tensors = two_units(outputs) | downsampling(kind)
        block(
            recorder, f"block/bwn/{kind}", lambda t, s: e.bwn_block(t, s, m.xnor_kernel), tensors
        )


def dorefa(recorder):
    for w, a in ((1, 1), (1, 2), (2, 2), (4, 3), (1, 4)):
        forward = convolution(
            lambda t, a=a: e.dorefa_activation(t["x"], a),
            lambda t, w=w: e.dorefa_kernel(t["weight"], w),
        )
        recorder.record(
            f"dorefa/W{w}A{a}", layer(SMALL, weight=weights()), forward,
            settings={"weight_bits": w, "activation_bits": a},
        )  # fmt: skip
    for bits in (3, 6):

        def quantized(t, bits=bits):
            results = convolution(
                lambda t: e.dorefa_activation(t["x"], 2), lambda t: e.dorefa_kernel(t["weight"], 1)
            )(t)
            sums = e.QuantizedGradient.apply(results["output"], bits, SEED)
            return results | {"output": sums}

        recorder.record(
            f"dorefa/W1A2G{bits}", layer(SMALL, weight=weights()), quantized, is_smooth=False,
            settings={"weight_bits": 1, "activation_bits": 2, "gradient_bits": bits, "seed": SEED},
        )  # fmt: skip
    block(recorder, "block/dorefa/W1A2", lambda t, s: e.dorefa_block(t, s, 1, 2), two_units())


def tang(recorder):
    start = 1.0

    def forward(terms):
        def run(t):
            a, scales = e.tang_activation(t["x"], terms)
            kernel = e.STE_CLIP(t["weight"], e.sign(t["weight"]))
            running = start + 0.1 * (scales - start)
            fixed, _ = e.tang_activation(t["x"].detach(), list(running))
            return {
                "activation": a, "kernel": kernel, "output": F.conv2d(a, kernel, padding=1),
                "scales": scales, "running_scales": running, "evaluation": fixed,
            }  # fmt: skip

        return run

    settings = {"initial_scale": start, "scale_momentum": 0.1}
    for terms in (1, 2):
        tensors = layer(SMALL, weight=e.clipped(weights()))
        recorder.record(
            f"tang/m{terms}", tensors, forward(terms), constrain=e.clipped,
            settings=settings | {"terms": terms},
        )  # fmt: skip
    recorder.record(
        "tang/objective", {"weight": e.clipped(weights()), "g": torch.tensor(1.0)},
        lambda t: {"output": e.bipolar_regulariser(t["weight"], 5e-3)},
        settings={"strength": 5e-3}, steps=False,
    )  # fmt: skip
    tensors = normalised(4) | {"weight": e.clipped(latent(4, 4, 3, 3))}
    tensors["prelu"] = torch.ones(4)
    block(
        recorder, "block/tang", lambda t, s: e.tang_block(t, s, 2), tensors, settings | {"terms": 2},
        {"running_scales": [start, start]}, still=("prelu",),
    )  # fmt: skip


def bnndl(recorder):
    # Channels that break each of the rules, and one that breaks none.
    x = around(4, 4, 3, 3, spread=1.0)
    middle, spread = torch.tensor([0.1, 1.5, 0.5, -2.5]), torch.tensor([0.8, 0.3, 6.0, 1.2])
    x = x * spread.view(1, -1, 1, 1) + middle.view(1, -1, 1, 1)
    recorder.record(
        "bnndl/objective", {"x": x, "g": torch.tensor(1.0)},
        lambda t: {"output": e.distribution_loss(t["x"])}, parameters=[], steps=False,
    )  # fmt: skip


ALL = (binaryconnect, bnn, bwn, dorefa, tang, bnndl)
