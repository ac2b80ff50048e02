"""Writes a model file with numpy and safetensors alone, from Documentation/model-format.md alone.

    python write_model.py FOLDER

writes two files into FOLDER:

  small.bonn                  an 8-bit-input convolution, a threshold, a binary convolution with zero
                              padding, a threshold of its integers, a max pooling of bits, a binary
                              fully connected layer, a real fully connected layer
  small.expected.safetensors  "input"  U8  [N, 3, 8, 8]   images
                              "sums"   I32 [N, 66, 8, 8]  the value "sums", the binary convolution
                              "logits" F32 [N, 4]         the output, which a runtime must give exactly

The expected values are computed below in plain loops; nothing of this project is used.
The files in ../Golden were made by this script, small.bonn when the format had version 1.
"""

import hashlib
import json
import os
import sys

import numpy as np
from safetensors.numpy import save_file

CONVENTIONS = {
    "bit_one": "minus_one",
    "bit_one_unsigned": "zero",
    "sign_of_zero": "plus_one",
    "word": "u64_little_endian",
    "channel_order": "least_significant_first",
    "tail_bits": "zero",
    "binary_weight_layout": "output_height_width_word",
    "real_weight_layout": "output_channel_height_width",
    "real_sums": "float32_fused_multiply_add_chain",
}
STEM, BODY, HIDDEN, CLASSES, SIDE, IMAGES = 70, 66, 20, 4, 8, 3


def pack(x):
    """[..., C] real numbers to [..., ceil(C / 64)] uint64 (section 2)."""
    bits = ~(x >= 0)
    bits = np.pad(bits, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % 64)])
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    return (bits.reshape(*x.shape[:-1], -1, 64) * weights).sum(-1, dtype=np.uint64)


def parameters(random):
    """The network before packing: signs as -1 and +1, everything else as it is stored."""
    def signs(*shape):
        return random.choice([-1, 1], shape).astype(np.int64)

    def directions(count):
        return random.choice([-1, 0, 1], count, p=[0.3, 0.1, 0.6]).astype(np.int8)

    return {
        "stem.weight": random.randint(-128, 128, (STEM, 3, 3, 3)).astype(np.int8),
        "stem.scale": random.uniform(1e-4, 3e-4, STEM).astype(np.float32),
        "stem.bias": random.normal(0, 1, STEM).astype(np.float32),
        "binarise.threshold": random.normal(0, 2, STEM).astype(np.float32),
        "binarise.direction": directions(STEM),
        "sums.weight": signs(BODY, STEM, 3, 3),
        "again.threshold": random.randint(-30, 31, BODY).astype(np.int32),
        "again.direction": directions(BODY),
        "hidden.weight": signs(HIDDEN, BODY * (SIDE // 2) ** 2),
        "hidden.scale": random.normal(0, 0.02, HIDDEN).astype(np.float32),
        "hidden.bias": random.normal(0, 1, HIDDEN).astype(np.float32),
        "logits.weight": random.normal(0, 0.3, (CLASSES, HIDDEN)).astype(np.float32),
        "logits.bias": random.normal(0, 0.1, CLASSES).astype(np.float32),
    }


def graph():
    """Section 4 and 5."""
    nodes = [
        {"name": "stem", "operation": "convolution", "inputs": ["image"], "kernel": [3, 3],
         "padding": [1, 1, 1, 1], "weight": "stem.weight", "weight_scale": "stem.scale",
         "bias": "stem.bias"},
        {"name": "binarise", "operation": "threshold", "inputs": ["stem"],
         "threshold": "binarise.threshold", "direction": "binarise.direction",
         "levels": "signed_bits"},
        {"name": "sums", "operation": "binary_convolution", "inputs": ["binarise"],
         "kernel": [3, 3], "padding": [1, 1, 1, 1], "padding_value": "zero",
         "input_channels": STEM, "weight": "sums.weight"},
        {"name": "again", "operation": "threshold", "inputs": ["sums"],
         "threshold": "again.threshold", "direction": "again.direction",
         "levels": "signed_bits"},
        {"name": "pooled", "operation": "max_pool", "inputs": ["again"], "kernel": [2, 2],
         "stride": [2, 2]},
        {"name": "flat", "operation": "flatten", "inputs": ["pooled"]},
        {"name": "hidden", "operation": "binary_linear", "inputs": ["flat"],
         "input_features": BODY * (SIDE // 2) ** 2, "weight": "hidden.weight",
         "scale": "hidden.scale", "bias": "hidden.bias"},
        {"name": "logits", "operation": "linear", "inputs": ["hidden"],
         "weight": "logits.weight", "bias": "logits.bias"},
    ]
    return {"input": {"name": "image", "shape": [3, SIDE, SIDE], "element": "byte"},
            "nodes": nodes, "output": "logits"}


def threshold(x, threshold, direction):
    """[C, H, W] numbers to -1 and +1."""
    y = np.empty(x.shape, np.int64)
    for c in range(x.shape[0]):
        if direction[c] == 1:
            high = x[c] >= threshold[c]
        elif direction[c] == -1:
            high = x[c] <= threshold[c]
        else:
            high = np.full(x[c].shape, threshold[c] >= 0)
        y[c] = np.where(high, 1, -1)
    return y


def windows(x):
    """The 3x3 windows of a zero-padded [C, H, W], row by row."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    for p in range(x.shape[1]):
        for q in range(x.shape[2]):
            yield p, q, padded[:, p:p + 3, q:q + 3]


def fma(x, w, acc):
    """x * w + acc of float32 numbers, rounded once: in float64 rounded to odd, then to float32."""
    acc = acc.astype(np.float64)
    product = np.float64(x) * w.astype(np.float64)  # exact
    total = product + acc
    rest = total - product
    error = (product - (total - rest)) + (acc - rest)
    even = total.view(np.int64) & 1 == 0
    towards = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    return np.where((error != 0) & even, towards, total).astype(np.float32)


def run(image, net):
    """The values "sums" and "logits" of one image, rounded as section 6 says."""
    weight = net["stem.scale"][:, None, None, None] * net["stem.weight"].astype(np.float32)
    assert weight.dtype == np.float32
    stem = np.empty((STEM, SIDE, SIDE), np.float32)
    for p, q, window in windows(image):
        acc = net["stem.bias"]
        for i in range(3):
            for j in range(3):
                for c in range(3):
                    acc = fma(window[c, i, j], weight[:, c, i, j], acc)
        stem[:, p, q] = acc
    bits = threshold(stem, net["binarise.threshold"], net["binarise.direction"])
    sums = np.empty((BODY, SIDE, SIDE), np.int32)
    for p, q, window in windows(bits):
        for k in range(BODY):
            sums[k, p, q] = np.sum(window * net["sums.weight"][k])
    bits = threshold(sums, net["again.threshold"], net["again.direction"])
    pooled = np.empty((BODY, SIDE // 2, SIDE // 2), np.int64)
    for p in range(SIDE // 2):
        for q in range(SIDE // 2):
            pooled[:, p, q] = bits[:, 2 * p:2 * p + 2, 2 * q:2 * q + 2].max((1, 2))
    flat = pooled.reshape(-1)
    hidden = np.empty(HIDDEN, np.float32)
    for k in range(HIDDEN):
        integer = np.float32(np.sum(flat * net["hidden.weight"][k]))
        scaled = np.float32(integer * net["hidden.scale"][k])
        hidden[k] = np.float32(scaled + net["hidden.bias"][k])
    logits = net["logits.bias"]
    for c in range(HIDDEN):
        logits = fma(hidden[c], net["logits.weight"][:, c], logits)
    return sums, logits


def seal(path):
    """Writes the digest of a safetensors file in the place of 64 zeros (section 3)."""
    with open(path, "rb") as stream:
        file = bytearray(stream.read())
    start = 8 + int.from_bytes(file[:8], "little")
    key = b'"bonn_sha256":"'
    place = file.index(key + b"0" * 64) + len(key)
    entries = json.loads(file[8:start])
    entries.pop("__metadata__")
    digest = hashlib.sha256(file[8:start])
    for begin, end in sorted(entry["data_offsets"] for entry in entries.values()):
        digest.update(hashlib.sha256(file[start + begin:start + end]).digest())
    file[place:place + 64] = digest.hexdigest().encode()
    with open(path, "wb") as stream:
        stream.write(file)


def main(folder):
    random = np.random.RandomState(20260101)  # its stream is frozen, unlike default_rng's
    net = parameters(random)
    images = random.randint(0, 256, (IMAGES, 3, SIDE, SIDE)).astype(np.uint8)

    stored = dict(net)
    stored["sums.weight"] = pack(net["sums.weight"].transpose(0, 2, 3, 1))
    stored["hidden.weight"] = pack(net["hidden.weight"])
    preprocessing = {"width": SIDE, "height": SIDE, "resize": {"rule": "stretch"},
                     "channels": "rgb", "mean": [0, 0, 0], "std": [1, 1, 1]}
    metadata = {
        "format": "bonn",
        "format_version": "2",
        "conventions": json.dumps(CONVENTIONS),
        "graph": json.dumps(graph()),
        "preprocessing": json.dumps(preprocessing),
        "class_names": json.dumps(["circle", "square", "triangle", "étoile"]),
        "provenance": json.dumps({"tool": "write_model.py"}),
        "bonn_sha256": "0" * 64,
    }
    path = os.path.join(folder, "small.bonn")
    save_file(stored, path, metadata)
    seal(path)

    results = [run(image, net) for image in images]
    expected = {
        "input": images,
        "sums": np.stack([sums for sums, _ in results]),
        "logits": np.stack([logits for _, logits in results]),
    }
    save_file(expected, os.path.join(folder, "small.expected.safetensors"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
