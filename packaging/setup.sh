# Sourced by run.sh and test.sh: finds or installs what a build needs.
#
# On Debian and Ubuntu missing packages come from apt (as root, or through sudo); everywhere else
# this only says what is missing. Nothing that is there already is touched.

# The oldest Rust that builds the program, and the one installed where there is none.
rust_wanted=1.95.0

build_packages="ca-certificates curl gcc libc6-dev"
# Opened at run time by the window and by the tests that draw it; a machine with a desktop has them.
window_packages="libvulkan1 mesa-vulkan-drivers libxkbcommon-x11-0 libx11-xcb1 libxcursor1 libxi6 libwayland-client0"

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# The packages of a list that are not installed.
missing_packages() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        case $status in
        "install ok installed") ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Installs packages through apt; false, with a line of words, where that cannot be done.
install_packages() {
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then return 0; fi
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        say "Missing: $missing"
        say "Install them as root: apt-get install $missing"
        return 1
    fi
    say "Installing $missing"
    # The word list is meant to be split.
    # shellcheck disable=SC2086
    as_root apt-get update -q >&2 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}

is_debian() { have apt-get && have dpkg-query; }

# A compiler for linking and the few C files, and curl to fetch Rust where that is needed.
need_compiler() {
    lacking=""
    if ! have cc; then lacking="$lacking a C compiler (macOS: xcode-select --install; elsewhere: gcc or clang),"; fi
    if ! rust_is_new_enough; then
        if ! have curl; then lacking="$lacking curl,"; fi
        if ! is_debian; then lacking="$lacking Rust $rust_wanted or newer (https://rustup.rs),"; fi
    fi
    if [ -z "$lacking" ]; then return 0; fi
    if is_debian; then
        # shellcheck disable=SC2086
        install_packages $build_packages || exit 1
    else
        say "Missing:${lacking%,}"
        exit 1
    fi
}

rust_is_new_enough() {
    have cargo || return 1
    found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2 | cut -d - -f 1)
    [ -n "$found" ] || return 1
    [ "$(printf '%s\n%s\n' "$rust_wanted" "$found" | sort -V | head -n 1)" = "$rust_wanted" ]
}

# Rust: the one that is there when it is new enough, else through rustup.
need_rust() {
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    export PATH
    need_compiler
    if rust_is_new_enough; then return; fi
    if ! have rustup; then
        say "Installing Rust $rust_wanted with rustup"
        curl --proto '=https' --tlsv1.2 -sSf --retry 3 https://sh.rustup.rs |
            sh -s -- -y -q --no-modify-path --profile minimal --default-toolchain "$rust_wanted" >&2
    else
        say "Installing Rust $rust_wanted"
        rustup toolchain install "$rust_wanted" --profile minimal >&2
    fi
    RUSTUP_TOOLCHAIN=$rust_wanted
    export RUSTUP_TOOLCHAIN
    if ! rust_is_new_enough; then
        say "Rust $rust_wanted or newer could not be installed: see https://rustup.rs"
        exit 1
    fi
}

# rustfmt and clippy, for the tests.
need_rust_checks() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
    if have rustup; then
        rustup component add rustfmt clippy >&2
    else
        say "Missing: rustfmt and clippy (they come with Rust from https://rustup.rs)"
        exit 1
    fi
}
