#!/usr/bin/env python3
"""Records numbers of the methods for the Swift tests.

  python record.py [NAME ...] [--folder FOLDER]
                    writes methods/NAME.json for each name, all of them where none is given

methods/NAME.py is one method: its equations as the reference of methods (methods.md) states them, in composed
PyTorch that knows nothing of how the Swift side is built but the names of its settings and parameters, the
readings taken where the reference leaves a choice, and `record(recorder)`, its cases. NAME is the name on the
method's card. All numbers are float32, computed as training computes them; that each gradient is the derivative
of the surrogate which its formula stands for is asserted in float64 (straight_through.py). recorder.py has the
kinds of cases and the format.

Numbers follow from the names of method and case alone: recording one method leaves the others as they are.
"""

import argparse
import importlib
import pathlib

import torch
from recorder import Recorder

HERE = pathlib.Path(__file__).resolve().parent / "methods"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    known = sorted(path.stem for path in HERE.glob("*.py"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE)
    options = parser.parse_args()
    for name in options.names:
        if name not in known:
            parser.error(f"no methods/{name}.py; there are {', '.join(known)}")
    torch.set_num_threads(1)
    for name in options.names or known:
        recorder = Recorder(name)
        importlib.import_module(f"methods.{name}").record(recorder)
        recorder.write(options.folder / f"{name}.json")


if __name__ == "__main__":
    main()
