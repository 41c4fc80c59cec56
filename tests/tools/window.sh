#!/bin/bash
# The real window under Xvfb, driven with xdotool: a prompt typed and drawn, killed in the middle,
# resumed, compared with the same seed drawn undisturbed; a picture opened and edited.
#   tests/tools/window.sh PROGRAM [FOLDER FOR SCREENSHOTS]
# Needs Xvfb, xdotool, ImageMagick and a Vulkan driver (mesa's llvmpipe will do).
set -eu
program=$(realpath "$1")
shots=${2:-}
home=$(mktemp -d)
export HOME=$home DISPLAY=:${XVFB_DISPLAY:-83}
export XDG_RUNTIME_DIR=$home/run
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME WAYLAND_DISPLAY
mkdir -m 700 "$XDG_RUNTIME_DIR"
Xvfb "$DISPLAY" -screen 0 1280x800x24 >/dev/null 2>&1 &
server=$!
app=
trap 'kill -9 $app 2>/dev/null || true; kill $server 2>/dev/null || true; rm -rf "$home"' EXIT
journal=$home/.local/share/lumina-studio/journal.jsonl

fail() { echo "window: $*" >&2; exit 1; }

# Waits up to two minutes for a command to succeed.
await() {
    for _ in $(seq 1200); do
        if eval "$1"; then return 0; fi
        kill -0 "$app" 2>/dev/null || fail "the window is gone: $(cat "$home/log")"
        sleep 0.1
    done
    fail "never: $1"
}

begin() {
    "$program" "$@" >"$home/log" 2>&1 &
    app=$!
    await 'xdotool search --onlyvisible --name "Lumina Studio" >"$home/id" 2>/dev/null'
    xdotool windowfocus "$(head -1 "$home/id")"
    sleep 1
}

shot() {
    if [ -n "$shots" ]; then import -window root "$shots/$1.png"; fi
}

rows() { [ -f "$journal" ] && [ "$(wc -l <"$journal")" -gt "$1" ]; }
pictures() { find "$home/Pictures/Lumina Studio" -name '*.png' 2>/dev/null | wc -l; }
newest() { find "$home/Pictures/Lumina Studio" -name '*.png' -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-; }
tokens() { "$program" info "$1" --json | tr -d ' \n' | sed 's/.*"tokens":\(\[[^]]*\]\).*/\1/'; }
seed() { "$program" info "$1" --json | tr -d ' \n' | sed 's/.*"seed":\([0-9]*\).*/\1/'; }
undisturbed() {
    local again=$home/again.png
    "$program" generate "$2" --seed "$(seed "$1")" -o "$again" 2>/dev/null >/dev/null
    [ "$(tokens "$1")" = "$(tokens "$again")" ] || fail "$1 is not what its seed draws"
}

until [ -S "/tmp/.X11-unix/X${DISPLAY#:}" ]; do sleep 0.1; done

# Typing goes to the prompt of a fresh start, Ctrl+Enter draws, the picture is saved.
begin --theme dark
shot first-run
xdotool type --delay 20 "a fox on the beach"
xdotool key ctrl+Return
await 'rows 4'; shot drawing-25
await 'rows 9'; shot drawing-60
await '[ "$(pictures)" = 1 ]'
sleep 1
shot drawn
case $(newest) in
    "$home/Pictures/Lumina Studio/$(date +%F)/"*) ;;
    *) fail "saved at $(newest)" ;;
esac
undisturbed "$(newest)" "a fox on the beach"

# Killed in the middle: the rows come back and end in the same picture.
xdotool key ctrl+a
xdotool type --delay 20 "a cat at night"
xdotool key ctrl+Return
await 'rows 5 && grep -q "a cat at night" "$journal"'
kill -9 $app
wait $app 2>/dev/null || true
held=$(wc -l <"$journal")
[ "$(pictures)" = 1 ] || fail "it was finished before the kill"
begin
shot interrupted
xdotool mousemove 59 "${RESUME_Y:-728}" click 1
await '[ "$(pictures)" = 2 ]'
sleep 1
shot resumed
undisturbed "$(newest)" "a cat at night"
echo "window: typed, drawn, saved; killed after $((held - 1)) rows, resumed to the same picture"

# A picture named on the command line is opened for editing; a mask is painted with the brush.
source=$(newest)
kill -9 $app
wait $app 2>/dev/null || true
convert "$source" -strip "$home/photo.png"
begin "$home/photo.png" --theme light
xdotool mousemove 650 300 mousedown 1
for step in $(seq 12); do xdotool mousemove $((650 + 10 * step)) $((300 + 9 * step)); sleep 0.05; done
xdotool mouseup 1
sleep 0.5
shot editing-light
xdotool key ctrl+Return
await '[ "$(pictures)" = 3 ]'
sleep 1
shot edited-light
"$program" info "$(newest)" --json | grep -q '"edit"' || fail "no edit was made"
changed=$(compare -metric AE "$home/photo.png" "$(newest)" null: 2>&1 || true)
[ "${changed%% *}" -gt 0 ] || fail "the edit changed nothing"
# The stroke ends well above the lowest 20 lines.
for file in "$home/photo.png" "$(newest)"; do
    convert "$file" -crop 128x20+0+108 +repage "$home/strip-$(basename "$(dirname "$file")").png"
done
corner=$(compare -metric AE "$home/strip-$(basename "$home").png" "$home/strip-$(date +%F).png" null: 2>&1 || true)
[ "${corner%% *}" = 0 ] || fail "pixels outside the mask changed: $corner"
echo "window: a mask painted and edited; $changed pixels changed, none in the lowest lines"
