#!/bin/bash
# A map drawn from words, corrected by the brush, and the picture that follows it.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark

click control
write "a dog in a meadow"
shot maps-before
click sketch
await_picture 1
map=$(newest)
info "$map" | grep -q '"kind":"sketch"' || fail "$map is no map"
await 'import -window root -crop 1x1+722+120 -depth 8 txt:- | grep -qi "#0[0-9A-F]0[0-9A-F]0[0-9A-F]"'
sleep 0.5
shot maps-sketched
# A line through the sky, by the brush.
stroke "600 150" "640 130" "720 125" "800 130" "850 150"
sleep 0.5
shot maps-painted
xdotool key ctrl+Return
await_picture 2
picture=$(newest)
info "$picture" | grep -q '"kind":"control"' || fail "$picture follows no map"
[ "$(upper "$picture" | md5sum)" != "$(tokens "$map" | tr , '\n' | md5sum)" ] || fail "the stroke is not in the map"
shot maps-followed
say "a map drawn from words, painted on, followed"
