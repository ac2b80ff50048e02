#!/usr/bin/env bash
# Speed on this machine, with what a number needs to be believed: date, commit, processor, threads.
# Training runs beside plain PyTorch in turn, so that both meet the same machine. Run it on a quiet one.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

WIDTHS="16-16-32-64"
BATCH=128
STEPS=10
CORES="$(getconf _NPROCESSORS_ONLN)"
results="$(mktemp -d)"
trap 'rm -rf "$results"' EXIT

processor() {
    if [ -r /proc/cpuinfo ]; then
        sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1
    else
        sysctl -n machdep.cpu.brand_string
    fi
}

title "Machine"
say "date       $(date -u +%Y-%m-%d)"
say "commit     $(git describe --always --dirty 2>/dev/null || echo unknown)"
say "processor  $(processor), $CORES cores"
say "training   WRN-22 $WIDTHS, all losses, batch $BATCH, $CORES threads"

title "Measuring (some minutes)"
for threads in $(printf '%s\n' 1 "$CORES" | sort -nu); do
    for network in wrn22.32 resnet18.224 quicknet.224; do
        bin/bonn-run bench --network "${network%.*}" --input "${network#*.}" --threads "$threads" \
            --json >"$results/inference.$network.$threads"
    done
done
for turn in 1 2; do
    bin/bonn benchmark --model wrn22 --widths "$WIDTHS" --batch-size "$BATCH" --steps "$STEPS" \
        --threads "$CORES" --json >"$results/bonn.$turn"
    # With LIBTORCH there is no PyTorch in the environment to compare with.
    if [ -z "${LIBTORCH:-}" ]; then
        "$VENV_PYTHON" Benchmarks/pytorch_training.py --widths "$WIDTHS" --batch-size "$BATCH" \
            --steps "$STEPS" --threads "$CORES" >"$results/pytorch.$turn"
    fi
done

title "Results"
"$VENV_PYTHON" Benchmarks/report.py "$results"
