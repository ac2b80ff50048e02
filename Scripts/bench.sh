#!/usr/bin/env bash
# Speed on this machine, as a page in Benchmarks/results named after the processor, with what a number
# needs to be believed. Inference runs beside ONNX Runtime and OpenVINO and training beside plain PyTorch, in
# turn, so that all meet the same machine. Run it on a quiet one.
#
#   ROUNDS=7 RUNS=20     rounds of the inference benchmark, runs of a network in each
#   KERNELS="avx2"       kernel sets to measure; otherwise the best one and avx2
#   TRAINING=0           leaves out the training benchmark
#   OUTPUT=FILE          where the page goes
#
# The figures for avx2 on a machine that has AVX-512 need gdb and objdump (Debian: gdb, binutils), by which
# the rivals are held to AVX2; without them they are left out, with a line that says so.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

WIDTHS="16-16-32-64"
BATCH=128
STEPS=10
CORES="$(getconf _NPROCESSORS_ONLN)"
REQUIREMENTS="Benchmarks/requirements.txt"
STAMP="$VENV/.installed-benchmark-requirements"
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT

install_peers() {
    if [ -n "${LIBTORCH:-}" ] || [ -n "${BONN_PYTHON:-}" ]; then
        say "LIBTORCH or BONN_PYTHON is set: ONNX Runtime, with PyTorch, and OpenVINO are used if that Python has them"
        return
    fi
    if cmp -s "$REQUIREMENTS" "$STAMP"; then return; fi
    say "installing the packages of $REQUIREMENTS into Training/.venv"
    "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check -r "$REQUIREMENTS" ||
        fail "pip could not install the packages of $REQUIREMENTS; its own message is above."
    cp "$REQUIREMENTS" "$STAMP"
}

measure_training() {
    local turn precision
    # PyTorch has large pages too, which bonn asks for by itself.
    export THP_MEM_ALLOC_ENABLE=1
    for turn in 1 2 3; do
        for precision in float32 bfloat16; do
            bin/bonn benchmark --model wrn22 --widths "$WIDTHS" --batch-size "$BATCH" \
                --steps "$STEPS" --threads "$CORES" --gradient-precision "$precision" --json \
                >"$results/$precision.$turn"
        done
        # With LIBTORCH there is no PyTorch in the environment to compare with.
        if [ -z "${LIBTORCH:-}" ]; then
            "$VENV_PYTHON" Benchmarks/pytorch_training.py --widths "$WIDTHS" --batch-size "$BATCH" \
                --steps "$STEPS" --threads "$CORES" >"$results/pytorch.$turn"
        fi
    done
}

title "Packages of the benchmark"
install_peers
say "ready"

title "Inference on 1 and $CORES threads (some minutes)"
# shellcheck disable=SC2046,SC2086 # one word a number, one word a kernel set
"$VENV_PYTHON" Benchmarks/inference.py --output "$results/inference.json" \
    --rounds "${ROUNDS:-7}" --runs "${RUNS:-20}" \
    --threads $(printf '%s\n' 1 "$CORES" | sort -nu) ${KERNELS:+--kernels $KERNELS}

if [ "${TRAINING:-1}" = 1 ]; then
    title "Training on $CORES threads (some minutes)"
    measure_training
fi

title "Results"
commit="$(git describe --always --dirty 2>/dev/null || echo unknown)"
"$VENV_PYTHON" Benchmarks/report.py "$results" "$commit" >"$results/page.md"
processor="$(sed -n '1s/^# Speed on //p' "$results/page.md" | tr -cs '[:alnum:]\n' '-' | tr '[:upper:]' '[:lower:]')"
page="${OUTPUT:-Benchmarks/results/${processor%-}.md}"
mkdir -p "$(dirname "$page")"
cp "$results/page.md" "$page"
cat "$page"
say ""
say "Written to $page"
