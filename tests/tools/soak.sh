#!/bin/bash
# Many pictures of the starter in one run of the real window, from a queue, and its memory meanwhile.
#   tests/tools/soak.sh PROGRAM [COUNT]
# Prints the resident memory at every tenth of the way. The strip keeps the last 60 results with
# their pixels and textures, about 270 kB for each of 192x192; from there on it must be flat: 4.5 MB
# more from the middle of the way to the end, whatever the count, is too much.
set -eu
here=$(realpath "$(dirname "$0")")
program=$(realpath "$1")
count=${2:-200}
# shellcheck source=tests/tools/window/stage.sh
. "$here/window/stage.sh"

begin --theme dark
xdotool type --delay 20 "a fox on the beach"
sleep 0.5
xdotool mousemove 700 20
started=$(now)
for _ in $(seq "$count"); do xdotool key --delay 0 ctrl+Return; done
step=$((count / 10))
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$app/status"; }
seen=()
for part in $(seq 10); do
    for _ in $(seq $((30 * step + 600))); do
        [ "$(pictures)" -lt $((part * step)) ] || break
        kill -0 "$app" 2>/dev/null || fail "the window is gone: $(cat "$home/log")"
        sleep 0.1
    done
    [ "$(pictures)" -ge $((part * step)) ] || fail "only $(pictures) of $count pictures"
    seen+=("$(resident)")
    say "$(pictures) pictures after $((($(now) - started) / 1000)) s: $((${seen[-1]} / 1024)) MB"
done
largest() { printf '%s\n' "$@" | sort -n | tail -1; }
early=$(largest "${seen[@]:2:3}")
late=$(largest "${seen[@]:7:3}")
# Of the pictures in between, those that the strip had room for.
in_strip() { echo $(($1 < 60 ? $1 : 60)); }
filling=$(($(in_strip $((10 * step))) - $(in_strip $((5 * step)))))
[ "$late" -le $((early + filling * 288 + 4608)) ] || fail "memory grew from $early to $late kB"
undisturbed "$(newest)" generate "a fox on the beach"
say "$count pictures, memory $((early / 1024)) MB in the second quarter, $((late / 1024)) MB in the last"
