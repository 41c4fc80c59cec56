#!/usr/bin/env bash
# Everything that is checked before a change goes in: `bash packaging/test.sh`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=packaging/setup.sh
. packaging/setup.sh

need_rust
need_rust_checks
if is_debian; then
    # The tests draw the window on a software GPU, and work it on a display of its own.
    # shellcheck disable=SC2086
    install_packages $window_packages xvfb xauth xdotool imagemagick
else
    for program in xvfb-run xdotool convert; do
        have "$program" || say "Missing: $program (the test of the real window is left out without it)"
    done
fi

say "== format"
cargo fmt --check
say "== lints"
cargo clippy --all-targets --locked -- -D warnings
say "== tests"
cargo test --locked

if [ -f packaging/window-test.sh ] && have xvfb-run && have xdotool && have convert; then
    say "== window"
    cargo build --locked
    if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
        XDG_RUNTIME_DIR=$(mktemp -d)
        export XDG_RUNTIME_DIR
        trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT
    fi
    LUMINA_STUDIO=${CARGO_TARGET_DIR:-$root/target}/debug/lumina-studio
    export LUMINA_STUDIO
    env -u WAYLAND_DISPLAY xvfb-run -a -s "-screen 0 1280x800x24" bash packaging/window-test.sh
fi
say "== all passed"
