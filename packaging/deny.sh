#!/usr/bin/env bash
# Checks the libraries the program is made of (deny.toml): known weaknesses, licences, where they come from.
# cargo-deny is installed where it is missing, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo-deny > /dev/null || cargo install cargo-deny --locked
cargo deny check "$@"
