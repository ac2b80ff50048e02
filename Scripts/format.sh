#!/usr/bin/env bash
# Formats all Swift, C and C++ sources in place.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

project_files swift | xargs -0 swift format --in-place --parallel
project_files c h cpp hpp inc | xargs -0 "$VENV/bin/clang-format" -i
say "formatted"
