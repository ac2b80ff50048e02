#!/usr/bin/env bash
# The loss ablation of the paper in its quick form: one recipe, one seed, three runs: without the
# Bayesian losses, with the kernel loss, with both. Prints accuracies and the two modes in numbers.
#
#   Benchmarks/cifar10_losses.sh CIFAR10_FOLDER [OUTPUT_FOLDER] [SEED]
#
# Needs `make build`. The runs go side by side, one thread each, as many as there are cores.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
data="${1:?usage: Benchmarks/cifar10_losses.sh CIFAR10_FOLDER [OUTPUT_FOLDER] [SEED]}"
output="${2:-$here/runs/cifar10-losses}"
seed="${3:-1}"
mkdir -p "$output"

train() { # NAME SETTING...
    local name="$1"
    shift
    "$here/bin/bonn" train --config "$here/Training/recipes/wrn22-cifar10-quick.yaml" \
        --data "$data" --seed "$seed" --threads 1 --output "$output/$name" "$@" \
        >"$output/$name.log" 2>&1
}

running=0
for run in "none losses.kernel=0 losses.feature=0" "kernel losses.feature=0" "both"; do
    read -r -a words <<<"$run"
    settings=()
    for word in "${words[@]:1}"; do settings+=(--set "$word"); done
    train "${words[0]}" ${settings[@]+"${settings[@]}"} &
    running=$((running + 1))
    if [ "$running" -ge "$(getconf _NPROCESSORS_ONLN)" ]; then
        wait -n
        running=$((running - 1))
    fi
done
wait
python3 "$here/Benchmarks/losses_report.py" "$output"
