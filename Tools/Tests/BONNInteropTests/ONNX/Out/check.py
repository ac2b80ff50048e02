"""Checks an ONNX file against the values of every node of its model: check.py MODEL.onnx VALUES.safetensors NODES.json

NODES.json: a list of {"name", "inputs", "exact"}. Each node is cut out of the file and run by ONNX Runtime, with its
default optimizations, on the expected values of its inputs; the whole file then on the image. Prints the largest relative
difference of the logits.
"""
import json, sys
import numpy as np, onnx, onnxruntime
from onnx import helper
from safetensors.numpy import load_file

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
values, plan = load_file(sys.argv[2]), json.load(open(sys.argv[3]))
graph = model.graph
producers = {node.output[0]: node for node in graph.node}
constants = {tensor.name: tensor for tensor in graph.initializer}
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.intra_op_num_threads = 1


def run(proto, feeds):
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0]


def cut(inputs, output):
    needed, nodes, used, stack = set(), [], [], [output]
    while stack:
        name = stack.pop()
        if name in inputs or name in needed:
            continue
        needed.add(name)
        if name in constants:
            used.append(constants[name])
        else:
            stack += producers[name].input
    nodes = [node for node in graph.node if node.output[0] in needed]
    shapes = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, value.shape) for name, value in inputs.items()]
    result = helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
    return helper.make_model(
        helper.make_graph(nodes, "cut", shapes, [result], used), opset_imports=model.opset_import, ir_version=model.ir_version)


source, output = graph.input[0], graph.output[0].name
names = {name: name for name in values}
names[output] = output + ".nchw"
if source.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
    names[source.name] += ".float"
for node in plan:
    inputs = {names[name]: values[name] for name in node["inputs"]}
    found, expected = run(cut(inputs, names[node["name"]]), inputs), values[node["name"]]
    assert found.shape == expected.shape, (node, found.shape, expected.shape)
    if node["exact"]:
        assert np.array_equal(found, expected), (node, np.argwhere(found != expected)[:3], found.size)
    else:
        size = max(1, np.abs(expected).max())
        assert np.abs(found - expected).max() <= 2e-5 * size, (node, np.abs(found - expected).max(), size)
image = values[source.name]
if source.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
    image = image.astype(np.uint8)
logits = run(model, {source.name: image})
two = run(model, {source.name: np.concatenate([image, image])})
expected = values[output].reshape(1, -1)
assert two.shape == (2, expected.shape[1]) and logits.shape == expected.shape, (two.shape, logits.shape)
print(float(np.abs(logits - expected).max() / max(1e-30, np.abs(expected).max())), int(logits.argmax() == expected.argmax()))
