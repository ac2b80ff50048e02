"""Cases of PCNN, MCN, IR-Net, ReCU, AdaBin and ReBNN; record_methods.py writes them.

Convolutions, as in record_methods.py:
    irnet/start, irnet/middle, irnet/late
                        3.3: standardised W, EDE for both with t from `t_min` to 10 at `progress` of the run
    recu/start, recu/late
                        3.3: tau of `progress`, from 0.85 to 0.99; `scale` [K] is a parameter; `evaluation`: sign(x)
    adabin/start, adabin/middle
                        3.3: EDE for W; `distance` [1] and `center` [1] of the activation are parameters
    pcnn/J1, pcnn/J2    2.13: `projections` [J, 3, 3] are parameters; sign with STE-clip; filter i J + j is the
                        copy j of filter i
    mcn/K4, mcn/K4-1    2.12: `modulation` [4, 3, 3], or [4, 1, 1] of MCN-1; real activations; M <- |M|
    rebnn               `scale` [K] is a parameter; sign with STE-poly
Blocks:
    irnet/same, irnet/down, recu (sign, convolution, BN, + shortcut, hardtanh), adabin (two values, convolution,
    BN, + x, Maxout)
Objectives (inputs and gradients of them, results `output`):
    pcnn/objective      lambda/2 ||Chat - W o C||^2
    mcn/objective       theta/2 ||C - Chat o M||^2
    rebnn/objective     gamma/2 ||W - alpha sign(W)||^2

Readings, where methods.md leaves a choice:
    IR-Net, std         divided by N - 1, as torch.std does; not stated ([M]). The derivative of mean and std is
                        real: only the power of two is said to be detached.
    IR-Net, AdaBin, t   "log-linearly": log10 t is linear in the progress of the run, 10 at its end.
    ReCU, std           of each filter, and of each image for activations, divided by N - 1, 1e-5 added to
                        the variance ([M]); the derivative of both is real. Q is constant.
    ReCU, tau           e in its formula is Euler's number: so tau is tau_s at the start and tau_e at the end.
    AdaBin              activation alpha (sign((x - beta) / alpha) + beta), both official codes; the derivative
                        of a and b of the weights and of alpha and beta is real, nothing is detached.
    AdaBin, Maxout      its slopes are `gain` and `gain * prelu` here: the same functions for a gain above 0.
    PCNN, forward       Chat = a sign(mean(W_j) C), a = mean|C| of the layer: the projection of 2.13 with "the
                        mean of W is used in the forward pass". a is constant in backward.
    PCNN, order         of the copies in D: not stated.
    PCNN, loss          eta, of the gradient that is added to C in it, is not printed: left out.
    MCN, magnitude      of Chat: mean|C| of the layer ([M] in 2.12).
    MCN, loss           2.12 prints a norm of C - sum_j Chat o M_j and updates of the residuals of each j; these
                        are the updates. dL/dChat is applied to C, as it says; the term of delta is left out.
    ReBNN               not in methods.md: wholly [M]. alpha is learned, STE-clip times alpha.
"""

import methods as m
import methods_later as n
import torch
import torch.nn.functional as F
from recorder import around, block, convolution, downsampling, latent, layer, normalised

SMALL = (2, 2, 4, 4)
T_MIN = 0.1


def weights(outputs=3):
    return latent(outputs, 2, 3, 3)


def irnet(recorder):
    for name, progress in (("start", 0.0), ("middle", 0.5), ("late", 0.65)):
        t = n.ede_sharpness(progress, T_MIN)
        forward = convolution(
            lambda x, t=t: n.ede_sign(x["x"], t), lambda x, t=t: n.irnet_kernel(x["weight"], t)
        )
        recorder.record(
            f"irnet/{name}", layer(SMALL, weight=weights()), forward,
            settings={"progress": progress, "t_min": T_MIN, "t": t},
        )  # fmt: skip
    t = n.ede_sharpness(0.5, T_MIN)
    for kind, outputs in (("same", 4), ("down", 6)):
        tensors = {"weight": latent(outputs, 4, 3, 3)} | normalised(outputs) | downsampling(kind)
        block(
            recorder, f"block/irnet/{kind}", lambda x, s: n.irnet_block(x, s, t), tensors,
            {"progress": 0.5, "t_min": T_MIN},
        )  # fmt: skip


def recu(recorder):
    for name, progress in (("start", 0.0), ("late", 0.75)):
        tau = n.recu_tau(progress)
        forward = convolution(
            lambda t: n.recu_activation(t["x"]),
            lambda t, tau=tau: n.recu_kernel(t["weight"], t["scale"], tau),
        )

        def run(t, forward=forward):
            return forward(t) | {"evaluation": n.sign(t["x"].detach())}

        tensors = layer(SMALL, weight=weights(), scale=torch.tensor([0.25, 0.75, 0.5]))
        recorder.record(f"recu/{name}", tensors, run, settings={"progress": progress, "tau": tau})
    tensors = {"weight": latent(4, 4, 3, 3), "scale": around(4, middle=0.5)} | normalised(4)
    block(
        recorder, "block/recu", lambda t, s: n.recu_block(t, s, n.recu_tau(0.5)), tensors,
        {"progress": 0.5},
    )  # fmt: skip


def adabin(recorder):
    for name, progress in (("start", 0.0), ("middle", 0.5)):
        t = n.ede_sharpness(progress, T_MIN)
        forward = convolution(
            lambda x: n.adabin_activation(x["x"], x["distance"], x["center"]),
            lambda x, t=t: n.adabin_kernel(x["weight"], t),
        )
        tensors = layer(
            SMALL, weight=weights(), distance=torch.tensor([0.8]), center=torch.tensor([0.3])
        )
        recorder.record(
            f"adabin/{name}", tensors, forward,
            settings={"progress": progress, "t_min": T_MIN, "t": t},
        )  # fmt: skip
    t = n.ede_sharpness(0.5, T_MIN)
    tensors = {"weight": latent(4, 4, 3, 3)} | normalised(4)
    tensors |= {"distance": torch.tensor([1.2]), "center": torch.tensor([-0.1])}
    tensors |= {"gain": around(4, middle=1), "prelu": around(4, middle=0.25, spread=0.1)}
    block(
        recorder, "block/adabin", lambda x, s: n.adabin_block(x, s, t), tensors,
        {"progress": 0.5, "t_min": T_MIN},
    )  # fmt: skip


def pcnn(recorder):
    for copies, filters in ((1, 3), (2, 2)):
        projections = around(copies, 3, 3, middle=0.9, spread=0.3)
        projections[-1] *= -1 if copies > 1 else 1
        forward = convolution(
            lambda t: m.clip_sign(t["x"]), lambda t: n.pcnn_kernel(t["weight"], t["projections"])
        )
        tensors = layer(SMALL, weight=weights(filters), projections=projections)
        recorder.record(f"pcnn/J{copies}", tensors, forward)
    strength = 1e-2
    tensors = {"weight": weights(2), "projections": projections}
    recorder.record(
        "pcnn/objective", tensors | {"g": torch.tensor(1.0)},
        lambda t: {"output": n.pcnn_loss(t["weight"], t["projections"], strength)},
        settings={"strength": strength}, steps=False,
    )  # fmt: skip


def mcn(recorder):
    for name, window in (("K4", 3), ("K4-1", 1)):
        forward = convolution(
            lambda t: t["x"], lambda t: n.mcn_kernel(t["weight"], t["modulation"])
        )
        modulation = around(4, window, window, middle=1.0).abs()
        recorder.record(
            f"mcn/{name}", layer(SMALL, weight=weights(1), modulation=modulation), forward
        )
    strength = 1e-2
    tensors = {"weight": weights(2), "modulation": around(4, 3, 3, middle=1.0).abs()}
    recorder.record(
        "mcn/objective", tensors | {"g": torch.tensor(1.0)},
        lambda t: {"output": n.mcn_loss(t["weight"], t["modulation"], strength)},
        settings={"strength": strength}, steps=False,
    )  # fmt: skip


def rebnn(recorder):
    forward = convolution(
        lambda t: m.poly_sign(t["x"]), lambda t: n.rebnn_kernel(t["weight"], t["scale"])
    )
    scale = torch.tensor([0.25, 0.75, 0.5])
    recorder.record("rebnn", layer(SMALL, weight=weights(), scale=scale), forward)
    balance = torch.tensor([1e-3, 2e-2, 0.1])
    tensors = {"weight": weights(), "scale": scale, "balance": balance, "g": torch.tensor(1.0)}
    recorder.record(
        "rebnn/objective", tensors,
        lambda t: {"output": n.rebnn_loss(t["weight"], t["scale"], t["balance"])},
        parameters=["weight", "scale"], steps=False,
    )  # fmt: skip


ALL = (irnet, recu, adabin, pcnn, mcn, rebnn)
