"""What the processes of rivals have in common: requests from standard input, answers on standard output.

A request is a line "NAME KIND THREADS RUNS BATCH"; its answer is a line of JSON. First comes one with the version.
With --once NAME KIND a process loads one model, runs it and says what that took.
"""
import importlib.metadata
import json
import os
import signal
import statistics
import sys
import time

WARM_UPS = 3


def median_milliseconds(run, runs):
    """The median time of `runs` calls, after some that do not count."""
    for _ in range(WARM_UPS):
        run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def answer(message):
    print(json.dumps(message), flush=True)


def memory_bytes(key):
    """VmRSS, what is resident, or VmHWM, its peak; that of getrusage begins with the peak of the parent."""
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def once(load, name, kind):
    """What loading a model and running an image on one thread took: load(name, kind) gives what runs it."""
    before = memory_bytes("VmRSS")
    start = time.perf_counter()
    load(name, kind)()
    milliseconds = 1e3 * (time.perf_counter() - start)
    answer({"load_ms": milliseconds, "grown_memory_bytes": memory_bytes("VmHWM") - before})


def main(library, models, probe):
    """Does what the command line says with `models`, a Models of the worker's, and the name of its package.

    Answers requests by models.measure(name, kind, threads, runs, batch), a dictionary, until the input ends.
    With --held the process first measures `probe`, a name and a kind, so that the library looks at the processor,
    and stops with SIGUSR1: hide_avx512.py waits for it.
    """
    if "--once" in sys.argv:
        once(models.runner, *sys.argv[3:5])
        return
    if "--held" in sys.argv:
        models.measure(*probe, 1, 1, 1)
        os.kill(os.getpid(), signal.SIGUSR1)
    answer({"version": importlib.metadata.version(library)})
    for line in sys.stdin:
        name, kind, threads, runs, batch = line.split()
        answer(models.measure(name, kind, int(threads), int(runs), int(batch)))
