"""Writes a model of gates and 1-bit weights from Documentation/model-format.md alone.

    python write_gated.py FOLDER

writes two files into FOLDER:

  gated.bonn                  a byte-input convolution with 1-bit weights and one scale, a gate of its
                              channels (average, 1-bit fully connected layer with a scale an output,
                              sigmoid), a gate of its pixels, and logits that a gate of theirs multiplies
  gated.expected.safetensors  "input"  U8  [N, 3, 6, 6]   images
                              "gated"  F32 [N, 70, 6, 6]  the value "gated"
                              "logits" F32 [N, 4]         the output, which a runtime must give exactly

The expected values are computed below in plain loops; nothing of this project is used.
The files in ../Golden were made by this script.
"""

import json
import os
import sys

import numpy as np
from safetensors.numpy import save_file

from write_model import CONVENTIONS, fma, pack, seal

STEM, CLASSES, SIDE, IMAGES = 70, 4, 6, 3


def parameters(random):
    """The network before packing: signs as -1 and +1, everything else as it is stored."""
    def signs(*shape):
        return random.choice([-1, 1], shape).astype(np.int64)

    def reals(deviation, *shape):
        return random.normal(0, deviation, shape).astype(np.float32)

    return {
        "stem.weight": signs(STEM, 3, 3, 3),
        "stem.scale": np.array([-0.0021], np.float32),
        "stem.bias": reals(1, STEM),
        "channels.weight": signs(STEM, STEM),
        "channels.scale": reals(0.3, STEM),
        "pixels.weight": reals(0.2, 1, STEM, 1, 1),
        "pixels.bias": reals(1, 1),
        "head.weight": signs(CLASSES, STEM),
        "head.scale": reals(0.3, CLASSES),
        "head.bias": reals(0.1, CLASSES),
    }


def graph():
    """Section 4 and 5."""
    nodes = [
        {"name": "stem", "operation": "convolution", "inputs": ["image"], "kernel": [3, 3],
         "padding": [1, 1, 1, 1], "weight": "stem.weight", "weight_scale": "stem.scale",
         "bias": "stem.bias"},
        {"name": "means", "operation": "global_average_pool", "inputs": ["stem"]},
        {"name": "channels", "operation": "linear", "inputs": ["means"],
         "weight": "channels.weight", "weight_scale": "channels.scale"},
        {"name": "channel_gate", "operation": "sigmoid", "inputs": ["channels"]},
        {"name": "by_channel", "operation": "multiply", "inputs": ["stem", "channel_gate"]},
        {"name": "pixels", "operation": "convolution", "inputs": ["stem"], "kernel": [1, 1],
         "weight": "pixels.weight", "bias": "pixels.bias"},
        {"name": "pixel_gate", "operation": "sigmoid", "inputs": ["pixels"]},
        {"name": "gated", "operation": "multiply", "inputs": ["by_channel", "pixel_gate"]},
        {"name": "averages", "operation": "global_average_pool", "inputs": ["gated"]},
        {"name": "head", "operation": "linear", "inputs": ["averages"], "weight": "head.weight",
         "weight_scale": "head.scale", "bias": "head.bias"},
        {"name": "head_gate", "operation": "sigmoid", "inputs": ["head"]},
        {"name": "logits", "operation": "multiply", "inputs": ["head_gate", "head"]},
    ]
    return {"input": {"name": "image", "shape": [3, SIDE, SIDE], "element": "byte"},
            "nodes": nodes, "output": "logits"}


def real(signs, scale):
    """The weights that signs [K, ...] and a scale [1] or [K] stand for."""
    scale = scale.reshape(-1, *[1] * (signs.ndim - 1))
    return np.where(signs < 0, -scale, scale)


def convolution(x, weight, bias):
    """[C, H, W] and [K, C, k, k] with zero padding of (k - 1) / 2 to [K, H, W]."""
    outputs, channels, size, _ = weight.shape
    margin = (size - 1) // 2
    padded = np.pad(x.astype(np.float32), ((0, 0), (margin, margin), (margin, margin)))
    y = np.empty((outputs, *x.shape[1:]), np.float32)
    for p in range(x.shape[1]):
        for q in range(x.shape[2]):
            acc = bias
            for i in range(size):
                for j in range(size):
                    for c in range(channels):
                        acc = fma(padded[c, p + i, q + j], weight[:, c, i, j], acc)
            y[:, p, q] = acc
    return y


def linear(x, weight, bias):
    """[C] and [K, C] to [K]."""
    return convolution(x[:, None, None], weight[:, :, None, None], bias)[:, 0, 0]


def means(x):
    """[C, H, W] to [C]."""
    return (x.astype(np.float64).sum((1, 2)) / (x.shape[1] * x.shape[2])).astype(np.float32)


def sigmoid(x):
    """Section 6."""
    x = x.astype(np.float64)
    t = np.maximum(-np.abs(x), -128)
    n = np.rint(t * float.fromhex("0x1.71547652b82fep+0"))
    r = t - n * float.fromhex("0x1.62e42fefa39efp-1")
    e = np.zeros_like(x)
    factorial = [1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800]
    for k in reversed(range(11)):
        e = e * r + 1 / factorial[k]
    e = np.ldexp(e, n.astype(int))
    return (np.where(x >= 0, 1, e) / (1 + e)).astype(np.float32)


def run(image, net):
    """The values "gated" and "logits" of one image."""
    none = np.zeros(STEM, np.float32)
    stem = convolution(image, real(net["stem.weight"], net["stem.scale"]), net["stem.bias"])
    channels = linear(means(stem), real(net["channels.weight"], net["channels.scale"]), none)
    by_channel = stem * sigmoid(channels)[:, None, None]
    pixels = convolution(stem, net["pixels.weight"], net["pixels.bias"])
    gated = by_channel * sigmoid(pixels)
    head = linear(means(gated), real(net["head.weight"], net["head.scale"]), net["head.bias"])
    return gated, sigmoid(head) * head


def main(folder):
    random = np.random.RandomState(20261127)  # its stream is frozen, unlike default_rng's
    net = parameters(random)
    images = random.randint(0, 256, (IMAGES, 3, SIDE, SIDE)).astype(np.uint8)

    stored = dict(net)
    stored["stem.weight"] = pack(net["stem.weight"].transpose(0, 2, 3, 1))
    stored["channels.weight"] = pack(net["channels.weight"])
    stored["head.weight"] = pack(net["head.weight"])
    metadata = {
        "format": "bonn",
        "format_version": "2",
        "conventions": json.dumps(CONVENTIONS),
        "graph": json.dumps(graph()),
        "provenance": json.dumps({"tool": "write_gated.py"}),
        "bonn_sha256": "0" * 64,
    }
    path = os.path.join(folder, "gated.bonn")
    save_file(stored, path, metadata)
    seal(path)

    results = [run(image, net) for image in images]
    expected = {
        "input": images,
        "gated": np.stack([gated for gated, _ in results]),
        "logits": np.stack([logits for _, logits in results]),
    }
    for values in expected.values():
        assert values.dtype in (np.uint8, np.float32)
    save_file(expected, os.path.join(folder, "gated.expected.safetensors"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
