#!/bin/bash
# Starts of a picture among which one is chosen, by click and by keys; the rows of one as the start of
# another; the branches in the strip, pruned and taken back; a picture filmed.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark
place+=(
    [how_many]="265 764" [eight]="302 723" [one]="302 391" [keep]="155 764" [draw_on]="60 764"
    [tile]="1204 150" [second_tile]="1212 275" [fold]="1190 240" [new_picture]="949 733"
)

# Of squares: two columns, four strips below each other; their words are below them.
start() { echo "$((525 + 394 * ($1 % 2))) $((220 + 99 * ($1 / 2)))"; }
start_words() { echo "380x16+$((335 + 394 * ($1 % 2)))+$((256 + 99 * ($1 / 2)))"; }
start_rim() { echo "390x74+$((330 + 394 * ($1 % 2)))+$((183 + 99 * ($1 / 2)))"; }
holds() { info "$1" | grep -qF "$2" || fail "$1 does not say $2"; }
in_all() { find "$library" -name '*.png' -printf '%T@ %p\n' | sort -n | cut -d' ' -f2-; }
columns=24 rows=24 sixth=4
above() { tokens "$1" | cut -d, -f"1-$(($2 * columns))"; }
# Draws eight starts; `base` is the seed of the first.
audition() {
    write "$1"
    local pause
    xdotool key ctrl+Return
    await 'rows 0 && grep -q "\"candidates\":8" "$data/journal.jsonl"'
    base=$(head -1 "$data/journal.jsonl" | sed 's/.*"seed":\([0-9]*\),"candidates":8.*/\1/')
    await 'rows 2'
    pause=$(seen 80x30+20+750)
    shot "starts-growing-$base"
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
    undisturbed "$1" generate "$3"
}

click how_many
settled 130x400+236+346
click eight

# One is chosen: it becomes a picture, the others go.
audition "a cat at night"
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
shot starts-drawn
is_start "$(newest)" 2 "a cat at night"

# Two, by keys alone: the first and the fourth.
audition "a cat at night"
lead_to "$(start_rim 0)" 30 Tab
xdotool key space sleep 0.5
lead_to "$(start_rim 3)" 5 Tab
before=$(seen "$(start_words 3)")
xdotool key space
differs "$(start_words 3)" "$before"
shot starts-chosen-by-keys
xdotool mousemove 500 787 click 1 sleep 0.3
lead_to 98x48+12+740 20 Tab
xdotool key space
await_picture 3
shot starts-two-drawn
is_start "$(in_all | tail -2 | head -1)" 0 "a cat at night"
is_start "$(newest)" 3 "a cat at night"

# None: Keep takes the likeliest, as the command line does.
audition "a cat at night"
click keep
await_picture 4
part=$(newest)
shot starts-kept
holds "$part" '"complete":false'
"$program" generate "a cat at night" --audition 8 --keep 1 --seed "$base" -o "$home/likeliest.png" >/dev/null 2>&1
[ "$(seed "$part")" = "$(seed "$home/likeliest.png")" ] || fail "the window keeps seed $(seed "$part"), the command line $(seed "$home/likeliest.png")"
[ "$(above "$part" $sixth)" = "$(above "$home/likeliest.png" $sixth)" ] || fail "the likeliest start is another one"
say "starts: one chosen by click, two by keys, none kept the likeliest"

# Anew, one at a press.
kill_it
rm -rf "$data" "$library"
begin --theme dark
write "a fox on the beach"
xdotool key ctrl+Return
await_picture 1
parent=$(newest)

# The mark by keys: up eight rows, down two; New picture by click, by the words in the prompt.
mark_by_keys() {
    xdotool mousemove 500 787 click 1 sleep 0.3
    local before
    for key in "$@"; do
        before=$(seen 60x614+350+76)
        xdotool key "alt+$key"
        differs 60x614+350+76 "$before"
    done
}
write "a dog on the beach"
mark_by_keys Up Up Up Up Up Up Up Up Up Up Down Down
shot starts-marked
click new_picture
await_picture 2
child=$(newest)
[ "$(above "$parent" 16)" = "$(above "$child" 16)" ] || fail "the rows above the mark are not its start"
holds "$child" '"prompt":"adogonthebeach"'
undisturbed "$child" generate "a dog on the beach" --begin-with "$parent" 16
shot starts-new-picture

# Once more, by keys alone; the ruler stands at the picture that was begun.
mark_by_keys Up Up Up Up
lead_to 110x34+894+715 6 shift+Tab
xdotool key space
await_picture 3
grandchild=$(newest)
[ "$(above "$child" 20)" = "$(above "$grandchild" 20)" ] || fail "the rows of the second are not the start of the third"
# Drawn again from the mark, by the button.
mark_by_keys Up Up Up Up Up Up Up Up Up Up
lead_to 180x34+412+715 8 shift+Tab
xdotool key space
await_picture 4
holds "$(newest)" '"from_row":14'
[ "$(above "$grandchild" 14)" = "$(above "$(newest)" 14)" ] || fail "the rows above row 14 did not stay"

# The strip folds them into a tree.
settled 146x700+1132+44
shot starts-folded
before=$(seen 130x560+1140+225)
click fold
differs 130x560+1140+225 "$before"
settled 146x700+1132+44
shot starts-unfolded

# Filmed: by the menu of the strip; without a dialog for files a path is asked for.
film() {
    local before
    before=$(seen 400x60+450+300)
    differs 400x60+450+300 "$before"
    settled 440x200+420+300
    shot "starts-path-$1"
    xdotool type --delay 15 "$2"
    settled 400x40+430+405
    xdotool key Return
}
menu() {
    local before
    before=$(seen 200x300+985+200)
    # shellcheck disable=SC2086
    xdotool mousemove ${place[$1]} sleep 0.3 click 3
    differs 200x300+985+200 "$before"
    settled 240x480+970+145
}
click tile
sleep 1
menu tile
shot starts-menu
xdotool mousemove 1080 388 sleep 0.3 click 1
film menu "$home/film.gif"
await '[ -s "$home/film.gif" ]'
sleep 1
shot starts-filmed
"$program" timelapse "$(newest)" -o "$home/told.gif" >/dev/null 2>&1
frames=$(identify "$home/film.gif" | wc -l)
[ "$frames" -gt $rows ] || fail "a film of $frames frames for $rows rows"
convert "$home/film.gif[-1]" -strip "$home/last.png"
convert "$home/told.gif[-1]" -strip "$home/told.png"
[ "$(changed "$home/last.png" "$home/told.png")" = 0 ] || fail "the film ends otherwise than that of the command line"
# By keys: the menu behind the last icon.
xdotool mousemove 500 787 click 1 sleep 0.3
lead_to 30x26+1022+727 3 shift+Tab
before=$(seen 240x300+1010+400)
xdotool key space
differs 240x300+1010+400 "$before"
settled 260x500+1000+260
shot starts-menu-by-keys
