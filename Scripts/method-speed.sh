#!/usr/bin/env bash
# What a training step of each method costs beside BONN's: WRN-22 (16-16-32-64, batches of 128), in turn, so that all
# meet the same machine. Prints the median of the ratios of each round, and the slowest last.
#
#   Scripts/method-speed.sh [METHOD...]
#
# METHOD... are all methods unless given. ROUNDS=5 measures each so often, STEPS=6 steps at a time, THREADS= threads
# (one per core unless given), PRECISION= float32 or bfloat16 gradients. Run it on a quiet machine.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ROUNDS="${ROUNDS:-5}"
THREADS="${THREADS:-$(getconf _NPROCESSORS_ONLN)}"
[ -x bin/bonn ] || fail "bin/bonn is missing; run 'make build'"
[ $# -gt 0 ] || set -- $(bin/bonn methods --json |
    "$VENV_PYTHON" -c 'import json, sys; print(*[m["name"] for m in json.load(sys.stdin)])')
share_the_machine

# milliseconds METHOD: the median step.
milliseconds() {
    bin/bonn benchmark --model wrn22 --widths 16-16-32-64 --batch-size 128 --steps "${STEPS:-6}" \
        --threads "$THREADS" --gradient-precision "${PRECISION:-float32}" --method "$1" --json |
        "$VENV_PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["step_ms_median"])'
}

ratios="$(mktemp)"
trap 'rm -f "$ratios"' EXIT
for ((round = 1; round <= ROUNDS; round++)); do
    say "round $round of $ROUNDS"
    bonn="$(milliseconds bonn)"
    for method in "$@"; do
        printf '%s %s %s\n' "$method" "$(milliseconds "$method")" "$bonn" >>"$ratios"
    done
done
"$VENV_PYTHON" - "$ratios" <<'PYTHON'
import collections
import statistics
import sys

rounds = collections.defaultdict(list)
for line in open(sys.argv[1]):
    method, own, bonn = line.split()
    rounds[method].append((float(own), float(own) / float(bonn)))
print(f"{'method':16} {'ms':>8} {'over bonn':>10}")
for method, found in sorted(rounds.items(), key=lambda item: statistics.median(r for _, r in item[1])):
    own, ratio = (statistics.median(column) for column in zip(*found))
    print(f"{method:16} {own:8.1f} {ratio:10.2f}")
PYTHON
