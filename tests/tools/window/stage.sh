#!/bin/bash
# A real window on an X server of its own, with a home that is thrown away. Sourced by the scripts
# that drive it; they set `program` (the window) and may set `drop` (the example of that name).
# Places are pixels of a window of 1280x800, which is what a fresh home gets.

home=$(mktemp -d)
export HOME=$home XDG_RUNTIME_DIR=$home/run
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_PICTURES_DIR WAYLAND_DISPLAY
mkdir -m 700 "$XDG_RUNTIME_DIR"
# The server takes a free number and tells it when it answers; it stays when its last window goes.
mkfifo "$home/display"
Xvfb -noreset -displayfd 3 -screen 0 1280x800x24 >/dev/null 2>&1 3>"$home/display" &
server=$!
app=
trap 'kill -9 $app 2>/dev/null || true; kill $server 2>/dev/null || true; rm -rf "$home"' EXIT
read -r display <"$home/display" || { echo "window: Xvfb does not start" >&2; exit 1; }
export DISPLAY=:$display

# Where the program keeps things; a test with XDG variables of its own sets them anew.
data=$home/.local/share/lumina-studio
library="$home/Pictures/Lumina Studio"

# What the first click goes to, by name.
declare -A place=(
    [create]="60 70" [pair]="154 70" [edit]="248 70"
    [subject]="60 103" [control]="154 103" [predict]="248 103"
    [prompt]="155 190" [draw]="120 764" [resume]="59 764"
    [finish]="790 738" [compare_tool]="606 738" [sketch]="155 560" [select_doubtful]="880 680"
    [canvas]="722 383" [nowhere]="500 787" [example]="526 373"
    [fit]="834 738" [turn1]="60 300" [first_subject]="57 312" [seed_fold]="104 463" [seed_field]="60 516"
    [narrow_results]="833 22" [narrow_clear]="977 520"
)

say() { echo "window: $*"; }
fail() { echo "window: $*" >&2; [ -z "${shots:-}" ] || shot failed; exit 1; }
now() { date +%s%3N; }

# Waits up to three minutes for a command to succeed.
await() {
    for _ in $(seq 1800); do
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
    window=$(head -1 "$home/id")
    xdotool windowfocus "$window"
    await 'greeted'
    greeted_at=$(now)
    await 'loaded'
}

# As by a power cut.
kill_it() {
    kill -9 "$app"
    wait "$app" 2>/dev/null || true
}

# Whether the prompt has the keyboard: its frame has the accent's colour, dark or light.
greeted() { import -window root -crop 1x6+155+142 -depth 8 txt:- 2>/dev/null | grep -qiE '#(F2B04A|9[0-9A-F]5[0-9A-F]0[0-9A-F]|B4690A)'; }

# Whether the model is there: its name is shorter than what stands there before.
loaded() { [ "$(import -window root -crop 1x8+960+5 -format %k info: 2>/dev/null)" -gt 1 ]; }

# A part of the window, `WxH+X+Y`, as it looks now.
seen() { import -window root -crop "$1" +repage -depth 8 rgb:- | md5sum; }

# Waits until a part of the window looks otherwise than it did: `differs AREA "$before"`.
differs() { await "[ \"\$(seen $1)\" != \"$2\" ]"; }

# Waits until a part of the window does not change any more.
settled() { await "[ \"\$(seen $1)\" = \"\$(sleep 0.6; seen $1)\" ]"; }

# Waits until nothing is drawn and the window shows it: a picture's file is there before. Draw has
# the accent's colour, dark or light.
at_rest() {
    await 'import -window root -crop 1x1+30+764 -depth 8 txt:- | grep -qiE "#(F2B04A|B4690A)"'
    sleep 0.3
}

# Presses a key, one frame at a time, until the ring of the keyboard stands around a control: its
# place is `WxH+X+Y`, with room for the ring. The second argument is how often at most.
lead_to() {
    local bare whole
    bare=$(seen "$1")
    for _ in $(seq "$2"); do
        whole=$(seen 1280x800+0+0)
        xdotool key "$3"
        for _ in $(seq 30); do
            [ "$(seen 1280x800+0+0)" = "$whole" ] || break
        done
        # The ring leaves one control a frame before it stands around the next.
        sleep 0.15
        if [ "$(seen "$1")" != "$bare" ]; then return 0; fi
    done
    fail "$3 does not lead to $1"
}

shot() {
    if [ -n "${shots:-}" ]; then import -window root "$shots/$1.png"; fi
}

click() {
    # shellcheck disable=SC2086
    xdotool mousemove ${place[$1]} sleep 0.1 click 1 sleep 0.3
}

# Everything in the prompt's box is replaced.
write() {
    click prompt
    xdotool key ctrl+a sleep 0.2
    xdotool type --delay 15 "$1"
    sleep 0.3
}

# Drags files onto a place of the window.
drop_on() {
    local at=$1
    shift
    "$drop" "$@" --window "$window" --at "${at/ /,}" || fail "the window did not take $*"
    # winit says nothing of a pointer that comes back to where it was before the drag.
    xdotool mousemove_relative 1 1
    sleep 0.7
}

# A stroke of the pointer through the points given as `X Y`.
stroke() {
    # shellcheck disable=SC2206
    local moves=(mousemove $1 sleep 0.06 mousedown 1 sleep 0.06) point
    shift
    # shellcheck disable=SC2206
    for point; do moves+=(mousemove $point sleep 0.06); done
    xdotool "${moves[@]}" mouseup 1 sleep 0.1
}

rows() { [ -f "$data/journal.jsonl" ] && [ "$(wc -l <"$data/journal.jsonl")" -gt "$1" ]; }
pictures() { find "$library" -name '*.png' 2>/dev/null | wc -l; }
newest() { find "$library" -name '*.png' -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-; }
# Waits for the picture with that number; it is named by `newest` then.
await_picture() {
    await "[ \"\$(pictures)\" = $1 ]"
    sleep 0.5
}

info() { "$program" info "$1" --json | tr -d ' \n'; }
tokens() { info "$1" | sed 's/.*"tokens":\[\([^]]*\)\].*/\1/'; }
seed() { info "$1" | sed 's/.*"seed":\([0-9]*\).*/\1/'; }
source_of() { info "$1" | sed -n 's/.*"source_sha256":"\([0-9a-f]*\)".*/\1/p'; }
mode() { info "$1" | sed -n 's/.*"mode":\({[^}]*}*\|"[a-z]*"\).*/\1/p'; }
# Of a picture of two panels, the forced rows and the others.
half_of() { tokens "$1" | awk -F, -v first="$2" '{ for (n = 1; n <= NF / 2; n++) print $(first * NF / 2 + n) }'; }
upper() { half_of "$1" 0; }

# What the program writes down of a source: SHA-256 of its size and its RGB bytes.
fingerprint() {
    { identify -format '%wx%h' "$1"; convert "$1" -depth 8 rgb:-; } | sha256sum | cut -d' ' -f1
}

# The stored mask as a picture, white where it may be redrawn.
mask_of() {
    info "$1" | sed 's/.*"mask":{\(.*\)/\1/' | awk '
        {
            match($0, /"runs":\[\[[^}]*\]\]/)
            runs = substr($0, RSTART + 9, RLENGTH - 11)
            match($0, /"width":[0-9]*/); width = substr($0, RSTART + 8, RLENGTH - 8)
            match($0, /"height":[0-9]*/); height = substr($0, RSTART + 9, RLENGTH - 9)
            print "P2", width, height, 255
            count = split(runs, run, "],\\[")
            for (i = 1; i <= count; i++) {
                split(run[i], pair, ",")
                for (n = 0; n < pair[2]; n++) print pair[1]
            }
        }' | convert pgm:- "$2"
}

# How many pixels of two pictures differ.
changed() {
    local count
    count=$(compare -metric AE "$1" "$2" null: 2>&1 || true)
    echo "${count%% *}"
}

# The same seed, drawn by the command line without a window, gives the same tokens.
undisturbed() {
    local file=$1 again=$home/again.png
    shift
    "$program" "$@" --seed "$(seed "$file")" -o "$again" >/dev/null 2>&1 || fail "not drawn again: $*"
    [ "$(tokens "$file")" = "$(tokens "$again")" ] || {
        [ -z "${shots:-}" ] || cp "$file" "$again" "$shots/"
        fail "$file is not what its seed draws: $(info "$file" | sed 's/"mask.*\|"tokens".*//')"
    }
}

until xdotool getdisplaygeometry >/dev/null 2>&1; do sleep 0.1; done
