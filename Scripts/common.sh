# shellcheck shell=bash
# Sourced by every script here: where things are, and how to talk to a person.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/Training/.venv"
VENV_PYTHON="${BONN_PYTHON:-$VENV/bin/python}"
cd "$ROOT"

# LibTorch's threads wait for one another by spinning. Beside any other busy process that costs more
# than the work itself (measured: a tenth of the images per second); sleeping threads do not care.
share_the_machine() { export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"; }

say() { printf '%s\n' "$*"; }
title() { printf '\n== %s ==\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The files of the project with one of the given endings (all files without any), NUL-separated: what
# git tracks or would track, or everything outside the build folders where there is no git checkout.
project_files() {
    local patterns=() ending
    if git -C "$ROOT" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        for ending in "$@"; do patterns+=("*.$ending"); done
        git ls-files -z --cached --others --exclude-standard -- ${patterns[@]+"${patterns[@]}"} |
            while IFS= read -r -d '' file; do
                # A link leads to a file that is in the list itself.
                if [ -f "$file" ] && [ ! -L "$file" ]; then printf '%s\0' "$file"; fi
            done
    else
        for ending in "${@-}"; do patterns+=(-o -name "*${ending:+.$ending}"); done
        find . \( -name '.build*' -o -name .venv -o -name .libtorch -o -name bin -o -name demo \) \
            -prune -o -type f \( "${patterns[@]:1}" \) -print0
    fi
}
