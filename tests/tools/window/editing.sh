#!/bin/bash
# A photo dropped on the canvas, a mask painted with the mouse, edited: outside the mask not one
# pixel changes. It lies at 384,130 on the canvas, 2.11 pixels of the window each of its own.

# What there is now: what can be undone, behind it, is left out.
state() { tr -d ' \n' <"$data/state.json" | sed 's/,"undo":.*//'; }
steps_are() { state | grep -q "\"done\":$1[,}]"; }
canvas_shot() { import -window root -crop 690x520+378+124 -depth 8 "$1"; }

drop_on "${place[canvas]}" "$home/photo.png"
await 'state | grep -q "\"tab\":\"Edit\""'
# On a busy machine the window is behind the pointer for a while: until two looks are the same.
settle() {
    xdotool mousemove 700 20
    for _ in $(seq 30); do
        canvas_shot "$home/look.png"
        sleep 1.5
        canvas_shot "$1"
        [ "$(changed "$home/look.png" "$1")" != 0 ] || return 0
    done
    fail "the window does not come to rest"
}

# A stroke that begins in the frame in which the last one ended would be lost: they are given time.
for at in $(seq 0 11); do
    y=$((280 + 12 * at))
    stroke "$((600 + 3 * (at % 4))) $y" "720 $((y + 6))" "$((840 - 5 * (at % 3))) $y"
    sleep 0.4
done
settle "$home/painted.png"
await 'steps_are 12'
for _ in $(seq 12); do xdotool key ctrl+z; done
await 'steps_are 0'
settle "$home/blank.png"
# The promise of the mask takes no room: what lies below it in the column stays.
column_below() { import -window root -crop 200x110+10+596 -depth 8 "$1"; }
column_below "$home/below-blank.png"
[ "$(changed "$home/painted.png" "$home/blank.png")" -gt 10000 ] || fail "the mask was not seen to go"
for _ in $(seq 12); do xdotool key ctrl+shift+z; done
await 'steps_are 12'
settle "$home/again.png"
[ "$(changed "$home/painted.png" "$home/again.png")" = 0 ] || fail "redone, the mask looks different"
column_below "$home/below-masked.png"
[ "$(changed "$home/below-blank.png" "$home/below-masked.png")" = 0 ] || fail "with a mask the column moves"
tools_shot() { import -window root -crop 40x30+"$1"+724 -depth 8 "$2"; }
tools_shot "${place[fit]% *}" "$home/fit-source.png"
say "12 strokes by mouse, undone and redone, look the same to the pixel"

write "replace the fox with a cat"
shot editing-dark
before=$(pictures)
xdotool key ctrl+Return
# What stays is in sight from the start: the sand under the fox, to the pixel.
sand() { import -window root -crop 600x60+420+560 -depth 8 "$1"; }
convert "$home/painted.png" +repage -crop 600x60+42+436 +repage "$home/sand.png"
await 'rows 13'
sleep 0.3
shot edit-draws
sand "$home/sand-drawn.png"
[ "$(changed "$home/sand.png" "$home/sand-drawn.png")" = 0 ] || fail "while the hole fills, the rest is not in sight"
await_picture $((before + 1))
edited=$(newest)
xdotool mousemove 700 20 sleep 0.5
shot edited-dark
mode "$edited" | grep -q '"edit"' || fail "no edit was made: $(mode "$edited")"
[ "$(source_of "$edited")" = "$(fingerprint "$home/photo.png")" ] || fail "another source was edited"
mask_of "$edited" "$home/mask.png"
# White where any channel differs.
convert "$home/photo.png" "$edited" -compose difference -composite \
    -separate -evaluate-sequence max -threshold 0 "$home/changed.png"
pixels() { convert "$@" -format '%[fx:round(mean*w*h)]' info:; }
outside=$(pixels "$home/changed.png" \( "$home/mask.png" -negate \) -compose multiply -composite)
inside=$(pixels "$home/changed.png" "$home/mask.png" -compose multiply -composite)
[ "$outside" = 0 ] || fail "$outside pixels outside the mask changed"
[ "$inside" -gt 1000 ] || fail "only $inside pixels inside the mask changed"
# Where it was painted, by the pointer's places alone: the strokes end 12 pixels around them.
far=$(pixels "$home/changed.png" -fill black -draw 'rectangle 88,57 231,150')
[ "$far" = 0 ] || fail "$far pixels far from the strokes changed"
middle=$(convert "$home/mask.png" -format '%[fx:p{159,104}]' info:)
[ "$middle" = 1 ] || fail "the mask is not where it was painted"
"$program" edit "$home/photo.png" "replace the fox with a cat" --mask "$home/mask.png" \
    --seed "$(seed "$edited")" -o "$home/masked.png" >/dev/null 2>&1 || fail "the mask cannot be used again"
[ "$(tokens "$edited")" = "$(tokens "$home/masked.png")" ] || fail "the command line draws another edit"
say "a photo dropped, masked and edited: $inside pixels inside changed, 0 outside"

# The result is the next source, and the lit brush paints on it; the tools stand where they stood.
await 'state | grep -q "\"at\":1"'
tools_shot "${place[fit]% *}" "$home/fit-edited.png"
[ "$(changed "$home/fit-source.png" "$home/fit-edited.png")" = 0 ] || fail "the tools moved"
stroke "600 300" "700 320" "760 300"
await 'steps_are 1'
xdotool key ctrl+z
await 'steps_are 0'
# A plain wheel zooms at the pointer, Ctrl+0 fits it again.
settle "$home/fitted.png"
xdotool mousemove 600 300 click 4 sleep 0.5
settle "$home/zoomed.png"
[ "$(changed "$home/fitted.png" "$home/zoomed.png")" -gt 10000 ] || fail "the wheel does not zoom"
xdotool key ctrl+0
settle "$home/fitted-again.png"
[ "$(changed "$home/fitted.png" "$home/fitted-again.png")" = 0 ] || fail "Ctrl+0 does not fit the picture"
say "while it draws, what stays is in sight; then the brush paints on the result, the wheel zooms"
# One can step back without losing it.
click turn1
await 'state | grep -q "\"at\":0"'
settle "$home/back.png"
[ "$(changed "$home/painted.png" "$home/back.png")" = 0 ] || fail "the first turn does not look as it was left"
