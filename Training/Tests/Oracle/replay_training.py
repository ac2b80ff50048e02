#!/usr/bin/env python3
"""Repeats a run of `bonn train` in plain PyTorch, with its initial weights and every one of its draws.

Order, crops and flips come from an implementation of the generator of its own (xoshiro256**, split into
streams as Tools/Sources/BONNData/SeededGenerator.swift documents), so the losses have to be the same up to
rounding: for as long as rounding takes to flip the sign of an activation in a 1-bit network, much longer
in a real one.

Prints a line per epoch: the means of cross-entropy and kernel loss over the training images.
"""
import argparse
import math

import numpy
import safetensors.torch
import torch
import torch.nn.functional as F
from bonn_pytorch import wide_resnet

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
ORDER, AUGMENTATION = 1, 2  # the streams of a run's seed


def mix(z):
    """The output function of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def rotate(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & MASK


class Draws:
    """The generator of a stream of a seed."""

    def __init__(self, seed, *stream):
        key = mix(seed)
        for number in stream:
            key = mix((key + (2 * number + 1) * GOLDEN) & MASK)
        self.state = [mix((key + i * GOLDEN) & MASK) for i in (1, 2, 3, 4)]

    def next(self):
        a, b, c, d = self.state
        result = (rotate((b * 5) & MASK, 7) * 9) & MASK
        c, d = c ^ a, d ^ b
        self.state = [a ^ d, b ^ c, c ^ ((b << 17) & MASK), rotate(d, 45)]
        return result

    def below(self, bound):
        product = self.next() * bound
        if product & MASK < bound:
            while product & MASK < (1 << 64) % bound:
                product = self.next() * bound
        return product >> 64

    def permutation(self, count):
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def augment(image, padding, draws):
    """A crop [3, S, S] of the image with a black border, mirrored with probability 1/2."""
    side = image.shape[1]
    left, top = draws.below(2 * padding + 1), draws.below(2 * padding + 1)
    image = F.pad(image, (padding,) * 4)[:, top : top + side, left : left + side]
    mirrors = (draws.next() >> 11) * 2.0**-53 < 0.5
    return image.flip(2) if mirrors else image


def load(network, path, real):
    """Copies the trained parameters of a checkpoint, whose batch norms are at their start."""
    tensors = safetensors.torch.load_file(path)
    names = {"stem.0.weight": "stem.convolution.weight", "fc.weight": "head.weight", "fc.bias": "head.bias"}
    count = len(network.blocks) // 3
    for index, block in enumerate(network.blocks):
        ours = f"stages.{index // count}.{index % count}"
        theirs = f"blocks.{index}"
        if real:
            names[f"{theirs}.conv.weight"] = f"{ours}.0.convolution.weight"
        else:
            names[f"{theirs}.conv.X"] = f"{ours}.0.convolution.weight"
            for name in ("w", "mu", "sigma"):
                names[f"{theirs}.conv.{name}"] = f"{ours}.0.convolution.{name}"
        if not isinstance(block.shortcut, torch.nn.Identity):
            names[f"{theirs}.shortcut.0.weight"] = f"{ours}.shortcut.convolution.weight"
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for theirs, ours in names.items():
            parameters[theirs].copy_(tensors[ours])


def make_optimiser(network, options):
    """SGD with one rate, or Adam with rates of their own for latent weights with mu, and w with sigma."""
    if options.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=options.learning_rate, momentum=0.9, nesterov=True,
            weight_decay=options.weight_decay,
        )
    rates = {
        "X": options.latent_learning_rate, "mu": options.latent_learning_rate,
        "w": options.scale_learning_rate, "sigma": options.scale_learning_rate,
    }
    groups = [
        {"params": [parameter], "lr": rates.get(name.split(".")[-1], options.learning_rate)}
        for name, parameter in network.named_parameters()
    ]
    return torch.optim.Adam(groups, weight_decay=options.weight_decay)


def replay(options):
    images = torch.from_numpy(numpy.fromfile(options.images, numpy.uint8))
    labels = torch.from_numpy(numpy.fromfile(options.labels, numpy.uint8)).long()
    images = images.view(len(labels), 3, options.side, options.side)
    # Of each channel, in the four decimals that a model file states.
    channels = images.double().transpose(0, 1).flatten(1) / 255
    mean = (channels.mean(1) * 1e4).round().div(1e4).float()
    deviation = (channels.std(1, correction=0) * 1e4).round().div(1e4).float()
    widths = [int(width) for width in options.widths.split("-")]
    network = wide_resnet(22, widths, options.classes, real=options.real)
    load(network, options.initial, options.real)
    optimiser = make_optimiser(network, options)
    rates = [group["lr"] for group in optimiser.param_groups]
    steps = math.ceil(len(labels) / options.batch_size)
    total, warmup, step = options.epochs * steps, math.floor(options.warmup_epochs * steps + 0.5), 0
    for epoch in range(options.epochs):
        order = Draws(options.seed, ORDER, epoch).permutation(len(labels))
        sums = torch.zeros(2, dtype=torch.float64)
        for start in range(0, len(order), options.batch_size):
            batch = order[start : start + options.batch_size]
            pixels = torch.stack([
                augment(images[i], options.padding, Draws(options.seed, AUGMENTATION, epoch, i))
                for i in batch
            ])
            x = (pixels / 255 - mean[:, None, None]) / deviation[:, None, None]
            task = F.cross_entropy(
                network(x)[0], labels[batch], label_smoothing=options.label_smoothing)
            kernel = torch.zeros(())
            if options.kernel > 0:
                layers = network.binary_convolutions()
                kernel = options.kernel / 2 * sum(layer.kernel_loss(options.nu) for layer in layers)
            progress = (step - warmup) / max(1, total - warmup)
            decay = (1 + math.cos(math.pi * progress)) / 2
            factor = (step + 1) / warmup if step < warmup else decay
            for group, rate in zip(optimiser.param_groups, rates):
                group["lr"] = rate * factor
            optimiser.zero_grad()
            (task + kernel).backward()
            optimiser.step()
            step += 1
            sums += len(batch) * torch.stack([task, kernel]).detach().double()
        print(*(sums / len(order)).tolist(), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--images", required=True, help="bytes [N, 3, side, side]")
    add("--labels", required=True, help="bytes [N]")
    add("--side", type=int, required=True)
    add("--classes", type=int, required=True)
    add("--initial", required=True, help="a checkpoint of the run before its first step")
    add("--seed", type=int, required=True)
    add("--widths", required=True)
    add("--real", action="store_true")
    add("--epochs", type=int, required=True)
    add("--batch-size", type=int, required=True)
    add("--optimizer", choices=("sgd", "adam"), default="sgd")
    add("--learning-rate", type=float, required=True)
    add("--latent-learning-rate", type=float, help="of Adam")
    add("--scale-learning-rate", type=float, help="of Adam")
    add("--weight-decay", type=float, default=0)
    add("--warmup-epochs", type=float, default=0)
    add("--label-smoothing", type=float, default=0)
    add("--padding", type=int, default=0)
    add("--lambda", dest="kernel", type=float, default=0)
    add("--nu", type=float, default=1e-4)
    torch.set_num_threads(1)
    replay(parser.parse_args())


if __name__ == "__main__":
    main()
