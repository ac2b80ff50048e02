"""What record_*.py write with: tensors that meet every edge, cases, and their JSON.

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
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from straight_through import NearEdge, check_gradients, tape

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
        self, name, inputs, forward, *, parameters=None, settings=None, constrain=None, steps=True,
        rate=1.0, still=(), is_smooth=True,
    ):  # fmt: skip
        """Runs a case.

        Args:
            forward: maps tensors by name to results by name, `output` among them.
            parameters: what an optimiser updates; all but x and g unless given.
            constrain: changes parameters before each forward pass.
            steps: whether optimisers act.
            rate: what updates of the latent weights are multiplied by.
            is_smooth: whether gradients are derivatives of something.
            still: parameters that finite differences leave where they are.
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
            entry["sgd"] = self.train(inputs, forward, parameters, constrain, rate, 2, self.sgd)
            entry["adam"] = self.train(inputs, forward, parameters, constrain, rate, 1, self.adam)[0]
            for found in (gradients[key] for key in parameters):
                assert ((found == 0) | (found.abs() > 1e-5)).all(), "rounding decides Adam's step"
        if is_smooth:
            self.check(inputs, forward, [key for key in parameters if key not in still])
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

    def train(self, inputs, forward, parameters, constrain, rate, count, optimiser):
        """The parameters after each of `count` steps."""
        tensors = {key: x.clone() for key, x in inputs.items()}
        leaves = {key: torch.nn.Parameter(tensors[key]) for key in parameters}
        update, after = optimiser(list(leaves.values())), []
        if rate != 1:
            (base,) = update.param_groups
            base["params"] = [x for key, x in leaves.items() if key != "weight"]
            update.add_param_group({"params": [leaves["weight"]], "lr": rate * base["lr"]})
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
    if isinstance(value, list) and value and isinstance(value[0], dict):
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


def layer(shape=(IMAGES, INPUTS, HEIGHT, WIDTH), **parameters):
    return {"x": images(*shape)} | parameters


def weights(edges=True):
    return latent(OUTPUTS, INPUTS, 3, 3, edges=edges)


def normalised(channels, name="bn"):
    weight = around(channels, middle=1)
    weight[0] = -weight[0]
    return {f"{name}.weight": weight, f"{name}.bias": around(channels)}


def downsampling(kind):
    if kind == "same":
        return {}
    return {"shortcut.weight": around(6, 4, 1, 1)} | normalised(6, "shortcut.bn")


def block(recorder, name, forward, tensors, settings=None, buffers=None, still=()):
    """A block in training mode, its running statistics, and its output in evaluation mode."""
    norms = {key.removesuffix(".bias"): x for key, x in tensors.items() if key.endswith(".bias")}

    def run(t):
        dtype = t["x"].dtype
        statistics = {"training": True}
        for norm, bias in norms.items():
            statistics[f"{norm}.running_mean"] = torch.zeros(bias.shape, dtype=dtype)
            statistics[f"{norm}.running_var"] = torch.ones(bias.shape, dtype=dtype)
        for key, value in (buffers or {}).items():
            statistics[key] = torch.tensor(value, dtype=dtype)
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
    recorder.record(name, {"x": x} | tensors, run, settings=settings, steps=False, still=still)
