"""Checks an OpenVINO IR against the values of every node of its model: check.py MODEL.xml VALUES.safetensors NODES.json

NODES.json: a list of {"name", "inputs", "exact", "tolerance", "compiled"}. Each node is cut out of the graph and run by the CPU plugin, in
float32, on the expected values of its inputs; the whole graph then on the image. Prints the largest
relative difference of the logits.
"""
import json, sys
import numpy as np, openvino as ov
from safetensors.numpy import load_file

core = ov.Core()
values, plan = load_file(sys.argv[2]), json.load(open(sys.argv[3]))
settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}


def binary_layers(compiled):
    kinds = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    kinds = [(kind["layerType"].value, kind["primitiveType"].value) for kind in kinds if "layerType" in kind]
    return [primitive for layer, primitive in kinds if layer == "BinaryConvolution"]


def cut(inputs, output):
    graph = core.read_model(sys.argv[1])
    operations = {operation.get_friendly_name(): operation for operation in graph.get_ops()}
    parameters = []
    for name in inputs:
        parameter = ov.opset8.parameter(list(values[name].shape), np.float32, name="cut")
        for target in operations[name].output(0).get_target_inputs():
            target.replace_source_output(parameter.output(0))
        parameters.append(parameter)
    return ov.Model([operations[output].output(0)], parameters)


# OpenVINO reads only what leads to the output.
needed = {core.read_model(sys.argv[1]).outputs[0].get_any_name()}
for node in reversed(plan):
    if node["name"] in needed:
        needed.update(node["inputs"])
plan = [node for node in plan if node["name"] in needed]
for node in plan:
    inputs = list(dict.fromkeys(node["inputs"]))
    compiled = core.compile_model(cut(inputs, node["name"]), "CPU", settings)
    layers = binary_layers(compiled)
    assert len(layers) == node["compiled"], (node, layers)
    assert all(layer.startswith("jit") for layer in layers), (node, layers)
    found, expected = compiled([values[name] for name in inputs])[0], values[node["name"]]
    assert found.shape == expected.shape, (node, found.shape, expected.shape)
    if node["exact"]:
        assert np.array_equal(found, expected), (node, np.argwhere(found != expected)[:3], found.size, np.abs(found - expected).max())
    else:
        size = max(1, np.abs(expected).max())
        assert np.abs(found - expected).max() <= float(node["tolerance"]) * size, (node, np.abs(found - expected).max(), size)
model = core.read_model(sys.argv[1])
compiled = core.compile_model(model, "CPU", settings)
layers = binary_layers(compiled)
assert len(layers) <= sum(node["compiled"] for node in plan) and all(layer.startswith("jit") for layer in layers), layers
source = compiled.inputs[0]
image = values[source.get_any_name()].astype(source.get_element_type().to_dtype())
output = model.outputs[0].get_any_name()
logits = compiled([image])[0]
expected = values[output].reshape(1, -1)
assert logits.shape == expected.shape, logits.shape
print(float(np.abs(logits - expected).max() / max(1e-30, np.abs(expected).max())), int(logits.argmax() == expected.argmax()))
