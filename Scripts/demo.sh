#!/usr/bin/env bash
# A trained 1-bit network at work, and then from data to the predictions of one, in a few minutes: train, export
# with the parity certificate, classify image files, and one table. CIFAR10=DIR trains on CIFAR-10 instead of
# the images that the program draws itself.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

share_the_machine

OUTPUT=demo
CHECKPOINT="$OUTPUT/run/best.safetensors"
MODEL="$OUTPUT/demo.bonn"

data="${CIFAR10:-synthetic}"
if [ "$data" = synthetic ]; then
    recipe=(--config Training/recipes/synthetic-demo.yaml)
elif [ -d "$data" ]; then
    # Two of the recipe's five epochs, so that the demo stays a matter of minutes.
    recipe=(--config Training/recipes/wrn22-cifar10-quick.yaml --epochs 2)
else
    fail "CIFAR10 is $data, which is not a folder."
fi
rm -rf "$OUTPUT"
mkdir -p "$OUTPUT"

title "A trained network of $(wc -c <Models/wrn22-cifar10.bonn) bytes at work, on drawings"
bin/bonn-run classify Models/wrn22-cifar10.bonn Models/drawings/*.png --top 2

title "Train a 1-bit network on $data"
bin/bonn train "${recipe[@]}" --data "$data" --output "$OUTPUT/run"

title "Export it, and compare the exported with the trained network"
bin/bonn export "$CHECKPOINT" --data "$data" --output "$MODEL"

title "Classify image files"
bin/bonn data convert "$data" --images 100 --to images --output "$OUTPUT/images"
# One file a class.
files=()
for folder in "$OUTPUT"/images/test/*/; do
    for file in "$folder"*.png; do
        if [ -f "$file" ]; then
            files+=("$file")
            break
        fi
    done
done
bin/bonn-run classify "$MODEL" "${files[@]}" --top 1

title "Measure"
bin/bonn evaluate "$CHECKPOINT" --data "$data" --json >"$OUTPUT/evaluate.json"
bin/bonn summary "$CHECKPOINT" --json >"$OUTPUT/summary.json"
bin/bonn benchmark --config "$OUTPUT/run/config.yaml" --method real --inference --batch-size 1 \
    --threads 1 --steps 100 --json >"$OUTPUT/float.json"
bin/bonn-run evaluate "$MODEL" --data "$data" --json >"$OUTPUT/runtime.json"
bin/bonn-run bench "$MODEL" --threads 1 --runs 100 --json >"$OUTPUT/bench.json"

title "Result"
"$VENV_PYTHON" Scripts/demo_report.py "$OUTPUT"
say ""
say "The model is demo/demo.bonn, the training run demo/run. Try: bin/bonn-run info demo/demo.bonn"
