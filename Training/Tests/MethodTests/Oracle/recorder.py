"""What the files of methods/ record with: tensors that meet every edge, cases, and their JSON.

A file NAME.json maps the name of a case to
    kind          quantizer, block, objective or steps: which test reads it
    recipe        lines of a recipe, as after --set: method.name and keys that differ from its defaults
    phase, epoch, epochs, seed
                  of the pass: training or evaluation, where the run is, what the generator starts from
    plan          pieces of a plan (`PLAN` below), with `outputs`, `stride` and `classes`
    inputs        tensors before the step: x [N, C, H, W], labels [N], g of the size of output, and parameters
                  and buffers under their names in a checkpoint, such as `layer.weight`
    results       what the forward pass gives; names with a dot are buffers after it
    gradients     of loss = sum(output * g), or of the output where there is no g, for x and each parameter
    sgd, adam     parameters after each step of torch.optim.SGD(lr 0.05, momentum 0.9) and Adam(lr 0.01)
    batches, states
                  of `steps`: the x and labels of each step, and parameters and buffers after it
    step_epochs, steps_per_epoch
                  of `steps`: where each of them is in a run
where a tensor is {"shape": [...], "values": [...]}, row-major; each number reads back as the same float32,
directly or by way of a double. `without_quantizer` in the place of cases says why a method has none.

The test sets all parameters that a case names, and insists that no other one has a gradient. x holds both
sides of every edge of every slope, and the edges (0, -0, 1, -1, 0.5 ...) exactly; anything else keeps 1e-5
away from them, so that no order of summation decides on a side: a case is drawn again until it does.
"""

import json
import zlib

import numpy as np
import torch
from straight_through import NearEdge, check_gradients, tape

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 2.5]
PLAN = ("block", "unit", "layer", "linear", "average_pool", "flatten", "quantize", "head")
ATTEMPTS = 200


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


def single(filters=3, **parameters):
    """The tensors of a quantizer's case: x, latent weights and what else the layer or its sign has."""
    x, weight = images(2, 2, 4, 4), latent(filters, 2, 3, 3)
    return {"x": x, "layer.weight": weight} | parameters


def small(*shape):
    """Images of a block's case."""
    return around(*(shape or (2, 4, 4, 4)), middle=0.1, spread=1.2)


def normalised(channels, name):
    """A batch norm with a negative gamma."""
    weight = around(channels, middle=1)
    weight[0] = -weight[0]
    return {f"{name}.weight": weight, f"{name}.bias": around(channels)}


def downsampling(kind, inputs=4, outputs=6):
    """The shortcut of a block: none where its `kind` is "same"."""
    if kind == "same":
        return {}
    weight = around(outputs, inputs, 1, 1)
    return {"block.shortcut.convolution.weight": weight} | normalised(
        outputs, "block.shortcut.norm"
    )


class Recorder:
    """The cases of one method.

    Arguments that all kinds have:
        name: of the case; its random numbers follow from it and the method's name alone.
        tensors: draws the inputs by name.
        forward: maps them to results by name, `output` among them.
        settings: keys of the method, or whole ones with a dot ("losses.feature"), and their values.
        progress: the share of the epochs that are done, in hundredths.
        seed: of the generator that a pass draws from.
        buffers: inputs that are no parameters.
        still: parameters that finite differences leave where they are.
        is_smooth: whether gradients are derivatives of something, which is then checked.
    """

    def __init__(self, method):
        self.method, self.cases, self.why = method, {}, None

    def has_no_quantizer(self, why):
        self.why = why

    def quantizer(
        self, name, tensors, forward, *, settings=None, phase="training", progress=0.0, seed=None,
        buffers=(), still=(), is_smooth=True, constrain=None, rate=1.0, steps=True,
        refuses_deployment=None,
    ):  # fmt: skip
        """x -> activation quantizer -> 3x3 convolution, zeros as padding, with the quantized kernel.

        Results are `activation`, `kernel` and `output`, and where evaluation after the pass differs
        `evaluated_activation` or `evaluated_kernel`. Parameters are those of `layer` and `sign`.

        Args:
            constrain: maps parameters by name to what they become after an update.
            rate: what updates of the latent weights are multiplied by, where the method holds them in
                units of it: these are what is written.
            refuses_deployment: words of the message with which a quantizer cannot be deployed.
        """
        self.begin(name, "quantizer", settings, progress, seed)
        entry = {"phase": phase}
        if refuses_deployment:
            entry["refuses_deployment"] = refuses_deployment

        def case():
            found = self.run(tensors(), forward, buffers, still, is_smooth)
            if steps:
                found |= self.optimised(found, forward, constrain, rate)
            for part in (found["inputs"], *found.get("sgd", ()), found.get("adam", {})):
                if rate != 1:
                    part["layer.weight"] = part["layer.weight"] / rate
            return found

        self.add(entry, case)

    def block(
        self, name, tensors, forward, *, plan=("block",), outputs=None, stride=1, classes=None,
        settings=None, progress=0.0, seed=None, buffers=(), still=(), is_smooth=True, steps=False,
        constrain=None,
    ):  # fmt: skip
        """A piece of a network in training, its running statistics, and its output in evaluation with them.

        Args:
            forward: gets the tensors and statistics by name, which it changes where
                `statistics["training"]`; gives the output.
            plan: pieces of the network, in order: "block" and "unit" are those of the method's style,
                named `block` and `block.0`, with 3x3 convolutions; "layer" is a quantizer `sign` and a
                quantized 3x3 convolution `layer`, "linear" the same with a fully connected layer;
                "average_pool" has windows 2x2, "flatten" leaves the numbers as they are, "quantize" is named
                `next`, "head" ends a network.
        """
        self.begin(name, "block", settings, progress, seed)

        def run(t):
            dtype, statistics = t["x"].dtype, Statistics(t["x"].dtype)
            for key in buffers:
                statistics[key] = t[key].to(dtype)
            statistics["training"] = True
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

        def case():
            found = self.run({"x": small()} | tensors(), run, buffers, still, is_smooth)
            return found | (self.optimised(found, run, constrain) if steps else {})

        self.add(self.plan(plan, outputs, stride, classes), case)

    def objective(
        self, name, tensors, forward, *, plan=("layer",), outputs=3, stride=1, classes=None,
        settings=None, progress=0.0, seed=None, buffers=(), still=(), is_smooth=True,
    ):  # fmt: skip
        """The sum of the terms of the loss that the method brings along, or that a recipe asks for beside
        the classification, in a network (`plan` of `block`); `forward` gives the sum. x and labels are
        there anyway where the tensors have none; where the loss follows from parameters alone, x says
        only how large images are.
        """
        self.begin(name, "objective", settings, progress, seed)

        def case():
            given = tensors()
            if "x" not in given:
                given["x"] = small(2, given["layer.weight"].shape[1], 4, 4)
            given.setdefault("labels", torch.zeros(len(given["x"])))
            names = ("labels", *buffers)
            return self.run(
                given, lambda t: {"output": forward(t)}, names, still, is_smooth, is_loss=True
            )

        self.add(self.plan(plan, outputs, stride, classes), case)

    def steps(
        self, name, tensors, loop, *, batches, plan=("layer", "head"), outputs=3, stride=1, classes=3,
        settings=None, epochs=None, per_epoch=1, seed=None,
    ):  # fmt: skip
        """Whole steps of training as a plain loop takes them, with all that the method does to a step.

        Args:
            tensors: draws parameters and buffers at the start.
            loop: gets tensors and batches, yields for each batch the sum of the losses before the update
                and the tensors by name after it; names that it leaves out are not compared.
            batches: draws a list of (x, labels), labels [N] of int64.
            settings: those of the optimizer too, such as "optimizer.name"; momentum, weight decay and the
                losses beside the classification are 0 unless they are set.
            epochs: the epoch of each step; the run has one more than the last of them. All 0 unless given.
            per_epoch: how many steps an epoch has, where a step's place in it counts; epochs follow from it.
        """
        usual = {
            "optimizer.momentum": 0, "optimizer.nesterov": False, "optimizer.weight_decay": 0,
            "losses.feature": 0, "losses.kernel": 0,
        }  # fmt: skip
        self.begin(name, "steps", usual | (settings or {}), 0.0, seed)

        def case():
            start, data = tensors(), batches()
            entry = {"inputs": {key: x.clone() for key, x in start.items()}}
            entry["batches"] = [{"x": x, "labels": y.float()} for x, y in data]
            entry["states"], entry["losses"] = [], []
            tape.values.clear()
            for loss, state in loop({key: x.clone() for key, x in start.items()}, data):
                entry["losses"].append(float(loss))
                entry["states"].append({key: x.detach().clone() for key, x in state.items()})
            assert len(entry["states"]) == len(data), "a loop yields once for each batch"
            return entry

        entry = self.plan(plan, outputs, stride, classes)
        if epochs:
            entry["step_epochs"] = list(epochs)
        if per_epoch > 1:
            assert not epochs, "epochs follow from the steps of each"
            entry["steps_per_epoch"] = per_epoch
        self.add(entry, case)

    # What the kinds have in common.

    def begin(self, name, kind, settings, progress, seed):
        assert name not in self.cases, f"two cases are named {name}"
        recipe = {"method.name": self.method}
        for key, value in (settings or {}).items():
            written = json.dumps(value) if isinstance(value, bool) else str(value)
            recipe[key if "." in key else f"method.{key}"] = written
        self.name = name
        self.cases[name] = {"kind": kind, "recipe": recipe}
        epoch = round(100 * progress)
        assert abs(epoch - 100 * progress) < 1e-9, "progress comes in hundredths"
        if epoch:
            self.cases[name] |= {"epoch": epoch, "epochs": 100}
        if seed is not None:
            self.cases[name]["seed"] = seed

    def plan(self, pieces, outputs, stride, classes):
        assert all(piece in PLAN for piece in pieces), pieces
        entry = {"plan": list(pieces), "outputs": outputs, "stride": stride, "classes": classes}
        return {key: value for key, value in entry.items() if value is not None}

    def add(self, entry, case):
        """Draws a case until nothing in it lies near an edge."""
        self.cases[self.name] |= entry
        for attempt in range(ATTEMPTS):
            torch.manual_seed(zlib.crc32(f"{self.method}/{self.name}/{attempt}".encode()))
            tape.values, tape.replays = [], False
            try:
                self.cases[self.name] |= case()
                break
            except NearEdge as edge:
                near = edge
        else:
            raise AssertionError(f"{self.name}: no numbers off all edges; {near}")
        if self.cases[self.name].get("plan") and "outputs" not in self.cases[self.name]:
            inputs = self.cases[self.name]["inputs"]
            for weight in [inputs[key] for key in WEIGHTS if key in inputs][:1]:
                self.cases[self.name]["outputs"] = weight.shape[0]

    def run(self, inputs, forward, buffers, still, is_smooth, is_loss=False):
        inputs = {key: x.clone() for key, x in inputs.items()}
        if not is_loss and "g" not in inputs:
            inputs["g"] = torch.randn(forward(inputs)["output"].shape)
        names = [key for key in inputs if key not in ("g", *buffers)]
        results, gradients = evaluate(inputs, forward, names)
        if is_smooth:
            check(inputs, forward, [key for key in gradients if key not in still])
        return {"inputs": inputs, "results": results, "gradients": gradients}

    def optimised(self, found, forward, constrain, rate=1.0):
        for key, x in found["gradients"].items():
            if key != "x" and ((x != 0) & (x.abs() <= 1e-5)).any():
                raise NearEdge("rounding decides Adam's step")
        return {
            "sgd": train(found, forward, constrain, rate, 2, torch.optim.SGD, lr=0.05, momentum=0.9),
            "adam": train(found, forward, constrain, rate, 1, torch.optim.Adam, lr=0.01)[0],
        }

    def write(self, path):
        value = self.cases
        if self.why:
            value = {"without_quantizer": self.why} | value
        path.write_text(text(value) + "\n", encoding="utf-8")


WEIGHTS = ("block.0.convolution.weight", "layer.weight", "block.0.linear.weight")


class Statistics(dict):
    """Running statistics by name: means of 0 and variances of 1 before the first batch."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def batch_norm(self, name, channels):
        self.setdefault(f"{name}.running_mean", torch.zeros(channels, dtype=self.dtype))
        self.setdefault(f"{name}.running_var", torch.ones(channels, dtype=self.dtype))
        return self[f"{name}.running_mean"], self[f"{name}.running_var"]


def evaluate(inputs, forward, names):
    """Results, and the gradients of those of `names` that have one."""
    leaves = {key: x.clone() for key, x in inputs.items()}
    for key in names:
        leaves[key].requires_grad_()
    tape.values.clear()
    results = forward(leaves)
    output = results["output"]
    loss = (output * leaves["g"]).sum() if "g" in leaves else output
    if loss.requires_grad:
        loss.backward()
    gradients = {key: leaves[key].grad for key in names if leaves[key].grad is not None}
    return {key: x.detach() for key, x in results.items()}, gradients


def train(found, forward, constrain, rate, count, optimiser, **options):
    """The parameters after each of `count` steps."""
    tensors = {key: x.clone() for key, x in found["inputs"].items()}
    names = [key for key in found["gradients"] if key != "x"]
    leaves, after = {key: torch.nn.Parameter(tensors[key]) for key in names}, []
    groups = [{"params": [x for key, x in leaves.items() if rate == 1 or key != "layer.weight"]}]
    if rate != 1:
        groups.append({"params": [leaves["layer.weight"]], "lr": rate * options["lr"]})
    update = optimiser([group for group in groups if group["params"]], **options)
    for _ in range(count):
        tensors |= {key: x.detach() for key, x in leaves.items()}
        _, gradients = evaluate(tensors, forward, names)
        for key, x in leaves.items():
            x.grad = gradients[key]
        update.step()
        if constrain:
            with torch.no_grad():
                for key, x in constrain({key: x.detach() for key, x in leaves.items()}).items():
                    leaves[key].copy_(x)
        after.append({key: x.detach().clone() for key, x in leaves.items()})
    return after


def check(inputs, forward, names):
    """Finite differences near the case's point, off every edge."""
    fixed = {key: x.double() for key, x in inputs.items()}
    for _ in range(100):
        points = {key: fixed[key] + 0.01 * torch.randn(fixed[key].shape) for key in names}

        def loss(t):
            output = forward(fixed | t)["output"]
            return (output * fixed["g"]).sum() if "g" in fixed else output

        try:
            return check_gradients(loss, points)
        except NearEdge:
            continue
    raise AssertionError("no point off all edges")


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
    assert x.dtype == np.float32 and np.isfinite(x), x
    # Some readers take -0 for a whole number, which has no sign.
    decimal = "-0.0" if x == 0 and np.signbit(x) else str(x).removesuffix(".0")
    for back in (np.float32(decimal), np.float32(float(decimal))):
        assert back.tobytes() == x.tobytes(), decimal
    return decimal
