#!/usr/bin/env python3
"""Prints what the runs of cifar10_losses.sh achieved: python3 losses_report.py OUTPUT_FOLDER.

Top-1 per epoch from metrics.csv; from layers.csv, as the mean over layers, the share of latent
weights within half of mu of zero (mu: the mean of |x| in each kernel at the time) before and after
training, and the share of signs that changed in the last epoch.
"""

import csv
import pathlib
import sys

NAMES = {"none": "lambda = theta = 0", "kernel": "kernel loss", "both": "both losses"}


def rows(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def main():
    folder = pathlib.Path(sys.argv[1])
    print(f"{'':20}{'test top-1 by epoch':44}{'near zero: before':>18}{'after':>8}{'flips':>8}")
    for name, title in NAMES.items():
        if not (folder / name / "metrics.csv").exists():
            continue
        metrics = rows(folder / name / "metrics.csv")
        layers = rows(folder / name / "layers.csv")
        tops = "  ".join(f"{100 * float(row['test_top1']):.2f}" for row in metrics)
        last = max(int(row["epoch"]) for row in layers)
        share = {
            epoch: mean(float(row["near_zero"]) for row in layers if int(row["epoch"]) == epoch)
            for epoch in (0, last)
        }
        flips = mean(float(row["flip_ratio"]) for row in layers if int(row["epoch"]) == last)
        print(f"{title:20}{tops:44}{share[0]:18.3f}{share[last]:8.3f}{flips:8.3f}")


if __name__ == "__main__":
    main()
