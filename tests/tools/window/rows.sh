#!/bin/bash
# A picture drawn again from a row on, steered while it is drawn, rewound while it is drawn.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark

# The picture fills the canvas from top to bottom; the ruler stands at its left.
ruler() { echo "400 $((76 + (614 * (2 * $1 + 1)) / (2 * $2)))"; }
grid_rows() { info "$1" | sed 's/.*"grid":{[^}]*"rows":\([0-9]*\).*/\1/'; }
grid_columns() { info "$1" | sed 's/.*"columns":\([0-9]*\).*/\1/'; }
mark() {
    # shellcheck disable=SC2046
    xdotool mousemove $(ruler "$1" "$rows") sleep 0.2 click 1 sleep 0.4
}
# The first rows of a picture.
above() { tokens "$1" | cut -d, -f"1-$(($2 * columns))"; }
holds() { info "$1" | grep -qF "$2" || fail "$1 does not say $2"; }

write "a fox on the beach"
xdotool key ctrl+Return
await_picture 1
parent=$(newest)
rows=$(grid_rows "$parent") columns=$(grid_columns "$parent")

# Pressed on a row, drawn again from there.
mark 8
shot rows-marked
xdotool key alt+Return
await_picture 2
child=$(newest)
[ "$(above "$parent" 8)" = "$(above "$child" 8)" ] || fail "the rows above the mark did not stay"
[ "$(tokens "$parent")" != "$(tokens "$child")" ] || fail "nothing was drawn again"
holds "$child" '"from_row":8'
seed=$(info "$child" | sed 's/.*"from_row":8,[^}]*"seed":\([0-9]*\).*/\1/')
"$program" redraw "$parent" --from-row 8 --seed "$seed" -o "$home/again.png" >/dev/null 2>&1
[ "$(tokens "$home/again.png")" = "$(tokens "$child")" ] || fail "the command line draws another branch"
shot rows-branched

# By keys, with other words.
write "a fox in the snow"
xdotool key alt+Up alt+Up alt+Up sleep 0.4
shot rows-words
xdotool key alt+Return
await_picture 3
holds "$(newest)" "\"from_row\":$((rows - 3))"
holds "$(newest)" '"prompt":"afoxinthesnow"'

# Steered while it is drawn: the words change, no row is lost.
write "two foxes on the beach"
xdotool key ctrl+Return
await 'rows 5 && grep -q "two foxes" "$data/journal.jsonl"'
write "two foxes in the snow"
shot rows-steer
xdotool key alt+Return
await_picture 4
steered=$(newest)
holds "$steered" '"prompt":"twofoxesonthebeach"'
holds "$steered" '"prompt":"twofoxesinthesnow"'
at=$(info "$steered" | sed 's/.*"bands":\[{[^}]*"from_row":\([0-9]*\).*/\1/')
undisturbed "$steered" generate "two foxes on the beach" --then-from-row "$at" "two foxes in the snow"
shot rows-steered

# Rewound while it is drawn: what there was is kept.
write "a robot on a yellow background"
xdotool key ctrl+Return
await 'rows 8 && grep -q "a robot" "$data/journal.jsonl"'
mark 3
shot rows-rewind
xdotool key alt+Return
await_picture 6
child=$(newest)
part=$(find "$library" -name '*.png' -printf '%T@ %p\n' | sort -n | tail -2 | head -1 | cut -d' ' -f2-)
holds "$part" '"complete":false'
[ "$(above "$part" 3)" = "$(above "$child" 3)" ] || fail "the rows above the mark did not stay while it was drawn"
holds "$child" '"parent":{'
shot rows-rewound
say "drawn again from a row, by other words, steered at row $at, rewound"
