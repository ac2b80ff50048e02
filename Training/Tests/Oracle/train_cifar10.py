#!/usr/bin/env python3
"""Trains a BONN on CIFAR-10 (binary layout) in plain eager PyTorch, by the rules of `bonn train`.

  python train_cifar10.py --data FOLDER --epochs 5 --lambda 1e-4 --theta 1e-3 --threads 2

Options stand for the keys of a recipe (optimizer.learning_rate is --learning-rate, losses.kernel is
--lambda, ...) and mean the same. The random numbers are PyTorch's, so a run repeats a Swift run within
its spread, not bit by bit.

Prints a line per epoch (losses, test top-1, share of latent weights near zero), then one JSON line.
"Near zero" is measured twice: |x| below half the mean magnitude of its kernel (0.31 for a normal
distribution, 0 for two separate modes, whatever the size of the weights), and below half the learned
mu (which stays where it was, while the weights grow, if lambda = 0).
"""

import argparse
import json
import math
import os
import time

import numpy
import torch
import torch.nn.functional as F
from bonn_pytorch import feature_loss, update_centres, wide_resnet

CLASSES = 10


class Images:
    """Bytes [N, 3, 32, 32] and labels [N] of some files, and the normalisation of a training set."""

    def __init__(self, folder, files):
        records = [numpy.fromfile(os.path.join(folder, file), numpy.uint8) for file in files]
        records = torch.from_numpy(numpy.concatenate(records)).view(-1, 3073)
        self.pixels = records[:, 1:].reshape(-1, 3, 32, 32)
        self.labels = records[:, 0].long()

    def statistics(self):
        """Mean and standard deviation of each channel, [3, 1, 1]."""
        levels = torch.arange(256, dtype=torch.float64)
        moments = []
        for channel in range(3):
            counts = torch.bincount(self.pixels[:, channel].reshape(-1), minlength=256).double()
            mean = (counts * levels).sum() / counts.sum()
            variance = (counts * (levels - mean) ** 2).sum() / counts.sum()
            moments.append([mean, variance.sqrt()])
        mean, deviation = torch.tensor(moments).float().T.reshape(2, 3, 1, 1)
        return mean, deviation


def augment(pixels, padding, generator):
    """A random crop of the images with black borders, half of them mirrored; bytes."""
    count = len(pixels)
    padded = F.pad(pixels, (padding,) * 4)
    top, left = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand((count, 1), generator=generator) < 0.5
    columns = torch.arange(32).expand(count, 32)
    columns = torch.where(mirrored, 31 - columns, columns) + left
    rows = torch.arange(32) + top
    image = torch.arange(count)[:, None, None]
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def outputs(network, images, normalise, batch=500):
    """Logits and features of all images in evaluation mode."""
    network.eval()
    parts = [network(normalise(part)) for part in images.pixels.split(batch)]
    network.train()
    return tuple(torch.cat(tensors) for tensors in zip(*parts))


def class_statistics(features, labels):
    """Centres and rho = log variance that the feature loss starts from."""
    members = [features[labels == label] for label in range(CLASSES)]
    centres = torch.stack([part.mean(0) for part in members])
    variances = torch.stack([part.var(0, correction=0) for part in members])
    return centres, variances.clamp(min=1e-12).log().clamp(-6, 6)


def shares_near_zero(network):
    """Share of latent weights below half the mean magnitude, and below mu / 2, of their kernel."""
    layers = []
    for layer in network.binary_convolutions():
        magnitudes = layer.X.detach().abs().flatten(1)
        near_mean = magnitudes < magnitudes.mean(1, keepdim=True) / 2
        near_mu = magnitudes < layer.mu.detach()[:, None] / 2
        layers.append([near_mean.sum().item(), near_mu.sum().item(), magnitudes.numel()])
    layers = numpy.array(layers)
    whole = layers.sum(0)
    return {
        "mean": round(whole[0] / whole[2], 4),
        "mu": round(whole[1] / whole[2], 4),
        "mean_by_layer": (layers[:, 0] / layers[:, 2]).round(3).tolist(),
        "mu_by_layer": (layers[:, 1] / layers[:, 2]).round(3).tolist(),
    }


def parameter_groups(network, rho, options):
    """Rates and decays by role: latent weights and mu; w and sigma; real weights; the rest."""
    members = {}
    for name, parameter in network.named_parameters():
        last = name.split(".")[-1]
        role = last if last in ("X", "w", "mu", "sigma") else "real" if parameter.dim() > 1 else "vector"
        members.setdefault(role, []).append(parameter)
    rate, decay = options.learning_rate, options.weight_decay
    latent_rate = rate if options.latent_learning_rate is None else options.latent_learning_rate
    scale_rate = rate if options.scale_learning_rate is None else options.scale_learning_rate
    decays_latent = {"on": True, "off": False, "auto": options.kernel == 0}[options.decay_latent_weights]
    return [
        {"params": members["X"], "lr": latent_rate, "weight_decay": decay * decays_latent},
        {"params": members["mu"], "lr": latent_rate, "weight_decay": 0},
        {"params": members["w"] + members["sigma"], "lr": scale_rate, "weight_decay": 0},
        {"params": members["real"], "lr": rate, "weight_decay": decay},
        {"params": members["vector"], "lr": rate, "weight_decay": decay * (not options.keep_norms)},
        {"params": [rho], "lr": rate, "weight_decay": 0},
    ]


def make_optimiser(groups, options):
    if options.optimizer == "sgd":
        nesterov = options.momentum > 0
        return torch.optim.SGD(groups, momentum=options.momentum, nesterov=nesterov)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options.optimizer]
    return kind(groups)


def rate_factor(step, steps, warmup):
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2


def fine_tuning_start(options):
    """The first epoch, counted from 1, in which the feature loss acts."""
    if options.theta == 0 or options.fine_tuning_fraction == 0:
        return options.epochs + 1
    share = math.floor(options.epochs * options.fine_tuning_fraction + 0.5)
    return options.epochs - min(options.epochs, max(1, share)) + 1


def train(options, network, train_set, test_set):
    """Trains; returns what was measured before training and after each epoch."""
    mean, deviation = train_set.statistics()
    layout = torch.channels_last if options.channels_last else torch.contiguous_format

    def normalise(pixels):
        return ((pixels.float() - mean) / deviation).contiguous(memory_format=layout)

    generator = torch.Generator().manual_seed(options.seed)
    features_count = network.fc.in_features
    centres = torch.zeros(CLASSES, features_count)
    rho = torch.zeros(CLASSES, features_count, requires_grad=True)
    optimiser = make_optimiser(parameter_groups(network, rho, options), options)
    steps = math.ceil(len(train_set.labels) / options.batch_size)
    warmup = math.floor(options.warmup_epochs * steps + 0.5)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: rate_factor(step, options.epochs * steps, warmup)
    )
    history = [{"epoch": 0, "near_zero": shares_near_zero(network)}]
    for epoch in range(1, options.epochs + 1):
        start, sums = time.perf_counter(), torch.zeros(3)
        fine_tuning = epoch >= fine_tuning_start(options)
        if epoch == fine_tuning_start(options):
            _, features = outputs(network, train_set, normalise)
            centres, values = class_statistics(features, train_set.labels)
            rho.data.copy_(values)
        order = torch.randperm(len(train_set.labels), generator=generator)
        for batch in order.split(options.batch_size):
            x = normalise(augment(train_set.pixels[batch], options.padding, generator))
            y = train_set.labels[batch]
            logits, features = network(x)
            task = F.cross_entropy(logits, y, label_smoothing=options.label_smoothing)
            kernel = feature = torch.zeros(())
            if options.kernel > 0:
                layers = network.binary_convolutions()
                kernel = options.kernel / 2 * sum(layer.kernel_loss(options.nu) for layer in layers)
            if fine_tuning:
                feature = options.theta / 2 * feature_loss(features, y, centres, rho)
            optimiser.zero_grad()
            (task + kernel + feature).backward()
            optimiser.step()
            scheduler.step()
            with torch.no_grad():
                for layer in network.binary_convolutions():
                    layer.sigma.clamp_(min=1e-3)
            if fine_tuning:
                update_centres(centres, features.detach(), y, options.center_rate)
            sums += len(y) * torch.stack([task, kernel, feature]).detach()
        seconds = time.perf_counter() - start
        logits, _ = outputs(network, test_set, normalise)
        history.append(report(network, logits, test_set, epoch, sums / len(order), seconds))
    return history


def report(network, logits, test_set, epoch, losses, seconds):
    """Prints the line of an epoch; returns its row."""
    top1 = 100 * (logits.argmax(1) == test_set.labels).double().mean().item()
    shares = shares_near_zero(network)
    task, kernel, feature = losses.tolist()
    print(
        f"epoch {epoch}  cross-entropy {task:.4f}  kernel {kernel:.4f}  feature {feature:.4f}"
        f"  top-1 {top1:.2f}  near zero: mean {shares['mean']:.4f} mu {shares['mu']:.4f}"
        f"  {seconds:.0f} s",
        flush=True,
    )
    row = {"epoch": epoch, "cross_entropy": task, "kernel": kernel, "feature": feature}
    return row | {"top1": round(top1, 2), "seconds": round(seconds, 1), "near_zero": shares}


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="folder with data_batch_1.bin ... test_batch.bin")
    add("--epochs", type=int, default=5)
    add("--batch-size", type=int, default=128)
    add("--seed", type=int, default=1)
    add("--threads", type=int, default=2)
    add("--channels-last", action="store_true", help="NHWC memory: other rounding, more speed")
    add("--depth", type=int, default=22, choices=(10, 16, 22, 28, 34, 40))
    add("--widths", default="16-16-32-64")
    add("--optimizer", choices=("sgd", "adam", "adamw"), default="adam")
    add("--learning-rate", type=float, default=5e-3)
    add("--latent-learning-rate", type=float, help="of latent weights and mu; default: as the others")
    add("--scale-learning-rate", type=float, help="of w and sigma; default: as the others")
    add("--momentum", type=float, default=0.9, help="of SGD, Nesterov's form")
    add("--weight-decay", type=float, default=0, help="of real weights")
    add("--decay-latent-weights", choices=("auto", "on", "off"), default="auto")
    add("--keep-norms", action="store_true", help="no decay of biases, batch norms and PReLU slopes")
    add("--warmup-epochs", type=float, default=0)
    add("--label-smoothing", type=float, default=0)
    add("--lambda", dest="kernel", metavar="LAMBDA", type=float, default=1e-4, help="0: no kernel loss")
    add("--nu", type=float, default=1e-4)
    add("--theta", type=float, default=1e-3, help="0: no feature loss")
    add("--fine-tuning-fraction", type=float, default=0.25, help="share of epochs with feature loss")
    add("--center-rate", type=float, default=0.5)
    add("--padding", type=int, default=4, help="of the random crop")
    add("--initial-scale", type=float, help="default: 1 / sqrt(fan-in)")
    add("--latent-std", type=float, default=0.01)
    add("--reading", choices=("A", "B", "C"), default="A")
    add("--scale-gradient", choices=("printed", "true"), default="printed")
    add("--activation-estimator", choices=("poly", "clip"), default="poly")
    return parser.parse_args()


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    network = wide_resnet(
        options.depth,
        [int(width) for width in options.widths.split("-")],
        CLASSES,
        scale=options.initial_scale,
        deviation=options.latent_std,
        reading=options.reading,
        true_scale_gradient=options.scale_gradient == "true",
        estimator=options.activation_estimator,
    )
    if options.channels_last:
        network = network.to(memory_format=torch.channels_last)
    train_set = Images(options.data, [f"data_batch_{number}.bin" for number in range(1, 6)])
    test_set = Images(options.data, ["test_batch.bin"])
    history = train(options, network, train_set, test_set)
    settings = {key: value for key, value in vars(options).items() if key != "data"}
    print(json.dumps({"options": settings, "history": history}))


if __name__ == "__main__":
    main()
