#!/usr/bin/env bash
# Release builds of the two command lines, linked as bin/bonn and bin/bonn-run.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# build PACKAGE PRODUCT
build() {
    title "Build $2"
    swift build --package-path "$1" --configuration release --product "$2"
    mkdir -p bin
    ln -sfn "../$1/.build/release/$2" "bin/$2"
    say "bin/$2: ready"
}

build Tools bonn-run
build Training bonn
