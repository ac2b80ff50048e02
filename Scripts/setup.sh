#!/usr/bin/env bash
# Installs what is missing and says what it did. Safe to repeat: a second run only looks.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

MINIMUM_SWIFT="6.2"
MINIMUM_PYTHON="3.11"
REQUIREMENTS="$ROOT/Training/requirements.txt"
STAMP="$VENV/.installed-requirements"

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

has_python() { have "${BASE_PYTHON}" && "$BASE_PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }
has_library() { have pkg-config && pkg-config --exists "$1"; }

install_with_apt() {
    local missing=()
    have pkg-config || missing+=(pkg-config)
    has_library libturbojpeg || missing+=(libturbojpeg0-dev)
    has_library libpng || missing+=(libpng-dev)
    have readelf || missing+=(binutils)
    has_python || missing+=(python3 python3-venv)
    if [ "${#missing[@]}" -eq 0 ]; then
        say "libraries: libturbojpeg, libpng, pkg-config, python3 present"
        return
    fi
    say "libraries: installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        say "warning: apt-get update failed; trying with the lists at hand"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
        fail "apt-get could not install ${missing[*]}; its own message is above."
}

install_with_brew() {
    local missing=()
    have pkg-config || missing+=(pkg-config)
    has_library libturbojpeg || missing+=(jpeg-turbo)
    has_library libpng || missing+=(libpng)
    has_python || missing+=(python3)
    if [ "${#missing[@]}" -eq 0 ]; then
        say "libraries: jpeg-turbo, libpng, pkg-config, python3 present"
        return
    fi
    have brew || fail "missing: ${missing[*]}. Install Homebrew (brew.sh), or these by hand."
    say "libraries: installing ${missing[*]}"
    brew install "${missing[@]}"
}

install_libraries() {
    if [ "$(uname -s)" = Darwin ]; then
        install_with_brew
    elif have apt-get; then
        install_with_apt
    else
        has_library libturbojpeg && has_library libpng && has_python ||
            fail "no apt-get here. Install by hand: pkg-config, the development files of" \
                "libjpeg-turbo (TurboJPEG) and libpng, and python3 with venv; then try again."
        say "libraries: libturbojpeg, libpng, pkg-config, python3 present"
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
    if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$wanted" ] && "$VENV/bin/python" -c '' 2>/dev/null; then
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
install_python
link_libtorch
