"""What loading a network takes: milliseconds, memory, and the bytes of its files.

Every rival runs in a process of its own for each network.
"""
import json
import pathlib
import statistics
import subprocess
import sys

TURNS = 3


def footprint(rival, worker, folder, name, kind, endings):
    """Milliseconds to load and run the first image, memory that grew, bytes of the files."""
    here = pathlib.Path(__file__).parent
    turns = []
    for _ in range(TURNS):
        command = [sys.executable, str(here / worker), folder, "--once", name, kind]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
        turns.append(json.loads(done.stdout))
    return {
        "what": name, "by": f"{rival} {kind}",
        "load_ms": statistics.median(turn["load_ms"] for turn in turns),
        "grown_memory_bytes": statistics.median(turn["grown_memory_bytes"] for turn in turns),
        "file_bytes": sum((pathlib.Path(folder) / f"{name}.{ending}").stat().st_size for ending in endings),
    }
