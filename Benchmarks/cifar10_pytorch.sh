#!/usr/bin/env bash
# Repeats the quick recipe without the Bayesian losses in plain PyTorch, for several seeds, and compares
# the means: one seed decides nothing, since rounding alone leads a 1-bit network elsewhere.
#
#   Benchmarks/cifar10_pytorch.sh CIFAR10_FOLDER [OUTPUT_FOLDER] [SEED...]
#
# Needs `make build`. For each seed both sides run side by side, one thread each. A run that is already
# in the output folder is not repeated, one of ours that was stopped goes on.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
data="${1:?usage: Benchmarks/cifar10_pytorch.sh CIFAR10_FOLDER [OUTPUT_FOLDER] [SEED...]}"
output="${2:-$here/runs/cifar10-pytorch}"
seeds=("${@:3}")
[ "${#seeds[@]}" -gt 0 ] || seeds=(1 2 3)
python="${BONN_PYTHON:-$here/Training/.venv/bin/python}"
mkdir -p "$output"
# Neither run may outlive this script.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

train_ours() { # SEED
    local folder="$output/ours-$1"
    if grep -qs "^5," "$folder/metrics.csv"; then return; fi
    if [ -e "$folder/last.safetensors" ]; then
        "$here/bin/bonn" train --resume --output "$folder" >>"$folder.log" 2>&1
        return
    fi
    rm -rf "$folder"
    "$here/bin/bonn" train --config "$here/Training/recipes/wrn22-cifar10-quick.yaml" --data "$data" \
        --seed "$1" --threads 1 --set losses.kernel=0 --set losses.feature=0 --output "$folder" \
        >"$folder.log" 2>&1
}

train_theirs() { # SEED; the options are those of the recipe
    local log="$output/pytorch-$1.log"
    if grep -qs '^{"options"' "$log"; then return; fi
    "$python" "$here/Training/Tests/Oracle/train_cifar10.py" --data "$data" --seed "$1" --threads 1 \
        --channels-last --epochs 5 --batch-size 64 --optimizer adam --learning-rate 0.005 \
        --latent-learning-rate 0.0005 --scale-learning-rate 0.0002 --weight-decay 0 --padding 4 \
        --lambda 0 --theta 0 >"$log" 2>&1
}

for seed in "${seeds[@]}"; do
    train_ours "$seed" &
    ours=$!
    train_theirs "$seed" &
    theirs=$!
    for run in "$ours" "$theirs"; do
        if ! wait "$run"; then
            echo "error: a run of seed $seed failed; the reason is at the end of a file $output/*.log" >&2
            exit 1
        fi
    done
done
"$python" "$here/Benchmarks/pytorch_report.py" "$output" "${seeds[@]}"
