#!/usr/bin/env python3
"""Records numbers of XNOR-Net, Bi-Real Net, ABC-Net, TBN, ReActNet and BONN for the Swift tests.

  python record_methods.py [FOLDER]      writes xnor.json, bireal.json ... into FOLDER (default: here)

Nothing here knows how the Swift side is built: methods.py is written from the reference of methods
(methods.md) alone. All numbers are float32, computed as training computes them; that each gradient is the
derivative of the surrogate its formula stands for is asserted in float64 (straight_through.py).

Files. A file maps the name of a case to
    settings      numbers that are no tensors
    parameters    names of the tensors that an optimiser updates
    inputs        tensors before the step: x [N, C, H, W], g, parameters, buffers
    results       tensors of the forward pass, among them output
    gradients     of loss = sum(output * g) with respect to x and each parameter
    sgd           parameters after one and after two steps, torch.optim.SGD(lr 0.05, momentum 0.9)
    adam          parameters after one step of torch.optim.Adam(lr 0.01)
where a tensor is {"shape": [...], "values": [...]}, row-major; each number reads back as the same
float32, directly or by way of a double. x holds both sides of every edge of every slope, and the edges
(0, -0, 1, -1, 0.5 ...) exactly; anything else keeps 1e-5 away from them, so that no order of summation
decides on a side. Convolutions are 3x3 with zeros as padding.

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
import json
import pathlib

import methods as m
import numpy as np
import torch
import torch.nn.functional as F
from straight_through import NearEdge, check_gradients, tape

SEED = 20171207
IMAGES, INPUTS, OUTPUTS, HEIGHT, WIDTH = 2, 4, 3, 6, 4
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 2.5]


def images(*shape):
    """Half normal, half multiples of 1/8 up to 2.5, which hold every edge; the edges themselves first."""
    x = 1.2 * torch.randn(shape)
    coarse = torch.randint(-20, 21, shape) / 8
    x = torch.where(torch.rand(shape) < 0.5, x, coarse)
    x.view(-1)[: len(EDGES)] = torch.tensor(EDGES)
    return x


def latent(*shape, edges=True):
    """Both signs, some beyond the clip; with 0, 1, -1 exactly where `edges`."""
    weight = 0.7 * torch.randn(shape)
    if edges:
        weight.view(-1)[7:12] = torch.tensor([0.0, 1.0, -1.0, 1.25, -1.5])
    return weight


def around(*shape, middle=0.0, spread=0.3):
    return middle + spread * torch.randn(shape)


class Recorder:
    """The cases of one file."""

    def __init__(self):
        self.cases = {}

    def record(
        self, name, inputs, forward, *, parameters=None, settings=None, constrain=None, steps=True
    ):
        """Runs a case.

        Args:
            forward: maps tensors by name to results by name, `output` among them.
            parameters: what an optimiser updates; all but x and g unless given.
            constrain: changes parameters before each forward pass.
            steps: whether optimisers act.
        """
        inputs = {key: x.clone() for key, x in inputs.items()}
        inputs.setdefault("g", torch.randn(forward(inputs)["output"].shape))
        if parameters is None:
            parameters = [key for key in inputs if key not in ("x", "g")]
        results, gradients, _ = self.evaluate(inputs, forward, parameters, constrain)
        if constrain:
            results["constrained"] = constrain(inputs["weight"])
        entry = {"settings": settings or {}, "parameters": parameters, "inputs": inputs}
        entry |= {"results": results, "gradients": gradients}
        if steps:
            entry["sgd"] = self.train(inputs, forward, parameters, constrain, 2, self.sgd)
            entry["adam"] = self.train(inputs, forward, parameters, constrain, 1, self.adam)[0]
            for found in (gradients[key] for key in parameters):
                assert ((found == 0) | (found.abs() > 1e-5)).all(), "rounding decides Adam's step"
        self.check(inputs, forward, parameters)
        self.cases[name] = entry

    def evaluate(self, inputs, forward, parameters, constrain=None):
        leaves = {key: x.clone() for key, x in inputs.items()}
        if constrain:
            leaves["weight"] = constrain(leaves["weight"])
        for key in ["x", *parameters]:
            if key in leaves:
                leaves[key].requires_grad_()
        tape.values.clear()
        results = forward(leaves)
        loss = (results["output"] * leaves["g"]).sum()
        loss.backward()
        gradients = {key: x.grad for key, x in leaves.items() if x.requires_grad}
        return {key: x.detach() for key, x in results.items()}, gradients, leaves

    def train(self, inputs, forward, parameters, constrain, count, optimiser):
        """The parameters after each of `count` steps."""
        tensors = {key: x.clone() for key, x in inputs.items()}
        leaves = {key: torch.nn.Parameter(tensors[key]) for key in parameters}
        update, after = optimiser(list(leaves.values())), []
        for _ in range(count):
            if constrain:
                leaves["weight"].data = constrain(leaves["weight"].data)
            tensors |= {key: x.detach() for key, x in leaves.items()}
            _, gradients, _ = self.evaluate(tensors, forward, parameters)
            for key, x in leaves.items():
                x.grad = gradients[key]
            update.step()
            after.append({key: x.detach().clone() for key, x in leaves.items()})
        return after

    @staticmethod
    def sgd(parameters):
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.9)

    @staticmethod
    def adam(parameters):
        return torch.optim.Adam(parameters, lr=0.01)

    @staticmethod
    def check(inputs, forward, parameters):
        """Finite differences near the case's point, off every edge."""
        fixed = {key: x.double() for key, x in inputs.items()}
        moving = [key for key in ("x", *parameters) if key in inputs]
        for _ in range(100):
            points = {key: fixed[key] + 0.01 * torch.randn(fixed[key].shape) for key in moving}
            try:
                return check_gradients(
                    lambda t: (forward(fixed | t)["output"] * fixed["g"]).sum(), points
                )
            except NearEdge:
                continue
        raise AssertionError("no point off all edges")

    def write(self, path):
        path.write_text(text(self.cases) + "\n", encoding="utf-8")


def text(value, indent=""):
    """JSON, a tensor a line."""
    if isinstance(value, torch.Tensor):
        numbers = ",".join(number(x) for x in value.detach().flatten().numpy())
        return f'{{"shape":{list(value.shape)},"values":[{numbers}]}}'
    if isinstance(value, list) and isinstance(value[0], dict):
        return "[" + ",".join(text(x, indent) for x in value) + "]"
    if isinstance(value, dict) and value:
        deeper = indent + " "
        lines = [f"{deeper}{json.dumps(key)}:{text(x, deeper)}" for key, x in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return json.dumps(value)


def number(x):
    """The shortest decimal that is this float32, read as a float32 or as a double."""
    assert x.dtype == np.float32 and np.isfinite(x)
    # Some readers take -0 for a whole number, which has no sign.
    decimal = "-0.0" if x == 0 and np.signbit(x) else str(x).removesuffix(".0")
    for back in (np.float32(decimal), np.float32(float(decimal))):
        assert back.tobytes() == x.tobytes(), decimal
    return decimal


def convolution(activation, kernel):
    """A forward pass of one layer, from functions of the tensors."""

    def forward(t):
        a, w = activation(t), kernel(t)
        return {"activation": a, "kernel": w, "output": F.conv2d(a, w, padding=1)}

    return forward


def layer(**parameters):
    return {"x": images(IMAGES, INPUTS, HEIGHT, WIDTH)} | parameters


def weights(edges=True):
    return latent(OUTPUTS, INPUTS, 3, 3, edges=edges)


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
    block(recorder, "block/tbn", m.tbn_block, tensors, settings, threshold=start)


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


def normalised(channels, name="bn"):
    weight = around(channels, middle=1)
    weight[0] = -weight[0]
    return {f"{name}.weight": weight, f"{name}.bias": around(channels)}


def downsampling(kind):
    if kind == "same":
        return {}
    return {"shortcut.weight": around(6, 4, 1, 1)} | normalised(6, "shortcut.bn")


def block(recorder, name, forward, tensors, settings=None, threshold=None):
    """A block in training mode, its running statistics, and its output in evaluation mode."""
    norms = {key.removesuffix(".bias"): x for key, x in tensors.items() if key.endswith(".bias")}

    def run(t):
        dtype = t["x"].dtype
        statistics = {"training": True}
        for norm, bias in norms.items():
            statistics[f"{norm}.running_mean"] = torch.zeros(bias.shape, dtype=dtype)
            statistics[f"{norm}.running_var"] = torch.ones(bias.shape, dtype=dtype)
        if threshold is not None:
            statistics["running_threshold"] = torch.tensor(threshold, dtype=dtype)
        output = forward(t, statistics)
        # In no way part of what is differentiated.
        recorded, tape.values = tape.values, []
        replays, tape.replays = tape.replays, False
        statistics["training"] = False
        with torch.no_grad():
            evaluation = forward(t, statistics)
        tape.values, tape.replays = recorded, replays
        del statistics["training"]
        return statistics | {"output": output, "evaluation": evaluation}

    x = around(2, 4, 4, 4, middle=0.1, spread=1.2)
    recorder.record(name, {"x": x} | tensors, run, settings=settings, steps=False)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    here = pathlib.Path(__file__).parent
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=here)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    for position, record in enumerate((xnor, bireal, abc, tbn, reactnet, bonn)):
        torch.manual_seed(SEED + position)
        recorder = Recorder()
        record(recorder)
        recorder.write(folder / f"{record.__name__}.json")


if __name__ == "__main__":
    main()
