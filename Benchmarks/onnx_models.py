"""The float and int8 networks that a user would run instead of a 1-bit one, as ONNX files.

Exported from PyTorch and quantised once; onnx_worker.py runs them.
"""
import pathlib

import numpy
import torch
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process
from subjects import CHAIN, layer_shape
from torch import nn


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


def convolutions(channels, kernel):
    layers = [nn.Conv2d(channels, channels, kernel, padding=kernel // 2) for _ in range(CHAIN)]
    return nn.Sequential(*layers)


class RandomBatches(quantization.CalibrationDataReader):
    """Some inputs, from which the ranges of the activations are taken."""

    def __init__(self, shape, count=4):
        self.batches = iter([random_input(shape) for _ in range(count)])

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"input": batch}


def random_input(shape):
    return numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)


def export(name, network, shape, folder):
    real, folded, whole = (str(folder / f"{name}.{kind}.onnx") for kind in ("fp32", "folded", "int8"))
    torch.onnx.export(
        network.eval(), torch.zeros(shape), real, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}}, opset_version=17, dynamo=False,
    )
    # Folds batch norms into convolutions; without it the quantised network is slower than fp32.
    quant_pre_process(real, folded)
    quantization.quantize_static(
        folded, whole, RandomBatches(shape), quant_format=quantization.QuantFormat.QDQ,
        per_channel=True, activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def export_all(folder, layers):
    """Writes ResNet-18 at 224x224 and chains of the convolutions `layers`, in fp32 and int8."""
    folder = pathlib.Path(folder)
    torch.manual_seed(0)
    export("resnet18", resnet18(), (1, 3, 224, 224), folder)
    for layer in layers:
        channels, height, width, kernel = layer_shape(layer)
        export(layer, convolutions(channels, kernel), (1, channels, height, width), folder)
