#!/usr/bin/env python3
"""Trains a BONN on CIFAR-10 (binary layout) in plain eager PyTorch: the quick recipe, run by the oracle.

  python train_cifar10.py --data FOLDER --epochs 5 --seed 1 --threads 2

Prints one line per epoch (losses, test top-1, share of latent weights near zero) and ends with one
JSON line. "Near zero" means |x| < half the mean magnitude of its kernel: 0.31 for a normal
distribution, 0 for two separate modes. The same with the learned mu in place of the mean is given too.
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

MEAN = torch.tensor([125.3, 123.0, 113.9]).view(3, 1, 1)
DEVIATION = torch.tensor([63.0, 62.1, 66.7]).view(3, 1, 1)


def load(folder, files):
    records = [numpy.fromfile(os.path.join(folder, file), numpy.uint8) for file in files]
    records = torch.from_numpy(numpy.concatenate(records)).view(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def normalise(images):
    return (images.float() - MEAN) / DEVIATION


def augment(images, generator):
    """A 32 x 32 crop of the images padded with 4 zeros (of the normalised image), half of them flipped."""
    count = len(images)
    padded = F.pad(normalise(images), (4, 4, 4, 4))
    top, left = torch.randint(0, 9, (2, count), generator=generator)
    flipped = torch.rand(count, generator=generator) < 0.5
    columns = torch.arange(32).expand(count, 32)
    columns = torch.where(flipped[:, None], 31 - columns, columns) + left[:, None]
    rows = torch.arange(32) + top[:, None]
    images = torch.arange(count)[:, None, None]
    return padded[images, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def outputs(network, images, batch=500):
    """Logits and features in evaluation mode."""
    network.eval()
    parts = [network(normalise(part)) for part in images.split(batch)]
    network.train()
    return tuple(torch.cat(tensors) for tensors in zip(*parts))


def class_statistics(features, labels, classes):
    """Centres and rho = log variance for the feature loss to start from."""
    members = [features[labels == label] for label in range(classes)]
    centres = torch.stack([part.mean(0) for part in members])
    variances = torch.stack([part.var(0, correction=0) for part in members])
    return centres, variances.clamp(min=1e-8).log().clamp(-6, 6)


def shares_near_zero(network):
    """Of all latent weights: share below half their kernel's mean magnitude, and below mu / 2."""
    layers = []
    for layer in network.binary_convolutions():
        magnitudes = layer.X.detach().abs().flatten(1)
        near_mean = magnitudes < magnitudes.mean(1, keepdim=True) / 2
        near_mu = magnitudes < layer.mu.detach()[:, None] / 2
        layers.append([near_mean.sum().item(), near_mu.sum().item(), magnitudes.numel()])
    counts = numpy.array(layers)
    whole = counts.sum(0)
    return {
        "overall": round(whole[0] / whole[2], 4),
        "overall_mu": round(whole[1] / whole[2], 4),
        "layers": (counts[:, 0] / counts[:, 2]).round(3).tolist(),
    }


def parameter_groups(network, options):
    """Latent weights; w and sigma with their own rate; mu; all real weights."""
    kinds = {"X": [], "w": [], "mu": [], "sigma": []}
    rest = []
    for name, parameter in network.named_parameters():
        kinds.get(name.split(".")[-1], rest).append(parameter)
    rate = options.lr
    groups = [
        {"params": kinds["X"], "lr": rate * options.latent_lr_factor, "weight_decay": options.latent_decay},
        {"params": kinds["w"] + kinds["sigma"], "lr": rate * options.scale_lr_factor},
        {"params": kinds["mu"], "lr": rate * options.mu_lr_factor},
        {"params": rest, "lr": rate, "weight_decay": options.decay},
    ]
    return groups


def make_optimiser(groups, options):
    if options.optimiser == "adam":
        return torch.optim.Adam(groups, weight_decay=0)
    return torch.optim.SGD(groups, momentum=0.9, nesterov=True, weight_decay=0)


def rate_factor(step, steps, warmup):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def train(options, network, train_set, test_set):
    images, labels = train_set
    generator = torch.Generator().manual_seed(options.seed)
    optimiser = make_optimiser(parameter_groups(network, options), options)
    rho = None  # the feature loss is off before its phase
    per_epoch = options.images_per_epoch // options.batch_size
    steps = options.epochs * per_epoch
    feature_start = round(steps * options.feature_start) if options.theta > 0 else steps
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: rate_factor(step, steps, options.warmup)
    )
    history = [{"epoch": 0, "near_zero": shares_near_zero(network)}]
    step = 0
    for epoch in range(1, options.epochs + 1):
        start, sums = time.perf_counter(), torch.zeros(3)
        order = torch.randperm(len(images), generator=generator)[: per_epoch * options.batch_size]
        for batch in order.view(per_epoch, -1):
            if step == feature_start:
                sample = torch.randperm(len(images), generator=generator)[: options.centre_images]
                _, features = outputs(network, images[sample])
                centres, rho = class_statistics(features, labels[sample], 10)
                rho.requires_grad_()
                group = {"params": [rho], "lr": options.lr * options.rho_lr_factor}
                optimiser.add_param_group(group)
                scheduler.base_lrs.append(group["lr"])
                scheduler.lr_lambdas.append(scheduler.lr_lambdas[0])
                group["lr"] *= rate_factor(step, steps, options.warmup)
            x, y = augment(images[batch], generator), labels[batch]
            logits, features = network(x)
            task = F.cross_entropy(logits, y, label_smoothing=options.label_smoothing)
            kernel = feature = torch.zeros(())
            if options.kernel_loss > 0:
                layers = network.binary_convolutions()
                kernel = options.kernel_loss / 2 * sum(layer.kernel_loss(options.nu) for layer in layers)
            if rho is not None:
                feature = options.theta / 2 * feature_loss(features, y, centres, rho)
            optimiser.zero_grad()
            (task + kernel + feature).backward()
            optimiser.step()
            scheduler.step()
            with torch.no_grad():
                for layer in network.binary_convolutions():
                    layer.sigma.clamp_(min=1e-3)
            if rho is not None:
                update_centres(centres, features.detach(), y)
            sums += torch.stack([task, kernel, feature]).detach()
            step += 1
        history.append(report(network, test_set, epoch, sums / per_epoch, time.perf_counter() - start))
    return history


def report(network, test_set, epoch, losses, seconds):
    logits, _ = outputs(network, test_set[0])
    top1 = (logits.argmax(1) == test_set[1]).double().mean().item() * 100
    shares = shares_near_zero(network)
    task, kernel, feature = losses.tolist()
    print(
        f"epoch {epoch}  cross-entropy {task:.4f}  kernel {kernel:.4f}  feature {feature:.4f}"
        f"  top-1 {top1:.2f}  near zero {shares['overall']:.4f} (mu {shares['overall_mu']:.4f})"
        f"  {seconds:.0f} s",
        flush=True,
    )
    return {
        "epoch": epoch, "cross_entropy": task, "kernel": kernel, "feature": feature,
        "top1": round(top1, 2), "seconds": round(seconds, 1), "near_zero": shares,
    }  # fmt: skip


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="folder with data_batch_1.bin ... test_batch.bin")
    add("--epochs", type=int, default=5)
    add("--seed", type=int, default=1)
    add("--threads", type=int, default=2)
    add("--depth", type=int, default=22)
    add("--widths", default="16-16-32-64")
    add("--batch-size", type=int, default=128)
    add("--images-per-epoch", type=int, default=50000)
    add("--optimiser", choices=("adam", "sgd"), default="adam")
    add("--lr", type=float, default=2e-3)
    add("--latent-lr-factor", type=float, default=1, help="of the latent weights")
    add("--scale-lr-factor", type=float, default=0.1, help="of w and sigma")
    add("--mu-lr-factor", type=float, default=1)
    add("--rho-lr-factor", type=float, default=1)
    add("--decay", type=float, default=0, help="weight decay of the real weights")
    add("--latent-decay", type=float, default=0, help="weight decay of the latent weights")
    add("--warmup", type=int, default=0, help="steps")
    add("--label-smoothing", type=float, default=0)
    add("--lambda", dest="kernel_loss", type=float, default=1e-4)
    add("--nu", type=float, default=1e-4)
    add("--theta", type=float, default=1e-3)
    add("--feature-start", type=float, default=0.7, help="share of the steps before the feature loss")
    add("--centre-images", type=int, default=5000, help="images that the first centres are means of")
    add("--scale", type=float, default=0.05, help="w before training")
    add("--deviation", type=float, default=0.01, help="of the latent weights before training")
    add("--reading", choices=("A", "B", "C"), default="A")
    add("--true-scale-gradient", action="store_true")
    add("--estimator", choices=("poly", "clip"), default="poly")
    return parser.parse_args(arguments)


def build(options):
    torch.manual_seed(options.seed)
    return wide_resnet(
        options.depth, [int(width) for width in options.widths.split("-")], 10,
        scale=options.scale, deviation=options.deviation, reading=options.reading,
        true_scale_gradient=options.true_scale_gradient, estimator=options.estimator,
    )  # fmt: skip


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    train_set = load(options.data, [f"data_batch_{number}.bin" for number in range(1, 6)])
    test_set = load(options.data, ["test_batch.bin"])
    history = train(options, build(options), train_set, test_set)
    settings = {key: value for key, value in vars(options).items() if key != "data"}
    print(json.dumps({"options": settings, "history": history}))


if __name__ == "__main__":
    main()
