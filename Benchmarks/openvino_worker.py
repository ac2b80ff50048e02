#!/usr/bin/env python3
"""Runs what `bonn-run export --format openvino` wrote in OpenVINO: openvino_worker.py FOLDER [--held | --once NAME KIND].

Answers requests as worker.py says, with {"ms": the median of that many runs of a batch, "kernels": what compiled
the binary convolutions}. A batch of one is set up for latency; more images are single requests beside each
other, as many as OpenVINO's hint for throughput takes (its binary convolutions know no batches). KIND is
"binary" for FOLDER/NAME.xml as it is and "int8" for the same graph whose layers of signed bytes are written as
OpenVINO's own tools do, so that its integer kernels run them.
"""
import pathlib
import sys

import numpy
import openvino
import openvino.opset8 as opset
from worker import main, median_milliseconds


def rewrite_bytes(model):
    """Writes convolutions of signed bytes as the plugin's integer kernels take them.

    Our export rounds in float32, which is exact and slow. The plugin wants a FakeQuantize of 255 levels in
    front of weights of 8 bits with a scale; rounding at the borders of steps may differ. Returns how many
    convolutions were rewritten.
    """
    rewritten = 0
    for node in model.get_ops():
        if node.get_type_name() != "Convolution":
            continue
        rounded = node.input_value(0).get_node()
        if rounded.get_type_name() != "Clamp":
            continue
        scaled = rounded.input_value(0).get_node().input_value(0).get_node()
        inverse_scale = float(scaled.input_value(1).get_node().get_data())
        sums = next(iter(node.output(0).get_target_inputs())).get_node()
        result = next(iter(sums.output(0).get_target_inputs())).get_node()
        scale = result.input_value(1).get_node().get_data().reshape(-1, 1, 1, 1) * inverse_scale
        low, high = (
            opset.constant(numpy.full((1, 1, 1, 1), limit / inverse_scale, numpy.float32))
            for limit in (-127, 127))
        steps = opset.fake_quantize(scaled.input_value(0), low, high, low, high, 255)
        weights = opset.constant(node.input_value(1).get_node().get_data().astype(numpy.int8))
        weights = opset.multiply(opset.convert(weights, "f32"), opset.constant(scale.astype(numpy.float32)))
        window = node.get_attributes()
        product = opset.convolution(
            steps, weights, window["strides"], window["pads_begin"], window["pads_end"], window["dilations"])
        for target in result.output(0).get_target_inputs():
            target.replace_source_output(product.output(0))
        rewritten += 1
    model.validate_nodes_and_infer_types()
    return rewritten


def layers(compiled, kind):
    """What compiled the layers of a kind."""
    infos = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    return [
        info["primitiveType"].value for info in infos
        if "layerType" in info and info["layerType"].value == kind]


class Models:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.core = openvino.Core()
        self.compiled = {}

    def load(self, name, kind, threads, batch):
        """A compiled model, and what compiled its binary convolutions."""
        hint = "LATENCY" if batch == 1 else "THROUGHPUT"
        key = (name, kind, threads, hint)
        if key not in self.compiled:
            model = self.core.read_model(self.folder / f"{name}.xml")
            expected = rewrite_bytes(model) if kind == "int8" else 0
            compiled = self.core.compile_model(model, "CPU", {
                "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": "f32"})
            kernels = set(layers(compiled, "BinaryConvolution"))
            if len(kernels) != 1 or not next(iter(kernels)).startswith("jit"):
                raise SystemExit(f"{name}: expected binary convolutions by one JIT, found {sorted(kernels)}")
            integers = [kernel for kernel in layers(compiled, "Convolution") if kernel.lower().endswith("i8")]
            if len(integers) != expected:
                raise SystemExit(f"{name}: expected {expected} convolutions of bytes, found {integers}")
            self.compiled[key] = compiled, kernels.pop()
        return self.compiled[key]

    def runner(self, name, kind, threads=1, batch=1):
        """What runs a batch."""
        compiled, _ = self.load(name, kind, threads, batch)
        shape = tuple(compiled.inputs[0].shape)
        image = openvino.Tensor(numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32))
        if batch == 1:
            request = compiled.create_infer_request()
            request.set_input_tensor(image)
            return request.infer
        queue = openvino.AsyncInferQueue(compiled)

        def run():
            for _ in range(batch):
                queue.start_async({0: image}, share_inputs=True)
            queue.wait_all()

        return run

    def measure(self, name, kind, threads, runs, batch):
        run = self.runner(name, kind, threads, batch)
        _, kernels = self.load(name, kind, threads, batch)
        return {"ms": median_milliseconds(run, runs), "kernels": kernels}


if __name__ == "__main__":
    main("openvino", Models(sys.argv[1]), probe=("resnet18", "binary"))
