#!/usr/bin/env bash
# Builds Lumina Studio and starts it: `bash packaging/run.sh`.
#
# With a display the window opens; without one the built-in starter model paints a picture.
# Arguments are passed on to the program, for example: bash packaging/run.sh generate "a fox".
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/setup.sh
. "$root/packaging/setup.sh"

has_display=no
if [ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then has_display=yes; fi

need_rust
if [ "$has_display" = yes ] && [ $# -eq 0 ] && is_debian; then
    # The window may well open without some of them: go on.
    # shellcheck disable=SC2086
    install_packages $window_packages || say "Trying all the same."
fi

(cd "$root" && cargo build --release --locked)
program=${CARGO_TARGET_DIR:-$root/target}/release/lumina-studio

if [ $# -gt 0 ]; then
    exec "$program" "$@"
elif [ "$has_display" = yes ]; then
    exec "$program"
fi
say "There is no display to open the window on: painting a picture with the built-in starter model."
"$program" generate "a cat on a blue background" --seed 1 -o "$root/lumina-studio.png"
say "The picture is $root/lumina-studio.png"
