"""Records what PyTorch computes, for TorchTests: writes operations.json and training.json here.

    python record.py

Needs torch and nothing else. Recorded with the version in Training/requirements.txt, which both
files name. The Swift side of each operation is in OperationCases.swift, under the same name.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

SEED = 20190725


def ramp(shape, salt=0):
    """A fixed pattern of multiples of 1/6 between -1 and 1; Golden.swift has the same."""
    count = math.prod(shape)
    return torch.tensor([((i + salt) * 7919 % 13 - 6) / 6 for i in range(count)]).reshape(shape)


def plain(tensor):
    """A tensor as JSON: nine digits give a float32 back exactly."""
    tensor = tensor.detach()
    if tensor.dtype.is_floating_point:
        values = [float(f"{v:.9g}") for v in tensor.flatten().tolist()]
    else:
        values = [int(v) for v in tensor.flatten().tolist()]
    return {"dtype": str(tensor.dtype).split(".")[1], "shape": list(tensor.shape), "values": values}


def pool():
    """The inputs, shared by all operations."""
    draw = torch.Generator().manual_seed(SEED)
    normal = lambda *shape: torch.randn(shape, generator=draw)
    return {
        "x": normal(2, 3),
        "y": normal(2, 3),
        "positive": normal(2, 3).abs() + 0.5,
        "row": normal(3),
        "square": normal(3, 3),
        "cube": normal(2, 3, 4),
        "condition": torch.tensor([[True, False, True], [False, False, True]]),
        "index": torch.tensor([1, 0, 1]),
        "picks": torch.tensor([[2, 0], [1, 1]]),
        "image": normal(2, 4, 5, 5),
        "kernel": normal(6, 4, 3, 3),
        "grouped_kernel": normal(6, 2, 3, 3),
        "kernel_bias": normal(6),
        "matrix": normal(5, 3),
        "matrix_bias": normal(5),
        "channel_weight": normal(4),
        "channel_bias": normal(4),
        "running_mean": normal(4),
        "running_variance": normal(4).abs() + 0.5,
        "slope": torch.tensor([0.25]),
        "channel_slope": normal(4),
        "logits": normal(3, 4),
        "classes": torch.tensor([3, 0, 2]),
        "probabilities": torch.softmax(normal(3, 4), 1),
        "class_weights": normal(4).abs() + 0.25,
    }


def normalised(training):
    def run(x, weight, bias, mean, variance):
        mean, variance = mean.clone(), variance.clone()
        y = F.batch_norm(x, mean, variance, weight, bias, training, 0.1, 1e-5)
        return y, mean, variance
    return run


def dropped(x):
    draw = torch.Generator().manual_seed(11)
    return x * (torch.empty_like(x).bernoulli_(0.75, generator=draw) / 0.75)


def seeded(sample):
    return lambda: sample(torch.Generator().manual_seed(7))


# name: (function, inputs)
OPERATIONS = {
    "neg": (lambda x: -x, "x"),
    "abs": (torch.abs, "x"),
    "sqrt": (torch.sqrt, "positive"),
    "rsqrt": (torch.rsqrt, "positive"),
    "exp": (torch.exp, "x"),
    "log": (torch.log, "positive"),
    "square": (torch.square, "x"),
    "sin": (torch.sin, "x"),
    "cos": (torch.cos, "x"),
    "tanh": (torch.tanh, "x"),
    "sigmoid": (torch.sigmoid, "x"),
    "relu": (torch.relu, "x"),
    "floor": (torch.floor, "x"),
    "round": (torch.round, "x"),
    "isFinite": (lambda x: torch.isfinite(x.sqrt()), "x"),
    "sign": (lambda x: torch.where(x >= 0, 1.0, -1.0), "x"),
    "add": (lambda a, b: a + b, "x y"),
    "sub": (lambda a, b: a - b, "x row"),
    "mul": (lambda a, b: a * b, "x y"),
    "div": (lambda a, b: a / b, "x positive"),
    "add scalar": (lambda a: a + 1.5, "x"),
    "sub scalar": (lambda a: a - 1.5, "x"),
    "mul scalar": (lambda a: a * 1.5, "x"),
    "div scalar": (lambda a: a / 1.5, "x"),
    "scalar add": (lambda a: 1.5 + a, "x"),
    "scalar sub": (lambda a: 1.5 - a, "x"),
    "scalar mul": (lambda a: 1.5 * a, "x"),
    "scalar div": (lambda a: 1.5 / a, "positive"),
    "integer add scalar": (lambda a: a + 1.5, "index"),
    "pow": (torch.pow, "positive y"),
    "pow scalar": (lambda a: a**2.5, "positive"),
    "maximum": (torch.maximum, "x y"),
    "minimum": (torch.minimum, "x y"),
    "clamp": (lambda x: x.clamp(-0.5, 0.75), "x"),
    "clamp below": (lambda x: x.clamp(min=-0.5), "x"),
    "clamp above": (lambda x: x.clamp(max=0.75), "x"),
    "ge": (torch.ge, "x y"),
    "gt": (torch.gt, "x y"),
    "le": (torch.le, "x y"),
    "lt": (torch.lt, "x y"),
    "eq": (lambda x: torch.eq(x, x.abs()), "x"),
    "ge scalar": (lambda x: x >= 0.25, "x"),
    "gt scalar": (lambda x: x > 0.25, "x"),
    "le scalar": (lambda x: x <= 0.25, "x"),
    "lt scalar": (lambda x: x < 0.25, "x"),
    "eq scalar": (lambda x: x == 1, "index"),
    "where": (torch.where, "condition x y"),
    "matmul": (torch.matmul, "x square"),
    "matmul batched": (torch.matmul, "square cube"),
    "sum": (torch.sum, "cube"),
    "sum dims": (lambda x: x.sum([0, 2]), "cube"),
    "sum dims keep": (lambda x: x.sum([-1], keepdim=True), "cube"),
    "mean": (torch.mean, "cube"),
    "mean dims": (lambda x: x.mean([1, 2]), "cube"),
    "variance": (lambda x: x.var([0, 2]), "cube"),
    "variance biased keep": (lambda x: x.var([1], correction=0, keepdim=True), "cube"),
    "amax": (lambda x: x.amax([0, 2]), "cube"),
    "amin": (lambda x: x.amin([1], keepdim=True), "cube"),
    "norm": (torch.linalg.vector_norm, "cube"),
    "argmax": (lambda x: x.argmax(1), "cube"),
    "topk": (lambda x: tuple(x.topk(2, 1)), "cube"),
    "softmax": (lambda x: x.softmax(1), "cube"),
    "logSoftmax": (lambda x: x.log_softmax(-1), "cube"),
    "reshape": (lambda x: x.reshape(4, -1), "cube"),
    "view": (lambda x: x.view(6, 4), "cube"),
    "expand": (lambda x: x.expand(2, 3), "row"),
    "permute": (lambda x: x.permute(2, 0, 1), "cube"),
    "transpose": (lambda x: x.transpose(0, -1), "cube"),
    "flip": (lambda x: x.flip([0, 2]), "cube"),
    "flatten": (lambda x: x.flatten(1), "cube"),
    "unsqueeze": (lambda x: x.unsqueeze(1), "cube"),
    "squeeze": (lambda x: x.unsqueeze(1).squeeze(1).squeeze(0), "cube"),
    "narrow": (lambda x: x.narrow(2, 1, 2), "cube"),
    "select": (lambda x: x.select(1, 2), "cube"),
    "indexSelect": (lambda x, i: x.index_select(0, i), "x index"),
    "gather": (lambda x, i: x.gather(1, i), "x picks"),
    "indexAdd": (lambda x, i, s: x.index_add(0, i, s), "x index square"),
    "cat": (lambda a, b: torch.cat([a, b], 0), "x square"),
    "stack": (lambda a, b: torch.stack([a, b], 1), "x y"),
    "pad": (lambda x: F.pad(x, [1, 2, 0, 1], value=0.5), "image"),
    "pad reflect": (lambda x: F.pad(x, [2, 1, 1, 3], mode="reflect"), "image"),
    "pad replicate": (lambda x: F.pad(x, [2, 1, 1, 3], mode="replicate"), "image"),
    "pad circular": (lambda x: F.pad(x, [2, 1, 1, 3], mode="circular"), "image"),
    "linear": (F.linear, "x matrix matrix_bias"),
    "linear without bias": (F.linear, "cube logits"),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), "image kernel kernel_bias"),
    "conv2d grouped": (lambda x, w: F.conv2d(x, w, padding=2, dilation=2, groups=2),
                       "image grouped_kernel"),
    "batchNorm training": (
        normalised(True), "image channel_weight channel_bias running_mean running_variance"),
    "batchNorm evaluation": (
        normalised(False), "image channel_weight channel_bias running_mean running_variance"),
    "avgPool2d": (lambda x: F.avg_pool2d(x, 2), "image"),
    "avgPool2d ceil": (lambda x: F.avg_pool2d(x, 2, ceil_mode=True), "image"),
    "avgPool2d padded": (
        lambda x: F.avg_pool2d(x, 4, 2, 1, ceil_mode=True, count_include_pad=False), "image"),
    "maxPool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), "image"),
    "maxPool2d ceil": (lambda x: F.max_pool2d(x, 2, ceil_mode=True), "image"),
    "adaptiveAvgPool2d": (lambda x: F.adaptive_avg_pool2d(x, (1, 2)), "image"),
    "prelu": (F.prelu, "image slope"),
    "prelu channels": (F.prelu, "image channel_slope"),
    "leaky relu": (lambda x: F.leaky_relu(x, 0.2), "image"),
    "dropout": (dropped, "cube"),
    "crossEntropy": (F.cross_entropy, "logits classes"),
    "crossEntropy smoothed": (
        lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), "logits classes"),
    "crossEntropy weighted": (
        lambda x, t, w: F.cross_entropy(x, t, weight=w.detach()), "logits classes class_weights"),
    "crossEntropy weighted and smoothed": (
        lambda x, t, w: F.cross_entropy(x, t, weight=w.detach(), label_smoothing=0.2),
        "logits classes class_weights"),
    "crossEntropy probabilities": (F.cross_entropy, "logits probabilities"),
    "normal": (seeded(lambda g: torch.empty(4, 5).normal_(0.5, 2.0, generator=g)), ""),
    "uniform": (seeded(lambda g: torch.empty(7).uniform_(-1.0, 3.0, generator=g)), ""),
    "bernoulli": (seeded(lambda g: torch.empty(9).bernoulli_(0.3, generator=g)), ""),
    "permutation": (seeded(lambda g: torch.randperm(10, generator=g)), ""),
}


def record_operation(function, names, inputs):
    """Outputs, and for each input its gradient of sum(ramp * first output), or null."""
    arguments = []
    for name in names:
        value = inputs[name].clone()
        constant = name.startswith("running")
        arguments.append(value.requires_grad_(value.is_floating_point() and not constant))
    result = function(*arguments)
    outputs = result if isinstance(result, tuple) else (result,)
    gradients = []
    if outputs[0].requires_grad:
        (outputs[0] * ramp(outputs[0].shape)).sum().backward()
        gradients = [None if a.grad is None else plain(a.grad) for a in arguments]
    return {"inputs": names, "outputs": [plain(o) for o in outputs], "gradients": gradients}


class ShiftAdaMax(torch.optim.Optimizer):
    """As BNN's Torch7 code updates: every factor is the nearest power of two."""

    def __init__(self, groups, betas):
        super().__init__(groups, dict(betas=betas))

    @staticmethod
    def nearest_power(z):
        return torch.where(z == 0, z, torch.ldexp(torch.tensor(1.0), torch.log2(z).round()))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            first, second = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["t"] += 1
                state["m"] = first * state["m"] + (1 - first) * p.grad
                largest = torch.maximum(second * state["v"], p.grad.abs())
                state["v"] = self.nearest_power(largest) + 2.0 ** -27
                rate = 2.0 ** round(math.log2(group["lr"] / (1 - first ** state["t"])))
                p -= rate * state["m"] / state["v"]


# name: (optimiser, its settings); both groups use the settings, the second its own rate and decay.
OPTIMISERS = {
    "SGD": (torch.optim.SGD, dict(momentum=0.0), 0.0, 0.0),
    "SGD momentum decay": (torch.optim.SGD, dict(momentum=0.9), 0.01, 0.0),
    "SGD Nesterov decay": (torch.optim.SGD, dict(momentum=0.9, nesterov=True), 0.01, 0.002),
    "Adam": (torch.optim.Adam, dict(betas=(0.9, 0.999), eps=1e-8), 0.0, 0.0),
    "Adam decay": (torch.optim.Adam, dict(betas=(0.8, 0.99), eps=1e-6), 0.05, 0.01),
    "Adam decoupled": (torch.optim.AdamW, dict(betas=(0.9, 0.999), eps=1e-8), 0.05, 0.3),
    "AdaGrad": (torch.optim.Adagrad, dict(eps=1e-10), 0.05, 0.01),
    "AdaDelta": (torch.optim.Adadelta, dict(rho=0.8, eps=1e-6), 0.05, 0.01),
    "RMSProp": (torch.optim.RMSprop, dict(alpha=0.95, eps=1e-8), 0.05, 0.01),
    "AdaMax": (torch.optim.Adamax, dict(betas=(0.8, 0.99), eps=1e-8), 0.05, 0.01),
    "AdaMax shift-based": (ShiftAdaMax, dict(betas=(0.8, 0.99)), 0.0, 0.0),
    "SGD clipped": (torch.optim.SGD, dict(momentum=0.9), 0.01, 0.0),
}
STEPS = 20


def record_optimiser(name, kind, settings, first_decay, second_decay):
    """Three parameters in two groups; the third has no gradient in the first five steps."""
    values = [ramp((4, 3)), ramp((5,), 1), ramp((2, 2, 3, 3), 2)]
    parameters = [torch.nn.Parameter(v) for v in values]
    optimiser = kind([
        dict(params=parameters[:1], lr=0.1, weight_decay=first_decay),
        dict(params=parameters[1:], lr=0.02, weight_decay=second_decay),
    ], **settings)
    trajectory = []
    clipped = name.endswith("clipped")
    for step in range(STEPS):
        for i, p in enumerate(parameters):
            late = i == 2 and step < 5
            p.grad = None if late else 0.5 * p.detach() + ramp(p.shape, 3 * step + i)
        for group, rate in zip(optimiser.param_groups, [0.1, 0.02]):
            group["lr"] = rate * (1 - step / 40)
        if clipped:
            torch.nn.utils.clip_grad_norm_(parameters, 0.9)
        optimiser.step()
        if step % 5 == 4:
            trajectory.append([plain(p) for p in parameters])
    return trajectory


def record_network():
    """A small convolutional network, trained by SGD: its start, its data, its losses, its end."""
    torch.manual_seed(SEED)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1, bias=False), torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(), torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(36, 3))
    images, classes = torch.randn(6, 3, 6, 6), torch.tensor([0, 1, 2, 2, 1, 0])
    start = {k: plain(v) for k, v in network.state_dict().items()}
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    losses = []
    for _ in range(10):
        loss = F.cross_entropy(network(images), classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss)
    return {
        "images": plain(images), "classes": plain(classes), "start": start,
        "losses": plain(torch.stack(losses)),
        "end": {k: plain(v) for k, v in network.state_dict().items()},
    }


def write(name, content):
    path = pathlib.Path(__file__).with_name(name)
    text = json.dumps({"torch": torch.__version__, **content}, separators=(",", ":"))
    # One line for each record keeps differences readable.
    path.write_text(text.replace('},"', '},\n"') + "\n")


def main():
    torch.set_num_threads(1)
    inputs = pool()
    write("operations.json", {
        "pool": {name: plain(value) for name, value in inputs.items()},
        "operations": {
            name: record_operation(function, names.split(), inputs)
            for name, (function, names) in OPERATIONS.items()
        },
    })
    write("training.json", {
        "optimisers": {name: record_optimiser(name, *case) for name, case in OPTIMISERS.items()},
        "network": record_network(),
    })


main()
