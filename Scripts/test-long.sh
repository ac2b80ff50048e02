#!/usr/bin/env bash
# What is too long for every day: the kernels over many more cases, the runtime under the sanitizers,
# and in the optimised build that users run.
source "$(dirname "${BASH_SOURCE[0]}")/testing.sh"

begin_tests
part setup Scripts/setup.sh
kernel_tests kernels --cases 136000 native sanitized sabotage
kernel_tests neon --cases 136000 neon counts
# Another seed: other cases than every day.
kernel_tests seeds --cases 136000 --seed "${SEED:-2}" native
# Foundation's Process leaks 32 bytes in the tests that call Python; nothing else may.
printf 'leak:libFoundation.so\n' >"$ROOT/.build/leaks-of-others"
export LSAN_OPTIONS="suppressions=$ROOT/.build/leaks-of-others:print_suppressions=0"
# The sanitizers have an allocator of their own, which nothing can stand in front of.
swift_tests address . --sanitize address --scratch-path .build/address --skip AllocationTests
swift_tests threads . --sanitize thread --scratch-path .build/thread --filter RuntimeTests \
    --skip AllocationTests
swift_tests release . --configuration release --scratch-path .build/optimised \
    -Xswiftc -enable-testing --filter 'KernelTests|RuntimeTests'
# Runs that are killed, and in which calls of the system fail, ten times as often as every day.
BONN_KILLS=200 BONN_FAULTS=200 swift_tests kills Training --filter 'KillTests|SaveFaultTests'
if [ "$(uname -s)" = Linux ]; then part static Scripts/static.sh; fi
end_tests
