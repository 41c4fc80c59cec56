#!/bin/bash
# The cells of a picture: how unsure the model was, what else could stand there, one taken; the doubtful ones
# as a mask; where two pictures differ; the rows as a time-lapse, and as the start of another picture.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark

# The picture is square and fills the canvas from top to bottom.
cell() { echo "$((722 - 307 + (614 * (2 * $2 + 1)) / (2 * columns))) $((76 + (614 * (2 * $1 + 1)) / (2 * rows)))"; }
holds() { info "$1" | grep -qF "$2" || fail "$1 does not say $2"; }
code() { tokens "$1" | cut -d, -f"$(($2 * columns + $3 + 1))"; }
above() { tokens "$1" | cut -d, -f"1-$(($2 * columns + $3))"; }

write "a fox on the beach"
xdotool key ctrl+Return
await_picture 1
at_rest
parent=$(newest)
rows=$(info "$parent" | sed 's/.*"grid":{[^}]*"rows":\([0-9]*\).*/\1/')
columns=$(info "$parent" | sed 's/.*"grid":{"columns":\([0-9]*\).*/\1/')

# By key; then a cell under the pointer, held by a click.
xdotool mousemove 500 787 click 1 sleep 0.3 key d sleep 0.6
shot cells-doubt
# shellcheck disable=SC2046
xdotool mousemove $(cell 14 16) sleep 0.2
# The card reaches down here once the small pictures are in it; else there is sand.
asked() { [ "$(import -window root -crop 1x1+540+520 -format '%[fx:mean < 0.2]' info: 2>/dev/null)" = 1 ]; }
await asked
settled 280x110+536+418
shot cells-hover
xdotool click 1
# Held, it has a cross.
before=$(seen 16x16+783+435)
differs 16x16+783+435 "$before"
settled 280x110+536+418
shot cells-held
# A neighbour, by keys, whose second likeliest code is taken.
xdotool key shift+Right sleep 1
# The model may take its time to answer.
await 'xdotool key 2 sleep 1; [ "$(pictures)" = 2 ]'
await_picture 2
at_rest
child=$(newest)
[ "$(above "$parent" 14 17)" = "$(above "$child" 14 17)" ] || fail "what stands before the cell did not stay"
[ "$(code "$parent" 14 17)" != "$(code "$child" 14 17)" ] || fail "the same code stands in the cell"
holds "$child" '"given":[{"codes":['
holds "$child" '"from_row":14,"picture"'
shot cells-taken

# Where both differ: compared by a click, then D; and by keys alone.
"$program" diff "$parent" "$child" -o "$home/cells.png" >"$home/diff"
grep -q 'in row 14' "$home/diff" || fail "$(cat "$home/diff")"
# Compares what D laid over the window with what the command line says, but for the last row, over
# which the card lies.
laid_over() {
    import -window root -crop 614x588+415+76 +repage "$home/with.png"
    [ "$(convert "$home/without.png" "$home/with.png" -compose difference -composite -threshold 4% -format '%[fx:mean > 0]' info:)" = 1 ] || return 1
    convert "$home/without.png" "$home/with.png" -compose difference -composite -colorspace gray -threshold 4% \
        -filter point -resize "${columns}x$((rows - 1))!" "$home/laid.png"
    convert "$home/cells.png" -crop "x$((8 * (rows - 1)))+0+0" +repage -colorspace gray -threshold 50% \
        -filter point -resize "${columns}x$((rows - 1))!" "$home/told.png"
    [ "$(changed "$home/laid.png" "$home/told.png")" = 0 ]
}
differences() {
    before=$(seen 170x20+416+80)
    "$@"
    differs 170x20+416+80 "$before"
    settled 614x588+415+76
    ring=$(seen 64x24+574+727)
    shot "cells-compared-$1"
    import -window root -crop 614x588+415+76 +repage "$home/without.png"
    before=$(seen 420x40+512+670)
    xdotool key d
    differs 420x40+512+670 "$before"
    settled 420x40+512+670
    shot "cells-difference-$1"
    laid_over || fail "the window shows other cells than: $(cat "$home/diff")"
    xdotool key d
    await '! laid_over'
}
by_click() { xdotool mousemove 606 738 sleep 0.3 click 1 sleep 1 mousemove 500 787; }
by_keys() {
    xdotool mousemove 500 787 click 1 sleep 0.3
    lead_to 64x24+574+727 18 shift+Tab
    xdotool key space sleep 0.3
}
# Off, as it is on a first look.
xdotool mousemove 500 787 click 1 sleep 0.3 key d
settled 614x614+415+76
differences by_click
before=$(seen 170x20+416+80)
click compare_tool
differs 170x20+416+80 "$before"
differences by_keys
ring_stays=$(seen 64x24+574+727)
before=$(seen 170x20+416+80)
click compare_tool
differs 170x20+416+80 "$before"

# The doubtful cells become the mask of an edit.
xdotool mousemove 500 787 click 1 sleep 0.3
before=$(seen 200x40+500+665)
xdotool key d
differs 200x40+500+665 "$before"
settled 470x58+490+652
shot cells-before-select
before=$(seen 90x24+205+60)
click select_doubtful
differs 90x24+205+60 "$before"
sleep 0.7
shot cells-selected
say "doubt shown, another code taken at 14,17, differences by click and by keys, doubtful cells selected"
# What was led to by keys keeps the keyboard when D brings a card and takes it away.
[ "$ring_stays" = "$ring" ] || fail "D takes the keyboard from Compare"
