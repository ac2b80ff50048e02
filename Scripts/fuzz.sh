#!/usr/bin/env bash
# What reads the files of strangers, under libFuzzer and the address and undefined-behaviour sanitizers.
#
#   Scripts/fuzz.sh MINUTES          all targets for so long together; then what the corpus covers
#   Scripts/fuzz.sh check            seeds, regressions and a fixed number of seeded mutations
#   Scripts/fuzz.sh run TARGET FILE  one input again, as a finding says
#   Scripts/fuzz.sh coverage         what the corpus covers of BONNModelFormat
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

BUILD=Fuzz/.build
CORPUS="$BUILD/corpus"
FINDINGS=Fuzz/findings
PROGRAM="$BUILD/release/bonn-fuzz"
# What one input may cost: seconds and megabytes, the sanitizers' share included; and its size in bytes.
LIMITS=(-timeout=20 -rss_limit_mb=1024 -max_len=32768)
# A trap ends the process at once; Swift's own backtrace would wait for the fuzzer, which waits for it.
export SWIFT_BACKTRACE=enable=no
# The same run twice: dictionaries are in the same order every time.
export SWIFT_DETERMINISTIC_HASHING=1
export ASAN_OPTIONS="allocator_may_return_null=1:${ASAN_OPTIONS:-}"

# Where the toolchain has its runtimes.
runtimes() { swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": *"\(.*\)".*/\1/p'; }

archive() { printf '%s/clang/lib/linux/libclang_rt.fuzzer_no_main-%s.a' "$(runtimes)" "$(uname -m)"; }

# Why there is nothing to run here; nothing where there is.
obstacle() {
    if [ "$(uname -s)" != Linux ]; then
        say "libFuzzer comes with Swift's toolchains for Linux only"
    elif [ ! -f "$(archive)" ]; then
        say "this Swift toolchain has no $(archive)"
    fi
}

build_fuzzers() {
    local flags=(-sanitize-coverage=edge,trace-cmp,8bit-counters)
    flags+=(-Xllvm -sanitizer-coverage-inline-8bit-counters=1 -Xllvm -sanitizer-coverage-pc-table=1)
    local swift=() flag
    for flag in "${flags[@]}"; do swift+=(-Xswiftc "$flag"); done
    swift build --package-path Fuzz --configuration release --product bonn-fuzz --sanitize=address \
        "${swift[@]}" -Xcc -fsanitize=undefined,fuzzer-no-link -Xcc -fno-sanitize-recover=undefined \
        -Xcc "-fsanitize-ignorelist=$ROOT/Fuzz/unchecked.txt" \
        -Xcc "-fsanitize-coverage-ignorelist=$ROOT/Fuzz/uninstrumented.txt" \
        -Xlinker "$(archive)" -Xlinker -lstdc++ 2>&1 | grep -v 'ld.gold: warning: Cannot export local'
}

targets() { "$PROGRAM" list; }

# collect TARGET FOLDER: the seeds, what the tests hold of the format, and earlier findings.
collect() {
    local target="$1" folder="$2" kind
    mkdir -p "$folder"
    "$PROGRAM" seeds "$target" "$folder"
    case "$target" in
    model) cp Tests/ModelFormatTests/Golden/*.bonn "$folder" ;;
    safetensors) cp Tests/ModelFormatTests/Golden/*.safetensors "$folder" ;;
    *)
        for kind in "$target" "${target/jpeg/jpg}"; do
            find Tools/Tests/BONNImageIOTests/Pillow/Fixtures -name "*.$kind" -exec cp {} "$folder" \;
        done
        ;;
    esac
    if [ -d "Fuzz/Regressions/$target" ]; then cp "Fuzz/Regressions/$target"/* "$folder"; fi
}

# fuzz TARGET LOG OPTION...: one run of libFuzzer with the target's dictionary.
fuzz() {
    local target="$1" log="$2"
    mkdir -p "$FINDINGS/$target"
    "$PROGRAM" "$target" "${LIMITS[@]}" -artifact_prefix="$FINDINGS/$target/" -print_final_stats=1 \
        -dict="Fuzz/Dictionaries/$target.dict" "${@:3}" >"$log" 2>&1
}

# How many inputs a log counts; 0 for a process that was killed before it could say.
executions() {
    local count
    count="$(sed -n 's/^stat::number_of_executed_units: *//p' "$1" | tail -n 1)"
    say "${count:-0}"
}

# What a log says in one line: "12345 inputs, 678 accepted".
outcome() {
    local accepted
    accepted="$(sed -n 's/.*: accepted \([0-9]*\) of \([0-9]*\) inputs$/\2 inputs, \1 accepted/p' "$1" | tail -n 1)"
    say "${accepted:-$(executions "$1") inputs}"
}

# The lines of a log that say what went wrong, and how to see it again.
explain() {
    local target="$1" log="$2" file
    grep -E -m 4 'broken promise|Fatal error|a message of|ERROR: |runtime error: |^SUMMARY' "$log" || true
    file="$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
    say "again: Scripts/fuzz.sh run $target $file"
}

# All targets in turn; every finding is kept, and a target goes on after one.
campaign() {
    local minutes="$1" target seconds left start log found=0 total=0 count
    [[ "$minutes" =~ ^[1-9][0-9]*$ ]] || fail "expected a number of minutes, found '$minutes'"
    seconds=$((minutes * 60 / $(targets | wc -l)))
    for target in $(targets); do
        title "Fuzz: $target, $seconds s"
        collect "$target" "$CORPUS/$target"
        start=$SECONDS left=$seconds count=0
        while [ "$left" -gt 0 ] && [ "$count" -lt 10 ]; do
            log="$BUILD/$target.log"
            if fuzz "$target" "$log" -max_total_time="$left" "$CORPUS/$target"; then
                :
            else
                count=$((count + 1))
                explain "$target" "$log"
            fi
            grep -E 'cov: ' "$log" | tail -n 1 || true
            total=$((total + $(executions "$log")))
            say "$(outcome "$log"), $(find "$CORPUS/$target" -type f | wc -l) in the corpus"
            left=$((seconds - (SECONDS - start)))
        done
        found=$((found + count))
    done
    coverage
    title "Fuzz: $total inputs, $found findings"
    [ "$found" -eq 0 ] || fail "$found findings in $FINDINGS"
}

# How many mutations the check tries: what runs whole networks takes longest.
check_runs() { if [ "$1" = model ]; then say 4000; else say 20000; fi; }

# Every target: seeds and regressions, and mutations of them, the same ones every time. A check a target;
# the last line has the counts.
check() {
    local target folder log good=0 wrong=0
    for target in $(targets); do
        folder="$BUILD/check/$target" log="$BUILD/check/$target.log"
        rm -rf "$folder"
        collect "$target" "$folder"
        if fuzz "$target" "$log" -runs="$(check_runs "$target")" -seed=1 "$folder"; then
            good=$((good + 1))
            say "ok: $target, $(outcome "$log")"
        else
            wrong=$((wrong + 1))
            say "FAILED: $target, $(outcome "$log")"
            explain "$target" "$log"
        fi
    done
    say "$good passed, $wrong failed, 0 skipped"
    [ "$wrong" -eq 0 ]
}

# What the corpora of all targets, or else the seeds, reach in the module that reads model files.
coverage() {
    local scratch="$BUILD/coverage" target folder tools
    title "Coverage of BONNModelFormat"
    swift build --package-path Fuzz --scratch-path "$scratch" --configuration release \
        --product bonn-fuzz -Xswiftc -profile-generate -Xswiftc -profile-coverage-mapping \
        -Xlinker "$(archive)" -Xlinker -lstdc++ >"$BUILD/coverage.log" 2>&1 ||
        fail "the build for the coverage failed; see $BUILD/coverage.log"
    rm -rf "$scratch/profiles"
    for target in $(targets); do
        folder="$CORPUS/$target"
        if [ ! -d "$folder" ]; then
            folder="$scratch/seeds/$target"
            collect "$target" "$folder"
        fi
        find "$folder" -type f -print0 |
            LLVM_PROFILE_FILE="$scratch/profiles/%p.profraw" \
                xargs -0 -n 500 "$scratch/release/bonn-fuzz" "$target" >/dev/null 2>"$BUILD/coverage.log" ||
            fail "an input of $folder fails without the sanitizers; see $BUILD/coverage.log"
    done
    tools="$(runtimes)/../../bin"
    "$tools/llvm-profdata" merge -o "$scratch/all.profdata" "$scratch"/profiles/*.profraw
    "$tools/llvm-cov" report "$scratch/release/bonn-fuzz" -instr-profile="$scratch/all.profdata" \
        -show-branch-summary=false Sources/BONNModelFormat |
        awk '/^Filename/ || /\.swift|^TOTAL/ { printf "%-28s %14s %14s\n", $1,
             (NR == 1 ? "regions" : $4), (NR == 1 ? "lines" : $10) }'
}

reason="$(obstacle)"
if [ -n "$reason" ]; then
    say "SKIPPED: $reason"
    say "0 passed, 0 failed, 1 skipped"
    exit 0
fi
case "${1:-}" in
check)
    build_fuzzers
    check
    ;;
coverage)
    build_fuzzers
    coverage
    ;;
run)
    [ $# -ge 3 ] || fail "expected: Scripts/fuzz.sh run TARGET FILE..."
    build_fuzzers
    mkdir -p "$FINDINGS/$2"
    "$PROGRAM" "$2" "${LIMITS[@]}" -artifact_prefix="$FINDINGS/$2/" "${@:3}"
    ;;
*)
    build_fuzzers
    campaign "${1:-8}"
    ;;
esac
