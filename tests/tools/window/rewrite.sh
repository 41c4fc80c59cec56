#!/bin/bash
# Words rewritten: by key, shown beside the own ones, taken, drawn; the own ones by Undo; before every picture.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark

own="a puppy playing in the park"
write "$own"
xdotool key ctrl+r
sleep 3
shot rewrite-shown
# Tab leads from the prompt over the menu to the words of the writer, and on to "Use it".
xdotool mousemove 80 425 click 1
sleep 2
shot rewrite-taken
xdotool key ctrl+Return
await_picture 1
first=$(newest)
info "$first" | grep -qF "\"own\":\"${own// /}\"" || fail "the picture does not say the own words"
info "$first" | grep -qF '"prompt":"adoginameadow"' || fail "the picture was not drawn from the rewritten words"
"$program" redraw "$first" -o "$home/again.png" >/dev/null || fail "it is not redrawn"
cmp "$first" "$home/again.png" || fail "it is redrawn otherwise"

# The own words come back, and are drawn as they are.
xdotool mousemove 160 190 click 1 sleep 0.3 key ctrl+z sleep 1
shot rewrite-undone
xdotool key ctrl+Return
await_picture 2
info "$(newest)" | grep -qF "\"prompt\":\"${own// /}\"" || fail "the own words did not come back"
say "words rewritten, taken, drawn, redrawn and undone"
