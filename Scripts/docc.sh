#!/usr/bin/env bash
# The documentation of BONNRuntime, converted by the toolchain's own docc: a link that leads nowhere
# or a topic that does not exist is an error. docc.sh FOLDER keeps the result in FOLDER.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

MODULE=BONNRuntime

# The tool of the toolchain whose swift is on the PATH.
tool() {
    if have xcrun; then
        xcrun --find "$1"
    else
        local folder
        folder="$(dirname "$(readlink -f "$(command -v swift)")")"
        say "$folder/$1"
    fi
}

title "Documentation"
docc="$(tool docc)"
[ -x "$docc" ] || fail "this toolchain has no docc ($docc)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
swift build --target "$MODULE"
build="$(swift build --show-bin-path)"
triple="$(swift -print-target-info | sed -n 's/^ *"triple" *: *"\(.*\)",*$/\1/p' | head -n 1)"
mkdir "$work/symbols"
"$(tool swift-symbolgraph-extract)" -module-name "$MODULE" -I "$build/Modules" \
    -Xcc -fmodule-map-file="$build/CBONNKernels.build/module.modulemap" \
    -Xcc -fmodule-map-file="$build/CBONNDigest.build/module.modulemap" -target "$triple" -minimum-access-level public \
    -output-dir "$work/symbols"
"$docc" convert "Sources/$MODULE/$MODULE.docc" --additional-symbol-graph-dir "$work/symbols" \
    --fallback-display-name "$MODULE" --fallback-bundle-identifier "swift-bonn.$MODULE" \
    --warnings-as-errors --output-dir "${1:-$work/$MODULE.doccarchive}"
pages="$(find "${1:-$work/$MODULE.doccarchive}/data" -name '*.json' | wc -l)"
[ "$pages" -gt 20 ] || fail "docc wrote $pages pages, expected those of all public declarations"
say "ok: $pages pages, no warnings"
