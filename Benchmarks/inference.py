#!/usr/bin/env python3
"""Times bonn-run and ONNX Runtime in turn on this machine and writes one JSON object.

Every round measures everything once, ours and theirs one after the other, so that both meet the same
machine; the report takes the median over the rounds. Without onnx and onnxruntime (or without torch,
which exports their models) only our side is measured, and the report says so.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

NETWORKS = ["resnet18", "resnet18-int8", "quicknet-small", "quicknet", "quicknet-large", "wrn22"]
# The 3x3 convolutions of ResNet-18, CxHxW.
LAYERS = ["64x56x56", "128x28x28", "256x14x14", "512x7x7"]


def bench(runner, *arguments):
    command = [runner, "bench", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def kernel_sets(runner):
    """The fastest set of this machine, and the one for which the targets were written."""
    best = bench(runner, "--layer", "64x4x4", "--runs", 1)["kernels"]
    probe = [runner, "bench", "--layer", "64x4x4", "--runs", "1", "--kernels", "avx2"]
    has_avx2 = subprocess.run(probe, capture_output=True).returncode == 0
    return [best, "avx2"] if has_avx2 and best != "avx2" else [best]


def peers(folder):
    try:
        from onnx_inference import Peers
    except ImportError as error:
        print(f"ONNX Runtime is not measured: {error}", file=sys.stderr)
        return None
    return Peers(folder, LAYERS)


def measure_round(args, kernels, files, rivals):
    """One round: a list of measurements, each with the names of what was measured and how."""
    found = []
    for threads in args.threads:
        # The rivals between our own, in the order of what they are compared with.
        for network in NETWORKS:
            for name in kernels:
                report = bench(
                    args.runner, files[network], "--runs", args.runs, "--threads", threads,
                    "--kernels", name, "--layers",
                )
                found.append({"what": network, "by": name, "threads": threads, "report": report})
            if rivals and network == "resnet18":
                for kind in ("fp32", "int8"):
                    milliseconds = rivals.measure(network, kind, threads, args.runs)
                    found.append({"what": network, "by": kind, "threads": threads, "ms": milliseconds})
    for layer in LAYERS:
        for name in kernels:
            report = bench(args.runner, "--layer", layer, "--runs", 5 * args.runs, "--kernels", name)
            found.append({"what": layer, "by": name, "threads": 1, "report": report})
        for kind in ("fp32", "int8") if rivals else ():
            milliseconds = rivals.measure(layer, kind, 1, args.runs)
            found.append({"what": layer, "by": kind, "threads": 1, "ms": milliseconds})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", default="bin/bonn-run")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=20, help="runs of a network in a round")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--kernels", nargs="*", help="kernel sets; default: the best, and avx2")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"warning: the machine is busy (load {load:.1f}); these numbers are not worth keeping", file=sys.stderr)
    kernels = args.kernels or kernel_sets(args.runner)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for network in NETWORKS:
            files[network] = f"{folder}/{network}.bonn"
            bench(args.runner, "--network", network, "--runs", 1, "--save", files[network])
        rivals = peers(folder)
        rounds = []
        for index in range(args.rounds):
            print(f"round {index + 1} of {args.rounds}", file=sys.stderr)
            rounds += measure_round(args, kernels, files, rivals)
    result = {
        "rounds": args.rounds, "runs": args.runs, "threads": args.threads, "kernels": kernels, "load": load,
        "onnxruntime": rivals.version if rivals else None, "measurements": rounds,
    }
    args.output.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
