#!/bin/bash
# The real window under Xvfb, worked with mouse, keys and drops like a user does. What it saves is
# compared with the sources and with what the command line draws for the same seed.
#   tests/tools/window.sh PROGRAM [FOLDER FOR SCREENSHOTS]
# Needs Xvfb, xdotool, ImageMagick, a Vulkan driver (mesa's llvmpipe will do), and the example
# `drop` beside the program (`cargo build --example drop`).
set -eu
here=$(realpath "$(dirname "$0")")
program=$(realpath "$1")
drop=$(dirname "$program")/examples/drop
[ -x "$drop" ] || { echo "window: $drop is missing: cargo build --example drop" >&2; exit 1; }
shots=${2:-}
# shellcheck source=tests/tools/window/stage.sh
. "$here/window/stage.sh"

# Sources: a photo of its own shape, and others.
examples=$here/../../assets/examples
convert "$examples/fox.png" -strip -resize 320x240! "$home/photo.png"
convert "$examples/cactus.png" -strip "$home/cactus.png"
convert "$examples/penguin.png" -strip "$home/penguin.png"
convert "$home/penguin.png" -colorspace gray -edge 1 -threshold 30% -type truecolor "$home/map.png"

# PARTS="rewrite kept sources restart keeping rows cells maps starts branches watch hub notify" are
# run by hand: they take as long again and longer; `restart` comes after drawing, editing and sources.
for part in ${PARTS:-drawing editing words undo folders card}; do
    # shellcheck disable=SC1090
    . "$here/window/$part.sh"
done
say "all held after $SECONDS s"
