"""A script for gdb: runs a program whose rival takes the processor for one with AVX2 and no more.

    gdb -batch -x hide_avx512.py --args python3 onnx_worker.py FOLDER --held

The targets of this project are set for such a processor, and where only a newer one is at hand, kernels
that use AVX2 have to be compared with a rival that does the same. ONNX Runtime and OpenVINO have no switch
for it. So every CPUID instruction of their libraries is stopped at, and AVX-512 and AVX-VNNI are struck out
of the answer. When the program signals itself that this is done, gdb lets go of it: what is measured afterwards runs
at full speed. Exits with 1 when there was nothing to strike out.
"""
import os
import re
import subprocess
import sys

import gdb

# Names of files begin so.
LIBRARIES = ("onnxruntime_pybind11_state", "libopenvino")


def mask(*bits):
    return ~sum(1 << bit for bit in bits)


# What is left of each register, by leaf and subleaf (Intel's manual, volume 2, CPUID).
KEPT = {
    (7, 0): {
        "ebx": mask(16, 17, 21, 26, 27, 28, 30, 31),  # AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL
        "ecx": mask(1, 6, 11, 12, 14),  # AVX-512 VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ
        "edx": mask(2, 3, 8, 22, 23, 24, 25),  # AVX-512 4VNNIW, 4FMAPS, VP2INTERSECT, FP16; AMX
    },
    # AVX-VNNI, AVX-512 BF16, AMX-FP16, AVX-IFMA; AVX-VNNI-INT8, AVX-NE-CONVERT, AVX-VNNI-INT16, AVX10.
    (7, 1): {"eax": mask(4, 5, 21, 23), "edx": mask(4, 5, 10, 19)},
}


def register(name):
    return int(gdb.parse_and_eval(f"(unsigned int)${name}")) & 0xFFFFFFFF


def loaded_libraries():
    """The paths of the rivals' libraries and where their address 0 lies."""
    found = {}
    with open(f"/proc/{gdb.selected_inferior().pid}/maps") as lines:
        for line in lines:
            fields = line.split()
            if len(fields) == 6 and os.path.basename(fields[-1]).startswith(LIBRARIES):
                found.setdefault(fields[-1], int(fields[0].split("-")[0], 16) - int(fields[2], 16))
    return found


def cpuid_addresses(path, base):
    command = ["objdump", "-d", "--no-show-raw-insn", path]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {base + int(site, 16) for site in re.findall(r"^ *([0-9a-f]+):\s+cpuid\s*$", code, re.M)}


def main():
    signals = []
    gdb.events.stop.connect(
        lambda event: isinstance(event, gdb.SignalEvent) and signals.append(event.stop_signal))
    for setting in ("pagination off", "confirm off", "breakpoint pending on", "print thread-events off"):
        gdb.execute("set " + setting)
    gdb.execute("handle SIGUSR1 stop print nopass", to_string=True)
    # A basic regular expression.
    gdb.execute("catch load " + r"\|".join(LIBRARIES), to_string=True)
    gdb.execute("run", to_string=True)
    libraries, breakpoints, struck = set(), {}, 0
    while not signals:
        # Libraries have just been loaded, whose own start-up code has not run, or a CPUID is next.
        loaded = loaded_libraries()
        for path in loaded.keys() - libraries:
            libraries.add(path)
            for site in cpuid_addresses(path, loaded[path]):
                breakpoints[site] = gdb.Breakpoint(f"*{site:#x}", internal=True)
        if gdb.selected_frame().pc() in breakpoints:
            question = (register("eax"), register("ecx"))
            gdb.execute("stepi", to_string=True)
            for name, kept in KEPT.get(question, {}).items():
                found = register(name)
                struck += found != found & kept
                gdb.execute(f"set $r{name[1:]} = {found & kept:#x}")
        gdb.execute("continue", to_string=True)
    for breakpoint in breakpoints.values():
        breakpoint.delete()
    if struck == 0 or signals != ["SIGUSR1"]:
        gdb.execute("kill", to_string=True)
        sys.stderr.write(f"hide_avx512: {struck} answers changed, stopped by {signals}\n")
        gdb.execute("quit 1")
    gdb.execute("detach", to_string=True)


main()
