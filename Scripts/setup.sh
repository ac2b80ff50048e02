#!/usr/bin/env bash
# Installs what is missing and says what it did. Safe to repeat: a second run only looks.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

MINIMUM_SWIFT="6.2"
MINIMUM_PYTHON="3.11"
REQUIREMENTS="$ROOT/Training/requirements.txt"
STAMP="$VENV/.installed-requirements"
EMULATOR=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
# The processors on which networks that were exported as C are tested, besides aarch64.
C_TARGETS=(gcc-arm-linux-gnueabi libc6-dev-armel-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
    gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross)

# at_least VERSION MINIMUM: compares MAJOR.MINOR.
at_least() {
    local major="${1%%.*}" minor="${1#*.}"
    minor="${minor%%.*}"
    [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

check_swift() {
    have swift || fail "swift is not on the PATH. Install Swift $MINIMUM_SWIFT or later (swift.org/install)."
    local version
    version="$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)"
    [ -n "$version" ] || fail "'swift --version' does not name a version; is the toolchain complete?"
    at_least "$version" "$MINIMUM_SWIFT" ||
        fail "Swift $version found, $MINIMUM_SWIFT or later needed (the manifests use tools version $MINIMUM_SWIFT)."
    say "swift $version: ok"
}

# Debug and release builds of the three packages, and the Python environment where it is missing.
check_disk() {
    local needed=4 free
    if [ ! -f "$STAMP" ]; then needed=6; fi
    free=$(($(df -Pk "$ROOT" | awk 'NR == 2 { print $4 }') / 1048576))
    [ "$free" -ge "$needed" ] ||
        fail "$free GiB free on the disk of $ROOT, $needed GiB needed. Free some space and try again."
    say "disk: $free GiB free, ok"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "not root, and no sudo. Run as root: $*"
    fi
}

has_python() { have "$BASE_PYTHON" && "$BASE_PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }

# What is not here yet, as "WHAT APT-PACKAGE BREW-PACKAGE", one a line.
missing_libraries() {
    have pkg-config || say "pkg-config pkg-config pkg-config"
    { have pkg-config && pkg-config --exists libjpeg; } ||
        say "libjpeg-turbo libjpeg-dev jpeg-turbo"
    { have pkg-config && pkg-config --exists libpng; } || say "libpng libpng-dev libpng"
    { have pkg-config && pkg-config --exists libwebp libwebpdemux; } || say "libwebp libwebp-dev webp"
    { have pkg-config && pkg-config --exists libgif; } || say "giflib libgif-dev giflib"
    have curl || say "curl curl curl"
    has_python || say "python3-with-venv python3-venv python3"
}

# Homebrew's giflib comes without the description by which packages are found.
describe_giflib() {
    local folder
    folder="$(brew --prefix giflib)"
    if pkg-config --exists libgif || [ ! -f "$folder/include/gif_lib.h" ]; then return; fi
    say "libraries: writing $folder/lib/pkgconfig/libgif.pc, and its link in Homebrew's own folder"
    mkdir -p "$folder/lib/pkgconfig" "$(brew --prefix)/lib/pkgconfig"
    printf 'Name: libgif\nDescription: GIF files\nVersion: 5\nCflags: -I%s/include\nLibs: -L%s/lib -lgif\n' \
        "$folder" "$folder" >"$folder/lib/pkgconfig/libgif.pc"
    ln -sf "$folder/lib/pkgconfig/libgif.pc" "$(brew --prefix)/lib/pkgconfig/libgif.pc"
}

install_libraries() {
    local missing names
    missing="$(missing_libraries)"
    if [ -z "$missing" ]; then
        say "libraries: libjpeg-turbo, libpng, libwebp, giflib, pkg-config, curl, python3 present"
        return
    fi
    if [ "$(uname -s)" = Darwin ] && have brew; then
        names="$(awk '{ print $3 }' <<<"$missing")"
        say "libraries: installing" $names
        # shellcheck disable=SC2086 # one word a package
        brew install $names
        describe_giflib
    elif have apt-get; then
        names="$(awk '{ print $2 }' <<<"$missing")"
        say "libraries: installing" $names
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
            say "warning: apt-get update failed; trying with the lists at hand"
        # shellcheck disable=SC2086 # one word a package
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $names ||
            fail "apt-get could not install" $names "(its own message is above)."
    else
        fail "neither apt-get nor brew here. Install by hand, with development files:" \
            "$(awk '{ print $1 }' <<<"$missing" | tr '\n' ' ')"
    fi
    missing="$(missing_libraries | awk '{ print $1 }')"
    [ -z "$missing" ] || fail "still not found after installing:" $missing
}

# install_for_tests NAME TESTS PACKAGE...: packages without which some tests are skipped, and nothing fails.
install_for_tests() {
    say "$1: installing" "${@:3}"
    { as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:3}"; } ||
        say "warning: apt-get could not install them; $2 will be skipped"
}

# The NEON kernels are tested under an emulator where the processor is another one. Only their tests
# need it, so nothing fails without it: they say that they were skipped.
install_emulator() {
    case "$(uname -sm)" in
    *arm64 | *aarch64)
        say "emulator: not needed, this is an ARM processor"
        return
        ;;
    esac
    if have qemu-aarch64 && have aarch64-linux-gnu-gcc; then
        say "emulator: qemu-aarch64 and a C library for aarch64 present"
    elif ! have apt-get; then
        say "emulator: no qemu-aarch64 and no apt-get to install it; the tests of the NEON kernels will be skipped"
    else
        install_for_tests "emulator" "the tests of the NEON kernels" "${EMULATOR[@]}"
    fi
}

has_c_targets() {
    local target
    for target in arm-linux-gnueabi arm-linux-gnueabihf riscv64-linux-gnu s390x-linux-gnu; do
        have "$target-gcc" || return 1
    done
}

# As above: the tests of exported networks on other processors are skipped without these.
install_c_targets() {
    if has_c_targets; then
        say "C targets: compilers for 32-bit ARM, RISC-V and s390x present"
    elif [ "$(uname -sm)" != "Linux x86_64" ] || ! have apt-get; then
        say "C targets: no cross compilers here; the tests of exported C on other processors will be skipped"
    else
        install_for_tests "C targets" "the tests of exported C on other processors" "${C_TARGETS[@]}"
    fi
}

# The packages to install: all of requirements.txt, less torch where LIBTORCH names another one.
wanted_packages() {
    sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$REQUIREMENTS" |
        if [ -n "${LIBTORCH:-}" ]; then grep -v '^torch=='; else cat; fi
}

install_python() {
    local version wanted
    version="$("$BASE_PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    at_least "$version" "$MINIMUM_PYTHON" ||
        fail "$BASE_PYTHON is Python $version, $MINIMUM_PYTHON or later needed. PYTHON=... names another one."
    wanted="$(wanted_packages)"
    if [ -f "$STAMP" ] && [ -z "$(grep -Fxvf "$STAMP" <<<"$wanted")" ] && "$VENV/bin/python" -c ''; then
        say "python packages: up to date in Training/.venv"
        return
    fi
    say "python packages: installing into Training/.venv (Python $version):" $wanted
    "$VENV/bin/python" -c '' 2>/dev/null || "$BASE_PYTHON" -m venv --clear "$VENV"
    rm -f "$STAMP"
    # shellcheck disable=SC2086 # one word a package
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check $wanted ||
        fail "pip could not install the packages of Training/requirements.txt; its own message is above."
    printf '%s\n' "$wanted" >"$STAMP"
}

link_libtorch() {
    if [ -n "${LIBTORCH:-}" ]; then
        [ -f "$LIBTORCH/include/torch/csrc/api/include/torch/torch.h" ] ||
            fail "LIBTORCH is $LIBTORCH, but there is no include/torch/csrc/api/include/torch/torch.h in it." \
                "It must name a LibTorch folder, or the torch folder of an installed wheel."
        say "libtorch: LIBTORCH names $LIBTORCH; torch is not installed, only the tests' Python packages"
        return
    fi
    local folder
    folder="$("$VENV/bin/python" -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')"
    ln -sfn "$folder" "$ROOT/Training/.libtorch"
    say "libtorch: $("$VENV/bin/python" -c 'import importlib.metadata as m; print(m.version("torch"))'), linked as Training/.libtorch"
}

BASE_PYTHON="${PYTHON:-python3}"
title "Setup"
check_swift
check_disk
install_libraries
install_emulator
install_c_targets
install_python
link_libtorch
