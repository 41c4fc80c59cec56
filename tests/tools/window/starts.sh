#!/bin/bash
# Starts of a picture: one is chosen by click, two by keys alone, none and the likeliest is kept.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark
place+=(
    [how_many]="265 764" [eight]="302 723" [keep]="155 764" [draw_on]="60 764"
)

# Of squares: two columns, four strips below each other; their words are below them.
start() { echo "$((525 + 394 * ($1 % 2))) $((220 + 99 * ($1 / 2)))"; }
start_words() { echo "380x16+$((335 + 394 * ($1 % 2)))+$((256 + 99 * ($1 / 2)))"; }
start_rim() { echo "390x74+$((330 + 394 * ($1 % 2)))+$((183 + 99 * ($1 / 2)))"; }
holds() { info "$1" | grep -qF "$2" || fail "$1 does not say $2"; }
in_all() { find "$library" -name '*.png' -printf '%T@ %p\n' | sort -n | cut -d' ' -f2-; }
columns=24 sixth=4
above() { tokens "$1" | cut -d, -f"1-$(($2 * columns))"; }
# Draws eight starts of what is in the prompt; `base` is the seed of the first.
audition() {
    local pause
    xdotool key ctrl+Return
    await 'rows 0 && grep -q "\"candidates\":8" "$data/journal.jsonl"'
    base=$(head -1 "$data/journal.jsonl" | sed 's/.*"seed":\([0-9]*\),"candidates":8.*/\1/')
    await 'rows 2'
    pause=$(seen 80x30+20+750)
    shot starts-growing
    differs 80x30+20+750 "$pause"
    settled 500x40+470+712
}
choose() {
    local before
    before=$(seen "$(start_words "$1")")
    # shellcheck disable=SC2046
    xdotool mousemove $(start "$1") sleep 0.3 click 1
    differs "$(start_words "$1")" "$before"
}
is_start() {
    [ "$(seed "$1")" = "$((base + $2))" ] || fail "$1 is not of start $2 of $base"
    holds "$1" '"complete":true'
    undisturbed "$1" generate "a cat at night"
}

before=$(seen 120x380+240+350)
click how_many
differs 120x380+240+350 "$before"
settled 130x400+236+346
before=$(seen 50x24+245+752)
xdotool mousemove 302 723 sleep 0.6
click eight
differs 50x24+245+752 "$before"
write "a cat at night"

# One is chosen: it becomes a picture, the others go.
audition
shot starts-there
# Nothing is chosen: it says so.
before=$(seen 290x100+15+600)
click draw_on
differs 290x100+15+600 "$before"
shot starts-none-chosen
choose 5
choose 2
choose 5
xdotool mousemove 500 787 sleep 0.5
shot starts-chosen
click draw_on
await_picture 1
at_rest
shot starts-drawn
is_start "$(newest)" 2

# Two, by keys alone: the first and the fourth.
audition
lead_to "$(start_rim 0)" 40 Tab
xdotool key space sleep 0.5
lead_to "$(start_rim 3)" 5 Tab
before=$(seen "$(start_words 3)")
xdotool key space
differs "$(start_words 3)" "$before"
shot starts-chosen-by-keys
xdotool mousemove 500 787 click 1 sleep 0.3
lead_to 95x48+12+740 20 Tab
xdotool key space
await_picture 3
at_rest
shot starts-two-drawn
is_start "$(in_all | tail -2 | head -1)" 0
is_start "$(newest)" 3

# None: Keep takes the likeliest, as the command line does.
audition
click keep
await_picture 4
at_rest
part=$(newest)
shot starts-kept
holds "$part" '"complete":false'
"$program" generate "a cat at night" --audition 8 --keep 1 --seed "$base" -o "$home/likeliest.png" >/dev/null 2>&1
[ "$(seed "$part")" = "$(seed "$home/likeliest.png")" ] || fail "the window keeps seed $(seed "$part"), the command line $(seed "$home/likeliest.png")"
[ "$(above "$part" $sixth)" = "$(above "$home/likeliest.png" $sixth)" ] || fail "the likeliest start is another one"
say "starts: one chosen by click, two by keys, none kept the likeliest"
