"""Counts the instructions of the NEON binary convolution's inner loops.

    instruction_counts.py OBJDUMP OBJECT

Prints, for every inner loop that counts bits, what it spends on 128 binary multiply-accumulates, and
in its last line "P passed, F failed": a loop passes with at most as many vector instructions as the
hand-written kernel of Larq Compute Engine (8x4x4 tile: 96 for 4096 multiply-accumulates, besides 12
loads), and without touching the stack.
"""

import re
import subprocess
import sys
from typing import NamedTuple

LARQ_VECTOR = 3.0
LARQ_LOADS = 12 / 32
BITS_OF_A_COUNT = 128  # CNT on 16 bytes: as many multiply-accumulates


class Instruction(NamedTuple):
    address: int
    name: str
    operands: str

    @property
    def is_load(self):
        return self.name.startswith("ld")

    @property
    def is_vector(self):
        return re.search(r"\bv\d+\.", self.operands) is not None

    @property
    def target(self):
        """Where a jump inside the function goes, or None."""
        if not (self.name == "b" or self.name.startswith(("b.", "cb", "tb"))):
            return None
        found = re.search(r"(?:0x)?([0-9a-f]+)(?: <[^>]*>)?$", self.operands)
        return int(found.group(1), 16) if found else None


def disassemble(objdump, path):
    text = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", path], check=True, capture_output=True, text=True
    ).stdout
    for line in text.splitlines():
        found = re.match(r"\s*([0-9a-f]+):\s+([a-z][\w.]*)\s*(.*)", line)
        if found:
            operands = found.group(3).split("//")[0].strip()
            yield Instruction(int(found.group(1), 16), found.group(2), operands)


def inner_loops(code):
    """Runs of instructions that end in a jump back to their begin, with no other jump inside."""
    places = {instruction.address: place for place, instruction in enumerate(code)}
    for end, instruction in enumerate(code):
        begin = places.get(instruction.target)
        if begin is not None and begin <= end:
            body = code[begin : end + 1]
            if all(other.target is None for other in body[:-1]):
                yield body


def main():
    objdump, path = sys.argv[1:]
    rows = []
    for body in inner_loops(list(disassemble(objdump, path))):
        counts = sum(instruction.name == "cnt" for instruction in body)
        if counts == 0:
            continue
        vector = sum(i.is_vector and not i.is_load and i.name[:2] != "st" for i in body)
        loads = sum(i.is_load for i in body)
        stack = sum("sp" in i.operands for i in body)
        rows.append((counts, vector, loads, len(body) - vector - loads, stack))
    rows.sort(reverse=True)
    print(f"{'multiply-accumulates':>20}{'vector':>8}{'/128':>7}{'loads':>7}{'/128':>7}{'other':>7}")
    passed = 0
    for counts, vector, loads, other, stack in rows:
        print(
            f"{counts * BITS_OF_A_COUNT:>20}{vector:>8}{vector / counts:>7.2f}"
            f"{loads:>7}{loads / counts:>7.3f}{other:>7}"
            + (f"  {stack} on the stack" if stack else "")
        )
        passed += vector / counts <= LARQ_VECTOR and stack == 0
    print(f"{'Larq 4096':>20}{96:>8}{LARQ_VECTOR:>7.2f}{12:>7}{LARQ_LOADS:>7.3f}{1:>7}")
    if not rows:
        print("no loop counts bits: is this the object of the NEON kernel?")
    failed = len(rows) - passed + (not rows)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
