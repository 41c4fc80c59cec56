#!/bin/bash
# The first rows of a picture as the start of another; drawn again from a mark set by keys; the branches in
# the strip, folded, unfolded, pruned; a picture filmed.

if [ -n "$app" ]; then kill_it; fi
rm -rf "$data" "$library"
begin --theme dark
place+=([tile]="1204 150" [second_tile]="1212 275" [fold]="1190 240" [new_picture]="949 733")
columns=24 rows=24
holds() { info "$1" | grep -qF "$2" || fail "$1 does not say $2"; }
above() { tokens "$1" | cut -d, -f"1-$(($2 * columns))"; }

write "a fox on the beach"
xdotool key ctrl+Return
await_picture 1
at_rest
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
shot branches-marked
click new_picture
await_picture 2
at_rest
child=$(newest)
[ "$(above "$parent" 16)" = "$(above "$child" 16)" ] || fail "the rows above the mark are not its start"
holds "$child" '"prompt":"adogonthebeach"'
undisturbed "$child" generate "a dog on the beach" --begin-with "$parent" 16
shot branches-new-picture

# Once more, by keys alone; the ruler stands at the picture that was begun.
mark_by_keys Up Up Up Up
lead_to 110x34+894+715 6 shift+Tab
xdotool key space
await_picture 3
at_rest
grandchild=$(newest)
[ "$(above "$child" 20)" = "$(above "$grandchild" 20)" ] || fail "the rows of the second are not the start of the third"
# The mark by a click on the ruler; drawn again by the button.
before=$(seen 60x614+350+76)
xdotool mousemove 400 268 sleep 0.2 click 1
differs 60x614+350+76 "$before"
lead_to 180x34+412+715 8 shift+Tab
xdotool key space
await_picture 4
at_rest
holds "$(newest)" '"from_row":7'
[ "$(above "$grandchild" 7)" = "$(above "$(newest)" 7)" ] || fail "the rows above row 7 did not stay"

# Where it differs from what it was drawn from: in no row above the mark.
"$program" diff "$(newest)" "$grandchild" >"$home/diff"
xdotool mousemove 500 787
before=$(seen 170x20+416+80)
click compare_tool
differs 170x20+416+80 "$before"
before=$(seen 420x40+512+670)
xdotool mousemove 500 787 key d
differs 420x40+512+670 "$before"
settled 420x40+512+670
shot branches-difference
xdotool key d sleep 0.5
click compare_tool
say "differs: $(cat "$home/diff")"

# The strip folds them into a tree.
settled 146x700+1132+44
shot branches-folded
before=$(seen 130x560+1140+225)
click fold
differs 130x560+1140+225 "$before"
settled 146x700+1132+44
shot branches-unfolded

# Filmed: by the menu of the strip; without a dialog for files a path is asked for.
film() {
    local before
    before=$(seen 400x60+450+300)
    differs 400x60+450+300 "$before"
    settled 440x200+420+300
    shot "branches-path-$1"
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
shot branches-menu
xdotool mousemove 1080 388 sleep 0.3 click 1
film menu "$home/film.gif"
await '[ -s "$home/film.gif" ]'
sleep 1
shot branches-filmed
"$program" timelapse "$parent" -o "$home/told.gif" >/dev/null 2>&1
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
shot branches-menu-by-keys
lead_to 236x20+1026+517 14 Tab
xdotool key space
film keys "$home/film.png"
await '[ -s "$home/film.png" ]'
grep -qa acTL "$home/film.png" || fail "the film is no animated PNG"
sleep 1

# Pruned: the second goes to the trash with all that came of it, the first stays.
click second_tile
sleep 1
menu second_tile
shot branches-menu-second
xdotool mousemove 1080 694 sleep 0.5
shot branches-prune
xdotool click 1
await_picture 1
settled 146x700+1132+44
shot branches-pruned
[ "$(newest)" = "$parent" ] || fail "$parent is gone"
# Taken back by the button of the notice.
xdotool mousemove 58 703 sleep 0.5 click 1
await_picture 4
settled 146x700+1132+44
shot branches-taken-back
say "begun with the rows of another, drawn again, compared, filmed twice, pruned and taken back"
