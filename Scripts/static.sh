#!/usr/bin/env bash
# bin/bonn-run-static: the runtime tool in one file for machines without Swift. Linked in are Swift's
# runtime and every library of which there is an archive; the C library stays the machine's own. The
# result is looked at and run in an empty environment before it is called ready.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

BUILD=Tools/.build-static
ARCHIVES="$ROOT/$BUILD/archives"
PROGRAM=bin/bonn-run-static
MODEL=Tests/ModelFormatTests/Golden/small.bonn
IMAGES=Tools/Tests/BONNImageIOTests/Pillow/Fixtures
# What every Linux has, and what may stay dynamic.
SYSTEM='^(lib(c|m|dl|pthread|rt)\.so|ld-linux)'

# A folder that holds nothing but archives, and descriptions that name it as the place of the libraries:
# the linker takes what it finds first, so the shared ones beside the system's archives lose.
collect_archives() {
    local library name path
    rm -rf "$ARCHIVES"
    mkdir -p "$ARCHIVES"
    for library in zlib:libz.a libjpeg:libjpeg.a libpng:libpng16.a libgif:libgif.a \
        libwebp:libwebp.a libwebpdemux:libwebpdemux.a libsharpyuv:libsharpyuv.a; do
        name="${library%:*}"
        path="$(pkg-config --variable=libdir "$name" 2>/dev/null || true)/${library#*:}"
        if [ -f "$path" ]; then
            ln -s "$path" "$ARCHIVES/"
            sed -e "s,^libdir=.*,libdir=$ARCHIVES," -e "s/^Libs:.*/& $(pkg-config --libs-only-l --static "$name")/" \
                "$(pkg-config --variable=pcfiledir "$name")/$name.pc" >"$ARCHIVES/$name.pc"
        fi
    done
    path="$(clang -print-file-name=libstdc++.a)"
    if [ -f "$path" ]; then ln -s "$path" "$ARCHIVES/"; fi
}

title "Build bonn-run with everything linked in"
[ "$(uname -s)" = Linux ] ||
    fail "this is for Linux: macOS brings Swift's runtime along, and links no program statically"
collect_archives
PKG_CONFIG_PATH="$ARCHIVES" swift build --package-path Tools --scratch-path "$BUILD" \
    --configuration release --product bonn-run --static-swift-stdlib -Xswiftc -L"$ARCHIVES" \
    -Xlinker --strip-all -Xswiftc -Xclang-linker -Xswiftc -static-libgcc
mkdir -p bin
cp "$BUILD/release/bonn-run" "$PROGRAM"

libraries="$(readelf -d "$PROGRAM" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')"
[ -n "$libraries" ] || fail "cannot read which libraries $PROGRAM links"
if grep -q '^libswift\|^libFoundation' <<<"$libraries"; then
    fail "$PROGRAM still needs Swift's runtime:" $libraries
fi
say "needs at run time:" $libraries
strangers="$(grep -vE "$SYSTEM" <<<"$libraries" || true)"
if [ -n "$strangers" ]; then
    say "warning: no archive of" $strangers "was found, so they must be on the target machine too"
fi

for image in baseline-420-17x13.jpg type2-8bit-17x13.png table-17x13-interlaced.gif lossy-17x13.webp; do
    answer="$(env -i "$PROGRAM" classify "$MODEL" "$IMAGES/$image" --top 1 --json)"
    grep -q '"score"' <<<"$answer" || fail "$PROGRAM does not classify $image: $answer"
done
say "ok: classifies JPEG, PNG, GIF and WebP in an empty environment"
say "$PROGRAM: ready, $(($(wc -c <"$PROGRAM") / 1000000)) MB"
