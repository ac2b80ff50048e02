#!/usr/bin/env python3
"""Runs the models of onnx_models.py in ONNX Runtime: onnx_worker.py FOLDER [--held].

Reads requests from standard input, one a line, "NAME KIND THREADS RUNS", and answers each with a line
{"ms": the median of that many runs}. First it writes {"version": of ONNX Runtime}. With --held it stops
with SIGUSR1 before that, when ONNX Runtime has looked at the processor: hide_avx512.py waits for it.
"""
import importlib.metadata
import json
import os
import pathlib
import signal
import statistics
import sys
import time

import numpy
import onnxruntime

WARM_UPS = 3


class Models:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.sessions = {}

    def session(self, name, kind, threads):
        key = (name, kind, threads)
        if key not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            path = str(self.folder / f"{name}.{kind}.onnx")
            providers = ["CPUExecutionProvider"]
            self.sessions[key] = onnxruntime.InferenceSession(path, options, providers=providers)
        return self.sessions[key]

    def measure(self, name, kind, threads, runs):
        """The median of `runs` runs in milliseconds."""
        session = self.session(name, kind, threads)
        shape = session.get_inputs()[0].shape
        feed = {"input": numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)}
        for _ in range(WARM_UPS):
            session.run(None, feed)
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            session.run(None, feed)
            times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times)


def answer(message):
    print(json.dumps(message), flush=True)


def main():
    models = Models(sys.argv[1])
    if "--held" in sys.argv:
        models.measure("resnet18", "int8", 1, 1)
        os.kill(os.getpid(), signal.SIGUSR1)
    answer({"version": importlib.metadata.version("onnxruntime")})
    for line in sys.stdin:
        name, kind, threads, runs = line.split()
        answer({"ms": models.measure(name, kind, int(threads), int(runs))})


if __name__ == "__main__":
    main()
