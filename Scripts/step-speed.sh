#!/usr/bin/env bash
# Whether a change costs speed in training: the step of WRN-22 (16-16-32-64, batches of 128) with the `bonn`
# of two checkouts, in turn, so that both meet the same machine. Prints the medians and their ratio.
#
#   Scripts/step-speed.sh BEFORE [AFTER]
#
# BEFORE and AFTER (this checkout unless given) are checkouts with a release build (make build), or
# programs. ROUNDS=5 measures each so often, STEPS=10 steps at a time, THREADS= threads (one per core
# unless given). Run it on a quiet machine.
given=("$@")
for index in "${!given[@]}"; do
    given[index]="$(realpath -- "${given[index]}")" || exit 1
done
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ROUNDS="${ROUNDS:-5}"
THREADS="${THREADS:-$(getconf _NPROCESSORS_ONLN)}"

# The program of a checkout, or the program itself.
program() {
    local path="$1"
    if [ -d "$path" ]; then path="$path/bin/bonn"; fi
    [ -x "$path" ] || fail "$path is no program; run 'make build' in its checkout"
    printf '%s' "$path"
}

# rate PROGRAM: images per second.
rate() {
    "$1" benchmark --model wrn22 --widths 16-16-32-64 --batch-size 128 --steps "${STEPS:-10}" \
        --threads "$THREADS" --json |
        "$VENV_PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["images_per_second"])'
}

# median NUMBER...
median() {
    printf '%s\n' "$@" | sort -g |
        awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

case "${#given[@]}" in
    1 | 2) ;;
    *) fail "expected one or two checkouts, found ${#given[@]}: Scripts/step-speed.sh BEFORE [AFTER]" ;;
esac
before="$(program "${given[0]}")"
after="$(program "${given[1]:-$ROOT}")"
share_the_machine

rates_before=() rates_after=()
for ((round = 1; round <= ROUNDS; round++)); do
    first="$(rate "$before")"
    second="$(rate "$after")"
    say "round $round of $ROUNDS: $first and $second images/s"
    rates_before+=("$first") rates_after+=("$second")
done
first="$(median "${rates_before[@]}")"
second="$(median "${rates_after[@]}")"
say "before  $first images/s  $before"
say "after   $second images/s  $after"
awk -v a="$first" -v b="$second" 'BEGIN { printf "ratio   %.3f (above 1: faster)\n", b / a }'
