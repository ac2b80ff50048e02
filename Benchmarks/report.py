#!/usr/bin/env python3
"""Prints the reports that Scripts/bench.sh collects: report.py FOLDER.

FOLDER/inference.NETWORK.PIXELS.THREADS   from bonn-run bench --json
FOLDER/bonn.TURN                          from bonn benchmark --json
FOLDER/pytorch.TURN                       from Benchmarks/pytorch_training.py
"""
import json
import pathlib
import sys


def inference(folder):
    print("Inference, batch 1, milliseconds\n")
    print(f"{'network':10} {'pixels':>6} {'threads':>7} {'kernels':>8} {'median':>9} {'min':>9}")
    for path in sorted(folder.glob("inference.*")):
        _, network, pixels, threads = path.name.split(".")
        report = json.loads(path.read_text())
        print(
            f"{network:10} {pixels:>6} {threads:>7} {report['kernels']:>8}"
            f" {report['median_ms']:9.3f} {report['min_ms']:9.3f}"
        )


def training(folder):
    print("\nTraining, images per second\n")
    for path in sorted(folder.glob("bonn.*")):
        turn = path.name.split(".")[1]
        rates = {"bonn": json.loads(path.read_text())["images_per_second"]}
        peer = folder / f"pytorch.{turn}"
        if peer.exists():
            report = json.loads(peer.read_text())
            for layout in ("nchw", "channels_last"):
                rates[f"PyTorch {layout}"] = report[layout]["images_per_second"]
        print(f"turn {turn}: " + ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items()))


if __name__ == "__main__":
    inference(pathlib.Path(sys.argv[1]))
    training(pathlib.Path(sys.argv[1]))
