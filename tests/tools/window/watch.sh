#!/bin/bash
# A picture that may go wrong is told while it is drawn and stopped by a key; a masked edit of several is
# ordered by its seam.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark
place+=([how_many_pictures]="265 764" [one_of_four]="273 629")

# The command line says of this seed that it may go wrong.
told=$("$program" generate "three orange pandas" --seed 5 -o "$home/wrong.png" 2>&1)
echo "$told" | grep -q "may go wrong" || fail "the command line has no hint: $told"
write "three orange pandas"
click seed_fold
click seed_field
xdotool key ctrl+a
xdotool type --delay 20 5
sleep 0.5
xdotool key ctrl+Return
await 'rows 9'
shot watch-told
xdotool key Escape
at_rest
shot watch-stopped
await_picture 1
kept=$(newest)
info "$kept" | grep -q '"complete":false' || fail "Escape did not stop it"
drawn=$(tokens "$kept")
[[ "$(tokens "$home/wrong.png")" = "$drawn",* ]] || fail "it is not the picture the command line drew"

# Four edits of one mask: the one that what was kept follows best comes first, as on the command line.
drop_on "${place[canvas]}" "$home/photo.png"
sleep 2
stroke "600 320" "700 340" "820 330"
stroke "620 360" "720 370" "800 360"
write "replace the fox with a cat"
click how_many_pictures
sleep 0.8
click one_of_four
xdotool key ctrl+Return
await_picture 5
at_rest
xdotool mousemove 500 787 sleep 1
shot watch-seam
best=$(newest)
mask_of "$best" "$home/mask.png"
"$program" edit "$home/photo.png" "replace the fox with a cat" --mask "$home/mask.png" --best-of 4 --seed 5 \
    -o "$home/best.png" >/dev/null 2>&1 || fail "the mask cannot be used again"
[ "$(seed "$best")" = "$(seed "$home/best.png")" ] || fail "the command line takes seed $(seed "$home/best.png")"
[ "$(tokens "$best")" = "$(tokens "$home/best.png")" ] || fail "the command line draws another edit"
say "told that it may go wrong, stopped by a key; the best of four edits is the command line's"
