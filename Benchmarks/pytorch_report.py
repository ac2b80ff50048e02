#!/usr/bin/env python3
"""Prints what cifar10_pytorch.sh achieved: python3 pytorch_report.py OUTPUT_FOLDER SEED...

Test top-1 per epoch of both sides and each seed, and the difference of the last epoch's means with the
standard error that the spread over the seeds gives it.
"""

import csv
import json
import math
import pathlib
import statistics
import sys


def ours(folder, seed):
    with open(folder / f"ours-{seed}" / "metrics.csv", newline="") as stream:
        return [100 * float(row["test_top1"]) for row in csv.DictReader(stream)]


def theirs(folder, seed):
    lines = (folder / f"pytorch-{seed}.log").read_text().splitlines()
    result = json.loads(next(line for line in lines if line.startswith('{"options"')))
    return [row["top1"] for row in result["history"] if row["epoch"] > 0]


def main():
    folder, seeds = pathlib.Path(sys.argv[1]), sys.argv[2:]
    print(f"{'':16}test top-1 by epoch")
    last = {}
    for title, curve in (("swift-bonn", ours), ("PyTorch", theirs)):
        for seed in seeds:
            tops = curve(folder, seed)
            last.setdefault(title, []).append(tops[-1])
            print(f"{title + ', ' + seed:16}" + "  ".join(f"{top:.2f}" for top in tops))
    means = {title: statistics.mean(tops) for title, tops in last.items()}
    print("means           " + ", ".join(f"{title} {mean:.2f}" for title, mean in means.items()))
    difference = means["swift-bonn"] - means["PyTorch"]
    error = ""
    if len(seeds) > 1:
        variance = sum(statistics.variance(tops) / len(tops) for tops in last.values())
        error = f", standard error {math.sqrt(variance):.2f}"
    print(f"difference      {difference:+.2f} points{error}")


if __name__ == "__main__":
    main()
