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
    # g++ compiles the kernels of NVIDIA cards for the processor, so that they are tested without a card.
    # shellcheck disable=SC2086
    install_packages $window_packages xvfb xauth xdotool imagemagick g++ python3-numpy
else
    have "${CXX:-c++}" || say "Missing: a C++ compiler (tests of the code for NVIDIA cards are left out without it)"
    for program in Xvfb xdotool convert; do
        have "$program" || say "Missing: $program (the test of the real window is left out without it)"
    done
fi

say "== format"
cargo fmt --check
say "== lints"
cargo clippy --all-targets --locked -- -D warnings
if have python3; then
    say "== words and wording of the starter"
    python3 assets/starter/recipe/words.py --check
    if python3 -c 'import numpy' 2>/dev/null; then
        python3 assets/starter/recipe/check_wording.py
    else
        say "Left out: check_wording.py (numpy is missing)"
    fi
fi
say "== tests"
# The examples, tools of the tests, are built where they are used; the lints compile them all.
cargo test --locked --lib --tests

if have Xvfb && have xdotool && have convert; then
    say "== window"
    cargo build --locked --bin lumina-studio --example drop
    program=${CARGO_TARGET_DIR:-$root/target}/debug/lumina-studio
    bash tests/tools/window.sh "$program"
    bash tests/tools/soak.sh "$program" 30
fi
say "== all passed"
