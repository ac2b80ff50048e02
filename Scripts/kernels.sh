#!/usr/bin/env bash
# Builds the C test harness of the kernels and runs it, once for every mode that is named:
#
#   native      optimised, every kernel set that this processor runs
#   sanitized   the same with AddressSanitizer and UndefinedBehaviorSanitizer
#   neon        for aarch64 under qemu
#   counts      instructions in the inner loops of the NEON binary convolution
#   sabotage    kernels that are wrong on purpose, which the harness must notice
#
# The last line is "P passed, F failed, S skipped"; a mode that cannot run here is one skipped check.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

BUILD="$ROOT/.build/kernels"
SOURCES=(Tests/KernelHarness/*.c Sources/CBONNKernels/*.c Sources/CBONNKernels/*/*.c Sources/CBONNDigest/*.c)
FLAGS=(-std=c11 -g -O2 -ffp-contract=off -Wall -Wextra -Wpedantic -Werror
    -Wno-nullability-extension -D_GNU_SOURCE -ISources/CBONNKernels -ISources/CBONNKernels/include -ISources/CBONNDigest/include)
SANITIZERS=(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
CROSS=(--target=aarch64-linux-gnu -static)
passed=0 failed=0 skipped=0

usage() { fail "usage: Scripts/kernels.sh [--cases COUNT] [--seed S] MODE..."; }

# The compiler of the Swift toolchain: the one that builds the package.
find_clang() {
    if [ "$(uname -s)" = Darwin ]; then
        xcrun --find clang
    else
        local beside
        beside="$(dirname "$(readlink -f "$(command -v swift)")")/clang"
        if [ -x "$beside" ]; then say "$beside"; else command -v clang; fi
    fi
}

# build NAME FLAG...: the harness as $BUILD/NAME.
build() { "$CLANG" "${FLAGS[@]}" "${@:2}" "${SOURCES[@]}" -lm -o "$BUILD/$1"; }

# run NAME COMMAND...: runs the harness and adds its counts; one that says none has failed.
run() {
    local log="$BUILD/$1.log" counts
    "${@:2}" 2>&1 | tee "$log" || true
    counts="$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" || true)"
    if [ -n "$counts" ]; then
        passed=$((passed + $(cut -d' ' -f1 <<<"$counts")))
        failed=$((failed + $(cut -d' ' -f3 <<<"$counts")))
    else
        say "the kernel harness ended without its counts"
        failed=$((failed + 1))
    fi
}

# broken NAME: the harness of a mode does not compile.
broken() {
    say "the kernel harness ($1) does not compile; the compiler's messages are above"
    failed=$((failed + 1))
}

skip() {
    say "SKIPPED: $*"
    skipped=$((skipped + 1))
}

run_native() {
    if build native; then run native "$BUILD/native" "${ARGUMENTS[@]}"; else broken native; fi
}

run_sanitized() {
    local linker=()
    if [ "$(uname -s)" != Darwin ]; then linker=(-fuse-ld=lld); fi
    if build sanitized "${SANITIZERS[@]}" ${linker[@]+"${linker[@]}"}; then
        run sanitized "$BUILD/sanitized" "${ARGUMENTS[@]}"
    else
        broken sanitized
    fi
}

run_neon() {
    local emulator=""
    case "$(uname -m)" in
    arm64 | aarch64) skip "NEON under qemu: this is an ARM processor, the native run covers NEON" && return ;;
    esac
    local name
    for name in qemu-aarch64 qemu-aarch64-static; do
        if have "$name"; then emulator="$name"; fi
    done
    if [ -z "$emulator" ]; then
        skip "the NEON kernels: no qemu-aarch64 here (make setup installs it on Debian)"
    elif ! printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
        "$CLANG" "${CROSS[@]}" -x c - -o "$BUILD/probe" 2>/dev/null; then
        skip "the NEON kernels: no C library for aarch64 here (make setup installs it on Debian)"
    elif build neon "${CROSS[@]}"; then
        run neon "$emulator" "$BUILD/neon" "${ARGUMENTS[@]}"
    else
        broken neon
    fi
}

run_counts() {
    local objdump="" name kernel=Sources/CBONNKernels/bconv2d/bconv2d_neon.c
    for name in llvm-objdump aarch64-linux-gnu-objdump; do
        if have "$name"; then objdump="$name"; fi
    done
    if [ -z "$objdump" ] || ! have "$VENV_PYTHON"; then
        skip "the instruction counts: no llvm-objdump or aarch64-linux-gnu-objdump, or no Python here"
    elif "$CLANG" "${FLAGS[@]}" --target=aarch64-linux-gnu -ffreestanding -c "$kernel" \
        -o "$BUILD/counts.o"; then
        run counts "$VENV_PYTHON" Scripts/instruction_counts.py "$objdump" "$BUILD/counts.o"
    else
        broken counts
    fi
}

run_sabotage() {
    if build native; then run sabotage "$BUILD/native" --sabotage; else broken sabotage; fi
}

ARGUMENTS=()
while [ "${1:-}" = --cases ] || [ "${1:-}" = --seed ]; do
    [ $# -ge 2 ] || usage
    ARGUMENTS+=("$1" "$2")
    shift 2
done
[ $# -gt 0 ] || usage
CLANG="$(find_clang)" || fail "no clang beside swift; is the toolchain complete?"
mkdir -p "$BUILD"
for mode in "$@"; do
    case "$mode" in
    native | sanitized | neon | counts | sabotage) title "Kernels: $mode" && "run_$mode" ;;
    *) usage ;;
    esac
done
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
