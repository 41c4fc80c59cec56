#!/usr/bin/env bash
# What is to be shown on a machine with an NVIDIA card: exactness against the golden vectors, the
# starter's pictures against the CPU's codes, times of the 7B's shape, the same forward in PyTorch.
#
#   bash tests/tools/gpu.sh pack FILE     here: builds, and packs the program (FILE-program.tar.xz) and the
#                                         vectors (FILE-vectors.tar.xz) for a machine without Rust
#   bash tests/tools/gpu.sh run FOLDER    there, where both were unpacked: at most 6 minutes
#   bash tests/tools/gpu.sh run           here, where this machine has the card
#
# There it needs a driver of CUDA 12.4 or newer; with python3 and PyTorch the last part, too. It ends in
# lines ready for a table, and with 1 where something did not hold.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
say() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

if [ "${1:-}" = pack ]; then
    out=$2
    (cd "$root" && cargo build --release --locked)
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cp "${CARGO_TARGET_DIR:-$root/target}/release/lumina-studio" "$folder/"
    strip "$folder/lumina-studio"
    mkdir -p "$folder/tests/tools"
    cp -r "$root/tests/golden" "$root/tests/starter" "$folder/tests/"
    cp "$root/tests/tools/gpu.sh" "$root/tests/tools/gpu_peer.py" "$root/tests/tools/gpu_file.py" \
        "$root/tests/tools/gpu_import.py" "$folder/tests/tools/"
    tar -C "$folder" -cf - lumina-studio tests/tools | xz -T0 -6 >"$out-program.tar.xz"
    tar -C "$folder" -cf - tests/golden tests/starter | xz -T0 -6 >"$out-vectors.tar.xz"
    ls -l "$out-program.tar.xz" "$out-vectors.tar.xz"
    exit 0
fi
[ "${1:-}" = run ] || { sed -n '2,14p' "$0" | cut -c3-; exit 2; }
if [ $# -gt 1 ]; then cd "$2"; else cd "$root"; fi
program=./lumina-studio
[ -x "$program" ] || program=${CARGO_TARGET_DIR:-target}/release/lumina-studio
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
hold() { "$@" || { failed=1; echo "DID NOT HOLD: $*"; }; }

say "the first start on this machine"
"$program" generate "a fox in the snow" --seed 5 --device cuda --json -o "$work/first.png" 2>&1 |
    grep -E '"(loaded|finished|failed)"' | sort -u | cut -c1-160

say "golden vectors"
for kv in q8 f16; do
    echo "keys and values: $kv"
    hold "$program" verify --device cuda --kv "$kv" tests/golden/decoder-mha tests/golden/decoder-gqa
done
hold "$program" verify --device cuda tests/golden/movq tests/golden/generate

say "windows and repetition: one picture a seed"
for window in 1 4 16; do
    "$program" generate "a fox in the snow" --seed 5 --device cuda --window $window -o "$work/window-$window.png"
done
"$program" generate "a fox in the snow" --seed 5 --device cuda --window 16 -o "$work/again.png"
codes() { "$program" info "$1" --json | grep -o '"tokens":\[[^]]*\]' | sha256sum; }
for picture in window-4 window-16 again; do
    hold [ "$(codes "$work/window-1.png")" = "$(codes "$work/$picture.png")" ]
done

say "20 pictures of the starter, drawn by the CPU and told to the card"
things=("a cat" "a fox in the snow" "a red apple on a blue background" "two dogs in a meadow" "a castle at night"
    "a robot on a white background" "an owl at sunset" "a heart above a star" "a penguin" "three flowers in a meadow")
for seed in $(seq 0 19); do
    "$program" generate "${things[$((seed % 10))]}" --seed "$seed" --device cpu -o "$work/cpu-$seed.png" >/dev/null 2>&1
done
# The CPU rounds the starter's activations to 8 bits: what differs are near ties, in nats.
hold "$program" verify --device cuda "$work"/cpu-*.png

say "the 7B's shape"
for kv in q8 f16; do
    "$program" bench --shape 7b --device cuda --kv "$kv"
done
"$program" bench --shape 7b --quant q8_0 --device cuda

say "loading a file of the 7B's size"
if python3 tests/tools/gpu_file.py "$program" "$work/large.gguf"; then
    (time cat "$work/large.gguf" >/dev/null) 2>&1 | grep real
    "$program" generate "a cat" --model "$work/large.gguf" --size 96x96 --force --seed 1 --window 16 --device cuda \
        --json -o "$work/large.png" 2>&1 | grep -E '"(loaded|finished|failed)"'
    rm -f "$work/large.gguf"
fi

say "importing weights of the 7B's shape, on one core and on all"
if python3 tests/tools/gpu_import.py tests/starter "$work/wide" 3; then
    for threads in 1 "$(nproc)"; do
        begun=$(date +%s.%N)
        RAYON_NUM_THREADS=$threads "$program" import "$work/wide" --movq tests/starter/movqgan.ckpt \
            --movq-config tests/starter/movq.json --quant q4_k -o "$work/wide-$threads.gguf" >/dev/null 2>&1 || failed=1
        echo "$threads threads: $(python3 -c "import time; print(round(time.time() - $begun, 1))") s"
    done
    hold cmp "$work/wide-1.gguf" "$work/wide-$(nproc).gguf"
    rm -rf "$work"/wide*
fi

say "the same forward in PyTorch"
if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    python3 tests/tools/gpu_peer.py
else
    echo "left out: no PyTorch with CUDA here"
fi
say "done"
exit $failed
