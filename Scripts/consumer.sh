#!/usr/bin/env bash
# The promise to those who embed the runtime: a package that depends on this repository by version
# builds without LibTorch, without the image libraries and without a network, and links nothing but
# Swift's own runtime and the C library. It also compiles and runs the examples of the documentation.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# A repository of what is in this working tree, with a version tag.
tagged_copy() {
    mkdir "$1"
    project_files | tar --null --files-from=- -cf - | tar -xf - -C "$1"
    git -C "$1" init -q
    git -C "$1" add -A
    git -C "$1" -c user.name=consumer -c user.email=consumer@localhost commit -qm "Consumer test"
    git -C "$1" tag 0.0.1
}

# A home of its own keeps caches and git settings out; git may read local files and nothing else, and
# pkg-config finds nothing.
isolated() {
    env -u LIBTORCH -u CPATH -u LIBRARY_PATH HOME="$work/home" GIT_CONFIG_NOSYSTEM=1 \
        GIT_ALLOW_PROTOCOL=file PKG_CONFIG_LIBDIR="$work/none" PKG_CONFIG_PATH="" \
        BONN_REPOSITORY="file://$work/swift-bonn" "$@"
}

# The blocks of Swift in these Markdown files as one function, each in a scope of its own.
examples() {
    awk '/^```swift$/ { inside = 1; next } /^```$/ { inside = 0 } inside && /^import / && !seen[$0]++' "$@"
    say "func examples(width: Int, height: Int, rgb: [UInt8], inputs: [[Float]]) async throws {"
    awk '/^```swift$/ { inside = 1; print "do {"; next }
         /^```$/ { if (inside) print "}"; inside = 0 }
         inside && !/^import /' "$@"
    say "}"
}

# The libraries that an executable names itself.
linked_libraries() {
    if [ "$(uname -s)" = Darwin ]; then
        otool -L "$1" | awk 'NR > 1 { print $1 }'
    else
        readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'
    fi
}

title "Consumer package"
have git || fail "git is needed to make a tagged copy of this repository"
mkdir "$work/home" "$work/none"
tagged_copy "$work/swift-bonn"
cp -R Tests/Consumer "$work/consumer"
# In the order of the output below: README, ChoosingKernels, ClassifyAnImage, ModelsFromStrangers,
# ThreadsAndBatches.
examples README.md Sources/BONNRuntime/BONNRuntime.docc/*.md >"$work/consumer/Sources/Consumer/Examples.swift"
isolated swift build --package-path "$work/consumer" --disable-sandbox \
    --cache-path "$work/cache" --configuration release 2>&1 | tail -n 20

dependencies="$(isolated swift package --package-path "$work/consumer" --cache-path "$work/cache" \
    show-dependencies --format flatlist)"
[ "$dependencies" = "swift-bonn" ] ||
    fail "the consumer resolves more than swift-bonn:" $dependencies
say "ok: resolves swift-bonn and nothing else"

program="$work/consumer/.build/release/Consumer"
libraries="$(linked_libraries "$program")"
[ -n "$libraries" ] || fail "cannot read which libraries $program links"
strangers="$(printf '%s\n' "$libraries" | sed 's,.*/,,' |
    grep -vE '^(libswift[A-Z_].*|lib(c|m|dl|pthread|rt|util|gcc_s|stdc\+\+|System\.B|objc\.A)\.(so|dylib).*|ld-linux.*)$' || true)"
[ -z "$strangers" ] || fail "the consumer links more than Swift's runtime and the C library:" $strangers
say "ok: links only" $libraries

# flowers.bonn is what the examples call their model.
output="$(cd "$work" && "$program" flowers.bonn)"
classes='["bright above", "bright below"]'
expected="bright above 1.0
bright below 1.0
$classes
scalar
$classes
true
2 logits
2 classes, SHA-256 of 64 digits
3"
[ "$output" = "$expected" ] ||
    fail "the consumer printed '$output', expected '$expected'"
say "ok: wrote a model, loaded it and classified two images; the examples of the documentation run"
