# shellcheck shell=bash
# Sourced by test.sh and test-long.sh: checks that are all run even when one fails, and their counts.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

LOGS="$ROOT/.build/test-logs"
passed=0 failed=0 skipped=0
summary=()

# The name, the seconds and the result of a part, for the summary.
note() { summary+=("$(printf '%-10s %5d s  %s' "$1" "$2" "$3")"); }

# part NAME COMMAND...: one check, by its exit status.
part() {
    local name="$1" start=$SECONDS
    shift
    if "$@"; then
        passed=$((passed + 1))
        note "$name" $((SECONDS - start)) ok
    else
        failed=$((failed + 1))
        note "$name" $((SECONDS - start)) FAILED
    fi
}

# count PATTERN LOG: how many tests the log reports with a line like "✔ Test NAME PATTERN".
count() { { grep -E "^[^ ]+ +Test .* $1" "$2" || true; } | grep -cvE '^[^ ]+ +Test run with ' || true; }

# swift_tests NAME PACKAGE [ARGUMENT...]: as many checks as the package has tests; at least one failure
# where the command fails or runs nothing, so that a package that does not build cannot pass.
swift_tests() {
    local name="$1" package="$2" start=$SECONDS status=0 good wrong left
    local log="$LOGS/$name.log"
    title "swift test: $name"
    swift test --package-path "$package" --disable-xctest "${@:3}" 2>&1 | tee "$log" || status=$?
    good="$(count 'passed after ' "$log")"
    wrong="$(count 'failed after ' "$log")"
    left="$(count 'skipped(:|\.|$)' "$log")"
    if [ "$wrong" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; }; then
        wrong=1
    fi
    passed=$((passed + good))
    failed=$((failed + wrong))
    skipped=$((skipped + left))
    if [ "$wrong" -eq 0 ]; then
        note "$name" $((SECONDS - start)) "ok, $good tests"
    else
        note "$name" $((SECONDS - start)) "FAILED, $wrong of $((good + wrong)) (log: ${log#"$ROOT"/})"
        grep -E 'recorded an issue|failed after |error: |[Ff]atal error' "$log" |
            head -n 40 >"$log.failures" || true
    fi
}

# kernel_tests NAME ARGUMENT...: the C harness of the kernels (Scripts/kernels.sh), a check a case.
kernel_tests() { counted "$1" Scripts/kernels.sh "${@:2}"; }

# counted NAME COMMAND...: a command that ends with the counts of its checks.
counted() {
    local name="$1" start=$SECONDS good=0 wrong=1 left=0 counts
    local log="$LOGS/$name.log"
    "${@:2}" 2>&1 | tee "$log" || true
    counts="$(tail -n 1 "$log")"
    if [[ "$counts" =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        good="${BASH_REMATCH[1]}" wrong="${BASH_REMATCH[2]}" left="${BASH_REMATCH[3]}"
    fi
    passed=$((passed + good))
    failed=$((failed + wrong))
    skipped=$((skipped + left))
    if [ "$wrong" -ne 0 ]; then
        note "$name" $((SECONDS - start)) "FAILED, $wrong of $((good + wrong)) (log: ${log#"$ROOT"/})"
        grep -A 1 -E '^FAILED|ERROR: |runtime error: |error: |broken promise|^again: ' "$log" | head -n 40 >"$log.failures" || true
    elif [ "$good" -eq 0 ]; then
        note "$name" $((SECONDS - start)) "$(grep -m 1 '^SKIPPED' "$log")"
    else
        note "$name" $((SECONDS - start)) "ok, $good checks"
    fi
}

# Starts a run: logs, the Python environment, and photos to decode where there are some.
begin_tests() {
    share_the_machine
    mkdir -p "$LOGS"
    rm -f "$LOGS"/*
    export BONN_PYTHON="$VENV_PYTHON"
    if [ -z "${BONN_PHOTOS:-}" ] && [ -d "$ROOT/../shared/data/photos" ]; then
        BONN_PHOTOS="$(cd "$ROOT/../shared/data/photos" && pwd)"
        export BONN_PHOTOS
    fi
}

# Prints the failures and the summary; fails if a check has failed.
end_tests() {
    local failures
    for failures in "$LOGS"/*.failures; do
        [ -s "$failures" ] || continue
        title "Failures of $(basename "$failures" .log.failures)"
        cat "$failures"
    done
    title "Summary"
    printf '%s\n' "${summary[@]}"
    printf '%-10s %5d s\n\n' all "$SECONDS"
    if [ "$skipped" -gt 0 ]; then
        say "$passed passed, $failed failed, $skipped skipped"
    else
        say "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ]
}
