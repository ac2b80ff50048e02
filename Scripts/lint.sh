#!/usr/bin/env bash
# Formatting, and the promises of ARCHITECTURE.md that no compiler checks. Reports all that is wrong.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

MAXIMUM_LINES=500
problems=0

# check DESCRIPTION COMMAND...: the command prints what is wrong and fails, or succeeds.
check() {
    local description="$1"
    shift
    if "$@"; then
        say "ok: $description"
    else
        say "WRONG: $description"
        problems=$((problems + 1))
    fi
}

swift_format() { project_files swift | xargs -0 swift format lint --strict --parallel; }

c_format() { project_files c h cpp hpp inc | xargs -0 "$VENV/bin/clang-format" --dry-run -Werror; }

root_depends_on_nothing() {
    grep -q '^    dependencies: \[\],$' Package.swift && ! grep -n '\.package(' Package.swift
}

root_has_no_unsafe_flags() { ! grep -nE 'unsafeFlags|resources:|\.systemLibrary' Package.swift; }

no_foundation() {
    ! grep -rnE '^[^/"]*\bimport +((class|enum|func|let|protocol|struct|typealias|var) +)?Foundation' \
        Sources/BONNModelFormat Sources/BONNRuntime Sources/BONNImage
}

short_files() {
    project_files swift c h cpp hpp inc sh py |
        xargs -0 awk -v limit="$MAXIMUM_LINES" '
            FNR == limit + 1 { print FILENAME ": longer than " limit " lines"; long = 1 }
            END { exit long }'
}

no_build_folders() {
    git rev-parse --is-inside-work-tree >/dev/null 2>&1 || return 0
    ! git ls-files | grep -E '(^|/)(\.build[^/]*|\.venv|__pycache__|bin|runs)/|(^|/)(\.libtorch|Package\.resolved)$'
}

shell_syntax() {
    local file wrong=0
    for file in .ci/run Scripts/*.sh; do bash -n "$file" || wrong=1; done
    return "$wrong"
}

python_syntax() {
    project_files py | xargs -0 "$VENV_PYTHON" -c '
import ast, pathlib, sys
for path in sys.argv[1:]:
    ast.parse(pathlib.Path(path).read_text(encoding="utf-8"), path)'
}

title "Lint"
check "swift format (make format settles it)" swift_format
check "clang-format (make format settles it)" c_format
check "the root package depends on nothing" root_depends_on_nothing
check "the root package has no unsafe flags, no resources, no system library" root_has_no_unsafe_flags
check "no Foundation in the root package's libraries" no_foundation
check "no source file is longer than $MAXIMUM_LINES lines" short_files
check "no build folder is committed" no_build_folders
check "shell scripts parse" shell_syntax
check "Python scripts parse" python_syntax
[ "$problems" -eq 0 ] || fail "$problems of the checks above failed"
