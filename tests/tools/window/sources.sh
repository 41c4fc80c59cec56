#!/bin/bash
# Subject, control, predict and pair: the rows that are forced come from the picture that was given,
# and the rest is what the command line draws from it with the same seed.

# Draws, and checks the picture saved: its mode, that its source is FILE (`-` for none), and that
# COMMAND... draws the same. Leaves its name in `result`.
drawn_from() {
    local wanted=$1 file=$2
    shift 2
    local before
    before=$(pictures)
    xdotool key ctrl+Return
    await_picture $((before + 1))
    result=$(newest)
    mode "$result" | grep -q "$wanted" || fail "$result is no $wanted: $(mode "$result")"
    if [ "$file" != - ]; then
        [ "$(source_of "$result")" = "$(fingerprint "$file")" ] || fail "$wanted: drawn from another picture"
    fi
    undisturbed "$result" "$@"
}

# Two subjects in the tray, the first one picked again.
click subject
drop_on "57 312" "$home/photo.png"
write "a fox in the snow"
drawn_from subject "$home/photo.png" subject "$home/photo.png" "a fox in the snow"
shot subject
photo_rows=$(upper "$result")
first=$(seed "$result")
drop_on "147 312" "$home/cactus.png"
drawn_from subject "$home/cactus.png" subject "$home/cactus.png" "a fox in the snow"
[ "$(upper "$result")" != "$photo_rows" ] || fail "another subject, the same rows"
click first_subject
drawn_from subject "$home/photo.png" subject "$home/photo.png" "a fox in the snow"
[ "$(upper "$result")" = "$photo_rows" ] || fail "the same subject, other rows"
[ "$(seed "$result")" != "$first" ] || fail "the second picture has the first one's seed"
say "subject: dropped, picked, its codes are the forced rows"

# A map, then a photo of which the map is made.
click control
drop_on "84 478" "$home/map.png"
write "a heart in a meadow"
drawn_from control "$home/map.png" control "$home/map.png" "a heart in a meadow" --kind canny
map_rows=$(upper "$result")
shot control-map
drop_on "227 478" "$home/photo.png"
await 'grep -q "canny map" "$data/state.json"'
write "a fox in a meadow"
drawn_from control - control "$home/photo.png" "a fox in a meadow" --kind canny --from-photo
[ "$(upper "$result")" != "$map_rows" ] || fail "another map, the same rows"
shot control-photo
say "control: by a map and by a photo whose map was made here, its codes are the forced rows"

click predict
drop_on "155 280" "$home/penguin.png"
drawn_from predict "$home/penguin.png" predict "$home/penguin.png" --kind canny
shot predict
penguin_rows=$(upper "$result")
drop_on "155 280" "$home/cactus.png"
drawn_from predict "$home/cactus.png" predict "$home/cactus.png" --kind canny
[ "$(upper "$result")" != "$penguin_rows" ] || fail "another picture, the same rows"
say "predict: the picture's codes are the forced rows"

click pair
write "an owl at sunset"
drawn_from pair - pair "an owl at sunset" --kind canny
shot pair
say "pair: as the command line draws it"
