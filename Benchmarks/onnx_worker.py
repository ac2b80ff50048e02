#!/usr/bin/env python3
"""Runs the models of onnx_models.py in ONNX Runtime: onnx_worker.py FOLDER [--held | --once NAME KIND].

Answers requests as worker.py says, with {"ms": the median of that many runs of a batch}.
"""
import pathlib
import sys

import numpy
import onnxruntime
from worker import main, median_milliseconds


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

    def runner(self, name, kind, threads=1, batch=1):
        """What runs a batch."""
        session = self.session(name, kind, threads)
        shape = [batch, *session.get_inputs()[0].shape[1:]]
        feed = {"input": numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)}
        return lambda: session.run(None, feed)

    def measure(self, name, kind, threads, runs, batch):
        return {"ms": median_milliseconds(self.runner(name, kind, threads, batch), runs)}


if __name__ == "__main__":
    main("onnxruntime", Models(sys.argv[1]), probe=("resnet18", "int8"))
