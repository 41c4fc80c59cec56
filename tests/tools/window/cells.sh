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
parent=$(newest)
rows=$(info "$parent" | sed 's/.*"grid":{[^}]*"rows":\([0-9]*\).*/\1/')
columns=$(info "$parent" | sed 's/.*"grid":{"columns":\([0-9]*\).*/\1/')

# By key; then a cell under the pointer, held by a click.
xdotool mousemove 500 787 click 1 sleep 0.3 key d sleep 0.6
shot cells-doubt
# shellcheck disable=SC2046
xdotool mousemove $(cell 14 16) sleep 2
shot cells-hover
xdotool click 1 sleep 1
shot cells-held
# A neighbour, by keys, whose second likeliest code is taken.
xdotool key shift+Right sleep 1
# The model may take its time to answer.
await 'xdotool key 2 sleep 1; [ "$(pictures)" = 2 ]'
await_picture 2
child=$(newest)
[ "$(above "$parent" 14 17)" = "$(above "$child" 14 17)" ] || fail "what stands before the cell did not stay"
[ "$(code "$parent" 14 17)" != "$(code "$child" 14 17)" ] || fail "the same code stands in the cell"
holds "$child" '"given":[{"codes":['
holds "$child" '"from_row":14,"picture"'
shot cells-taken

# Where both differ.
xdotool mousemove 500 787 click 1 sleep 0.3
click compare_tool
sleep 3
shot cells-difference
"$program" diff "$parent" "$child" >"$home/diff"
grep -q 'in row 14' "$home/diff" || fail "$(cat "$home/diff")"
click compare_tool

# The doubtful cells become the mask of an edit.
sleep 0.5
shot cells-before-select
click select_doubtful
sleep 0.7
shot cells-selected
say "doubt shown, another code taken at 14,17, differences, doubtful cells selected"
