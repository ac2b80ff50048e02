#!/usr/bin/env bash
# Runs every check of the project, all of them even when one fails, and closes with the counts.
source "$(dirname "${BASH_SOURCE[0]}")/testing.sh"

begin_tests
part setup Scripts/setup.sh
part lint Scripts/lint.sh
kernel_tests kernels --cases 34000 native sanitized sabotage
kernel_tests neon --cases 34000 neon counts
swift_tests root .
# Sessions in parallel, each with its threads, on one model; everything else is sequential.
swift_tests threads . --sanitize thread --scratch-path .build/thread \
    --filter 'SessionTests|ThreadPoolTests'
swift_tests tools Tools
swift_tests training Training
counted fuzz Scripts/fuzz.sh check
part consumer Scripts/consumer.sh
part docc Scripts/docc.sh
end_tests
