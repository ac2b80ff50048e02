"""Writes networks as others export them: networks.py FOLDER

Of each: NAME.onnx and NAME.safetensors with images and the logits of ONNX Runtime for them; and cases.json, a list of
what is expected: {"name", "bit_layers", "sign_zero", "input_size"}. PyTorch networks come from its own exporter; graphs
as tf2onnx and QONNX write them are put together here, from their published forms.
"""
import io, json, pathlib, sys, warnings
import numpy as np, onnx, onnxruntime, torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from torch import nn

warnings.filterwarnings("ignore")
folder, cases = pathlib.Path(sys.argv[1]), []
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.intra_op_num_threads = 1
# Fused operations round otherwise; what is compared is what the graph says.
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


def keep(name, model, bit_layers, shape, oracle=None, images=4, **expected):
    """Writes a model, and the logits of the model that ONNX Runtime has operators for."""
    oracle = oracle or model
    onnx.checker.check_model(oracle, full_check=True)
    random = np.random.default_rng(len(cases))
    inputs = random.standard_normal((images, *shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(oracle.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = session.get_inputs()[0].name
    logits = np.concatenate([session.run(None, {feed: image[None]})[0] for image in inputs])
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    if len(shape) == 3 and expected.pop("channels_last", False):
        inputs = inputs.transpose(0, 3, 1, 2).copy()
    save_file({"images": inputs.reshape(images, -1), "logits": logits}, folder / f"{name}.safetensors")
    cases.append({"name": name, "bit_layers": bit_layers, "sign_zero": None, "input_size": None, **expected})


# Signs as networks write them.
def where(x):
    return torch.where(x >= 0, 1.0, -1.0)


def greater(x):
    return (x > 0).float() * 2 - 1


def below(x):
    return torch.where(x < 0, -torch.ones(1), torch.ones(1))


def straight_through(x):
    clipped = torch.clamp(x, -1, 1)
    return torch.sign(x).detach() - clipped.detach() + clipped


class Block(nn.Module):
    def __init__(self, channels, sign, pad=0, scaled=True):
        super().__init__()
        self.norm, self.prelu = nn.BatchNorm2d(channels), nn.PReLU(channels)
        self.weight = nn.Parameter(torch.randn(channels, channels, 3, 3))
        self.sign, self.pad, self.scaled = sign, pad, scaled

    def forward(self, x):
        bits = self.sign(x)
        weight = torch.sign(self.weight)
        if self.scaled:
            weight = weight * self.weight.abs().mean((1, 2, 3), keepdim=True)
        if self.sign is straight_through:
            clipped = torch.clamp(self.weight, -1, 1)
            weight = weight.detach() - clipped.detach() + clipped
        padded = F.pad(bits, (1, 1, 1, 1), value=self.pad) if self.pad else bits
        sums = F.conv2d(padded, weight, padding=0 if self.pad else 1)
        return self.prelu(self.norm(sums) + x)


class Network(nn.Module):
    def __init__(self, sign, head, pad=0, scaled=True):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.MaxPool2d(2))
        self.blocks = nn.Sequential(Block(24, sign, pad, scaled), Block(24, sign, pad, scaled))
        self.head = head

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


class View(nn.Module):
    def forward(self, x):
        return x.view(x.size(0), -1)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(24, 6, 1), nn.Conv2d(6, 24, 1)

    def forward(self, x):
        gate = self.excite(F.leaky_relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)), 0.1)).sigmoid()
        small = F.avg_pool2d(x * gate, 3, 2, 1, count_include_pad=False)
        return torch.cat([small, F.max_pool2d(x, 2, 2).abs(), F.hardtanh(F.avg_pool2d(x, 2))], 1)


def torch_model(network, opset, side=32, **arguments):
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(-1, 2)
            module.bias.data.uniform_(-0.5, 0.5)
    file = io.BytesIO()
    torch.onnx.export(network, torch.zeros(1, 3, side, side), file, dynamo=False, opset_version=opset, **arguments)
    return onnx.load_from_string(file.getvalue())


torch.manual_seed(1)
rows = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24 * 16, 10))
image = (3, 32, 32)
keep("where", torch_model(Network(where, rows), 13), 2, image)
means = nn.Sequential(nn.AdaptiveAvgPool2d(1), View(), nn.Linear(24, 10))
dynamic = dict(input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})
keep("greater", torch_model(Network(greater, means, scaled=False), 11, **dynamic), 2, image)
keep("unfolded", torch_model(Network(below, means), 9, do_constant_folding=False), 2, image)
spatial = nn.Sequential(Mean(), nn.Dropout(0.2), nn.Linear(24, 10, bias=False))
open_sides = dict(input_names=["x"], dynamic_axes={"x": {0: "N", 2: "H", 3: "W"}})
keep("sign", torch_model(Network(straight_through, spatial), 18, **open_sides), 2, image,
     sign_zero="plus", input_size=[32, 32])
keep("plus_one", torch_model(Network(where, rows, pad=1), 17), 2, image)
keep("minus_one", torch_model(Network(where, rows, pad=-1, scaled=False), 10), 2, image)
gated = nn.Sequential(Gated(), nn.Flatten(), nn.Linear(3 * 24 * 16, 10))
keep("gated", torch_model(Network(where, gated), 20), 2, image)
ceil = nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True), nn.Flatten(), nn.Linear(24 * 16, 10))
keep("ceil", torch_model(Network(below, ceil), 12), 2, image)


class BitHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(24 * 16, 10)
        self.linear.weight.data.sign_()

    def forward(self, x):
        return self.linear(F.max_pool2d(where(x), 2).flatten(1))


keep("bit_head", torch_model(Network(where, BitHead()), 15), 3, image)


# Graphs from their nodes.
class Graph:
    def __init__(self, seed):
        self.nodes, self.tensors, self.random = [], [], np.random.default_rng(seed)

    def add(self, operation, *inputs, **attributes):
        output = f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], name=output, **attributes))
        return output

    def tensor(self, values, kind=np.float32):
        name = f"constant_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def norm(self, x, channels):
        parts = [self.random.uniform(0.5, 1.5, channels), self.normal(channels), self.normal(channels),
                 self.random.uniform(0.5, 2, channels)]
        return self.add("BatchNormalization", x, *[self.tensor(part) for part in parts], epsilon=1e-3)

    def model(self, shape, output, opset, classes=10, domains=()):
        ports = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *shape])]
        results = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", classes])]
        graph = helper.make_graph(self.nodes, "network", ports, results, self.tensors)
        imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(domain, 1) for domain in domains]
        return helper.make_model(graph, opset_imports=imports, ir_version=7)


def tensorflow(opset, flat):
    """A Larq network as tf2onnx writes it: channels last at both ends, ste_sign as Sign(Sign(x) + 0.1)."""
    graph = Graph(opset)
    x = graph.add("Transpose", "image", perm=[0, 3, 1, 2])
    x = graph.norm(graph.add("Conv", x, graph.tensor(graph.normal(16, 3, 3, 3)), auto_pad="SAME_UPPER",
                             strides=[2, 2], kernel_shape=[3, 3]), 16)
    for _ in range(2):
        sign = graph.add("Sign", graph.add("Add", graph.add("Sign", x), graph.tensor(0.1)))
        pads = [0, 0, 1, 1, 0, 0, 1, 1]
        if opset < 11:
            padded = graph.add("Pad", sign, pads=pads, value=1.0)
        else:
            padded = graph.add("Pad", sign, graph.tensor(pads, np.int64), graph.tensor(1.0))
        kernel = graph.tensor(np.where(graph.normal(16, 16, 3, 3) >= 0, 1, -1))
        x = graph.norm(graph.add("Conv", padded, kernel, kernel_shape=[3, 3]), 16)
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")
    x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    if flat:
        x = graph.add("Reshape", x, graph.tensor([-1, 4 * 4 * 16], np.int64))
        x = graph.add("Mul", x, graph.tensor(graph.normal(4 * 4 * 16)))
    else:
        x = graph.add("ReduceMean", x, axes=[1, 2], keepdims=0)
    x = graph.add("MatMul", x, graph.tensor(graph.normal(256 if flat else 16, 10)))
    x = graph.add("Add", x, graph.tensor(graph.normal(10)))
    oracle = graph.model((16, 16, 3), x, opset)
    return graph.model((16, 16, 3), graph.add("Softmax", x, axis=1), opset), oracle


for name, opset, flat in [("tensorflow", 13, True), ("tensorflow_mean", 9, False)]:
    model, oracle = tensorflow(opset, flat)
    keep(name, model, 2, (16, 16, 3), oracle, channels_last=True)


def brevitas(quantizer, domains=()):
    """A Brevitas network as QONNX has it; the quantizer is its node, or what it means in ONNX's own operators."""
    graph = Graph(7)
    x = graph.norm(graph.add("Conv", "image", graph.tensor(graph.normal(20, 3, 3, 3)), pads=[1] * 4), 20)
    for scale in (1.0, 0.5):
        bits = quantizer(graph, x, graph.tensor(scale))
        weight = quantizer(graph, graph.tensor(graph.normal(20, 20, 3, 3)), graph.tensor(0.125))
        x = graph.norm(graph.add("Conv", bits, weight, pads=[1] * 4), 20)
    bits = quantizer(graph, graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), graph.tensor(0.25))
    flat = graph.add("Flatten", bits)
    weight = graph.add("Transpose", quantizer(graph, graph.tensor(graph.normal(10, 500)), graph.tensor(0.1)), perm=[1, 0])
    x = graph.add("Div", graph.add("MatMul", flat, weight), graph.tensor(3.0))
    return graph.model((3, 10, 10), x, 13, domains=domains)


def bipolar(graph, x, scale):
    return graph.add("BipolarQuant", x, scale, domain="qonnx.custom_op.general")


def spelled_out(graph, x, scale):
    high = graph.add("GreaterOrEqual", x, graph.tensor(0.0))
    return graph.add("Mul", graph.add("Where", high, graph.tensor(1.0), graph.tensor(-1.0)), scale)


keep("brevitas", brevitas(bipolar, ["qonnx.custom_op.general"]), 3, (3, 10, 10), brevitas(spelled_out))
(folder / "cases.json").write_text(json.dumps(cases))
