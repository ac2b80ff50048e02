"""The float and int8 networks that a user would run instead of a 1-bit one, in ONNX Runtime.

Models are exported from PyTorch and quantised once (`Peers`); `measure` then runs one of them, as often
as the caller likes, so that its rounds can alternate with those of another program.
"""
import importlib.metadata
import pathlib
import statistics
import time

import numpy
import onnxruntime
import torch
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

# Convolutions in a row: what happens at the ends of the graph (casts, layout changes) hardly counts.
CHAIN = 8
WARM_UPS = 3


class BasicBlock(nn.Module):
    """The residual block of ResNet-18 and -34 (He et al., 2016), version 1."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential()
        if stride > 1:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet18():
    widths = [64, 64, 128, 256, 512]
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks = []
    for inputs, outputs in zip(widths, widths[1:]):
        blocks.append(BasicBlock(inputs, outputs, 1 if inputs == outputs else 2))
        blocks.append(BasicBlock(outputs, outputs, 1))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def convolutions(channels):
    return nn.Sequential(*(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(CHAIN)))


class RandomBatches(quantization.CalibrationDataReader):
    """Some inputs, from which the ranges of the activations are taken."""

    def __init__(self, shape, count=4):
        self.batches = iter([random_input(shape) for _ in range(count)])

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"input": batch}


def random_input(shape):
    return numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)


class Peers:
    """ResNet-18 at 224x224 and the 3x3 convolutions of `layers` (CxHxW), each in fp32 and int8."""

    def __init__(self, folder, layers):
        torch.manual_seed(0)
        self.version = importlib.metadata.version("onnxruntime")
        self.folder = pathlib.Path(folder)
        self.shapes = {"resnet18": (1, 3, 224, 224)}
        self.sessions = {}
        self._export("resnet18", resnet18())
        for layer in layers:
            channels, height, width = (int(size) for size in layer.split("x"))
            self.shapes[layer] = (1, channels, height, width)
            self._export(layer, convolutions(channels))

    def _path(self, name, kind):
        return str(self.folder / f"{name}.{kind}.onnx")

    def _export(self, name, network):
        real, folded, whole = (self._path(name, kind) for kind in ("fp32", "folded", "int8"))
        shape = self.shapes[name]
        torch.onnx.export(
            network.eval(), torch.zeros(shape), real, input_names=["input"], output_names=["output"],
            opset_version=17, dynamo=False,
        )
        # Folds batch norms into convolutions; without it the quantised network is slower than fp32.
        quant_pre_process(real, folded)
        quantization.quantize_static(
            folded, whole, RandomBatches(shape), quant_format=quantization.QuantFormat.QDQ,
            per_channel=True, activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )

    def _session(self, name, kind, threads):
        key = (name, kind, threads)
        if key not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            self.sessions[key] = onnxruntime.InferenceSession(
                self._path(name, kind), options, providers=["CPUExecutionProvider"]
            )
        return self.sessions[key]

    def measure(self, name, kind, threads, runs):
        """The median of `runs` runs in milliseconds; of one convolution of a chain."""
        session = self._session(name, kind, threads)
        feed = {"input": random_input(self.shapes[name])}
        for _ in range(WARM_UPS):
            session.run(None, feed)
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            session.run(None, feed)
            times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times) / (1 if name == "resnet18" else CHAIN)
