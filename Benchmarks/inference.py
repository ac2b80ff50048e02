#!/usr/bin/env python3
"""Times bonn-run, ONNX Runtime and OpenVINO in turn on this machine and writes one JSON object.

Every round measures everything once, ours and theirs one after the other, so that all meet the same
machine; the report takes the median over the rounds. ONNX Runtime runs float and 8-bit networks, OpenVINO the
same 1-bit networks as we do, from `bonn-run export --format openvino`. The best kernel set of the machine is
compared with rivals as they are; where that is avx512, avx2 is compared with rivals that are held to
AVX2 (hide_avx512.py). What is not installed (ONNX Runtime also needs torch, which exports its models) is not
measured, and the report says so.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from footprint import footprint
from subjects import (
    BATCHED, BATCHES, CHAIN, LAYERS, NETWORKS, SMALL_LAYERS, batch_of, blocks_of, openvino_kind)


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
    """A rival in a process of its own."""

    def __init__(self, worker, folder, held):
        self.held = held
        here = pathlib.Path(__file__).parent
        command = [sys.executable, str(here / worker), folder]
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
        raise RuntimeError("its process ended; its message is above")

    def measure(self, name, kind, threads, runs, batch):
        """The worker's answer: the median of `runs` runs in milliseconds as "ms", and what it says beside it."""
        self.process.stdin.write(f"{name} {kind} {threads} {runs} {batch}\n")
        self.process.stdin.flush()
        return self.answer()


class Rivals:
    """The processes of one rival, for each kernel set that it is compared with.

    The best set of the machine meets a rival as it is, avx2 on a newer one a rival without AVX-512, other sets
    none.
    """

    def __init__(self, name, worker, prepare, folder, kernels, best):
        self.name, self.worker, self.folder = name, worker, folder
        self.processes = {}
        if not {best, "avx2"} & set(kernels):
            return
        try:
            prepare(folder)
        except ImportError as error:
            print(f"{name} is not measured: {error}", file=sys.stderr)
            return
        if best in kernels:
            self.processes[best] = Rival(worker, folder, held=False)
        if "avx2" in kernels and best != "avx2":
            try:
                self.processes["avx2"] = Rival(worker, folder, held=True)
            except (OSError, RuntimeError) as error:
                print(f"{name} is not held to AVX2, which needs gdb and objdump: {error}", file=sys.stderr)

    def measure(self, what, kind, threads, runs, chain=1, batch=1):
        """Measurements of all processes; `chain` equal layers count as one."""
        found = []
        for kernels, rival in self.processes.items():
            answer = rival.measure(what, kind, threads, runs, batch)
            answer["ms"] /= chain
            by = f"{self.name} {kind} {kernels}"
            found.append({"what": batch_of(what, batch), "by": by, "threads": threads, **answer})
        return found

    def footprint(self, what, kind, endings):
        return [footprint(self.name, self.worker, self.folder, what, kind, endings)] if self.processes else []


def prepare_onnx_runtime(folder):
    from onnx_models import export_all
    export_all(folder, LAYERS + SMALL_LAYERS)


def prepare_openvino(runner, files):
    import openvino  # noqa: F401 (asks whether it is there)
    for path in files.values():
        command = [runner, "export", path, "--format", "openvino", "--output", path.replace(".bonn", ".xml")]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")


class Round:
    """One round: a list of measurements, each with the names of what was measured and how."""

    def __init__(self, args, kernels, files, onnx_runtime, openvino):
        self.args, self.kernels, self.files = args, kernels, files
        self.onnx_runtime, self.openvino = onnx_runtime, openvino
        self.found = []
        for threads in args.threads:
            for network in NETWORKS:
                self.network(network, threads)
        for network in BATCHED:
            for batch in BATCHES:
                self.batch(network, batch, max(args.threads))
        for layer in LAYERS + SMALL_LAYERS:
            self.layer(layer)

    # The rivals between our own, in the order of what they are compared with.

    def network(self, network, threads):
        runs = self.args.runs
        self.ours(network, threads, self.files[network], "--runs", runs, "--threads", threads, "--layers")
        if network == "resnet18":
            for kind in ("fp32", "int8"):
                self.found += self.onnx_runtime.measure(network, kind, threads, runs)
        self.found += self.openvino.measure(network, openvino_kind(network), threads, runs)

    def batch(self, network, batch, threads):
        runs = max(3, self.args.runs // batch)
        what = batch_of(network, batch)
        self.ours(
            what, threads, self.files[network], "--runs", runs, "--threads", threads, "--batch", batch)
        if network == "resnet18":
            for kind in ("fp32", "int8"):
                self.found += self.onnx_runtime.measure(network, kind, threads, runs, batch=batch)
        self.found += self.openvino.measure(network, openvino_kind(network), threads, runs, batch=batch)

    def layer(self, layer):
        self.ours(layer, 1, "--layer", layer, "--runs", 5 * self.args.runs)
        for kind in ("fp32", "int8"):
            self.found += self.onnx_runtime.measure(layer, kind, 1, self.args.runs, CHAIN)
        blocks = blocks_of(layer)
        self.ours(blocks, 1, self.files[blocks], "--runs", self.args.runs)
        self.found += self.openvino.measure(blocks, "binary", 1, self.args.runs)

    def ours(self, what, threads, *arguments):
        for name in self.kernels:
            report = bench(self.args.runner, *arguments, "--kernels", name)
            self.found.append({"what": what, "by": name, "threads": threads, "report": report})


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
        for layer in LAYERS + SMALL_LAYERS:
            blocks = blocks_of(layer)
            files[blocks] = f"{folder}/{blocks}.bonn"
            bench(args.runner, "--block", layer, "--runs", 1, "--save", files[blocks])
        rivals = [
            Rivals("ONNX Runtime", "onnx_worker.py", prepare_onnx_runtime, folder, kernels, available[0]),
            Rivals(
                "OpenVINO", "openvino_worker.py", lambda _: prepare_openvino(args.runner, files), folder,
                kernels, available[0]),
        ]
        rounds = []
        for index in range(args.rounds):
            print(f"round {index + 1} of {args.rounds}", file=sys.stderr)
            rounds += Round(args, kernels, files, *rivals).found
        onnx_runtime, openvino = rivals
        loads = [each for kind in ("fp32", "int8") for each in onnx_runtime.footprint(
            "resnet18", kind, [f"{kind}.onnx"])]
        for network in NETWORKS:
            loads += openvino.footprint(network, openvino_kind(network), ["xml", "bin"])
    result = {
        "rounds": args.rounds, "runs": args.runs, "threads": args.threads, "kernels": kernels, "load": load,
        "rivals": {
            rival.name: {
                name: {"version": each.version, "held": each.held} for name, each in rival.processes.items()}
            for rival in rivals},
        "measurements": rounds, "footprints": loads,
    }
    args.output.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
