#!/usr/bin/env bash
# The loss ablation of the paper in its quick form: one recipe, one seed, three runs: without the
# Bayesian losses, with the kernel loss, with both. Prints accuracies and the two modes in numbers.
#
#   Benchmarks/cifar10_losses.sh CIFAR10_FOLDER [OUTPUT_FOLDER] [SEED]
#
# Needs `make build`. The runs go side by side, one thread each.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
data="${1:?usage: Benchmarks/cifar10_losses.sh CIFAR10_FOLDER [OUTPUT_FOLDER] [SEED]}"
output="${2:-$here/runs/cifar10-losses}"
seed="${3:-1}"
mkdir -p "$output"
# No run may outlive this script.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

train() { # NAME SETTING...
    local name="$1"
    shift
    "$here/bin/bonn" train --config "$here/Training/recipes/wrn22-cifar10-quick.yaml" \
        --data "$data" --seed "$seed" --threads 1 --output "$output/$name" "$@" \
        >"$output/$name.log" 2>&1
}

train none --set losses.kernel=0 --set losses.feature=0 &
runs=($!)
train kernel --set losses.feature=0 &
runs+=($!)
train both &
runs+=($!)
for run in "${runs[@]}"; do
    if ! wait "$run"; then
        echo "error: a run failed; the reason is at the end of a file $output/*.log" >&2
        exit 1
    fi
done
python3 "$here/Benchmarks/losses_report.py" "$output"
