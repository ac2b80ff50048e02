#!/usr/bin/env python3
"""Times bonn-run and ONNX Runtime in turn on this machine and writes one JSON object.

Every round measures everything once, ours and theirs one after the other, so that both meet the same
machine; the report takes the median over the rounds. The best kernel set of the machine is compared
with ONNX Runtime as it is; where that is avx512, avx2 is compared with an ONNX Runtime that is held to
AVX2 (hide_avx512.py). Without onnx and onnxruntime (or without torch, which exports their models) only
our side is measured, and the report says so.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from subjects import LAYERS, NETWORKS, SMALL_LAYERS


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


class Rival:
    """ONNX Runtime in a process of its own."""

    def __init__(self, folder, held):
        self.held = held
        here = pathlib.Path(__file__).parent
        command = [sys.executable, str(here / "onnx_worker.py"), folder]
        if held:
            gdb = ["gdb", "-batch", "-iex", "set auto-load off", "-x", str(here / "hide_avx512.py")]
            command = [*gdb, "--args", *command, "--held"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self.answer()["version"]

    def answer(self):
        for line in self.process.stdout:
            # gdb has something to say as well.
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError("ONNX Runtime's process ended; its message is above")

    def measure(self, name, kind, threads, runs):
        """The median of `runs` runs in milliseconds."""
        self.process.stdin.write(f"{name} {kind} {threads} {runs}\n")
        self.process.stdin.flush()
        return self.answer()["ms"]


def start_rivals(folder, kernels, best):
    """For each kernel set the ONNX Runtime that it is compared with, and the layers in a chain.

    The best set of the machine meets ONNX Runtime as it is, avx2 on a newer one an ONNX Runtime without
    AVX-512, other sets none.
    """
    if not {best, "avx2"} & set(kernels):
        return {}, 1
    try:
        from onnx_models import CHAIN, export_all
    except ImportError as error:
        print(f"ONNX Runtime is not measured: {error}", file=sys.stderr)
        return {}, 1
    export_all(folder, LAYERS + SMALL_LAYERS)
    rivals = {}
    if best in kernels:
        rivals[best] = Rival(folder, held=False)
    if "avx2" in kernels and best != "avx2":
        try:
            rivals["avx2"] = Rival(folder, held=True)
        except (OSError, RuntimeError) as error:
            print(f"ONNX Runtime is not held to AVX2, which needs gdb and objdump: {error}", file=sys.stderr)
    return rivals, CHAIN


def measure_rivals(rivals, what, threads, runs, chain=1):
    """Measurements of all rivals; `chain` equal layers count as one."""
    found = []
    for kernels, rival in rivals.items():
        for kind in ("fp32", "int8"):
            milliseconds = rival.measure(what, kind, threads, runs) / chain
            found.append({"what": what, "by": f"{kind} {kernels}", "threads": threads, "ms": milliseconds})
    return found


def measure_round(args, kernels, files, rivals, chain):
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
            if network == "resnet18":
                found += measure_rivals(rivals, network, threads, args.runs)
    for layer in LAYERS + SMALL_LAYERS:
        for name in kernels:
            report = bench(args.runner, "--layer", layer, "--runs", 5 * args.runs, "--kernels", name)
            found.append({"what": layer, "by": name, "threads": 1, "report": report})
        found += measure_rivals(rivals, layer, 1, args.runs, chain)
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
        warning = f"the machine is busy (load {load:.1f}); these numbers are not worth keeping"
        print(f"warning: {warning}", file=sys.stderr)
    available = kernel_sets(args.runner)
    kernels = args.kernels or available
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for network in NETWORKS:
            files[network] = f"{folder}/{network}.bonn"
            bench(args.runner, "--network", network, "--runs", 1, "--save", files[network])
        rivals, chain = start_rivals(folder, kernels, available[0])
        rounds = []
        for index in range(args.rounds):
            print(f"round {index + 1} of {args.rounds}", file=sys.stderr)
            rounds += measure_round(args, kernels, files, rivals, chain)
    result = {
        "rounds": args.rounds, "runs": args.runs, "threads": args.threads, "kernels": kernels, "load": load,
        "rivals": {name: {"version": each.version, "held": each.held} for name, each in rivals.items()},
        "measurements": rounds,
    }
    args.output.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
