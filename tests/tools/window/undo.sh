#!/bin/bash
# One stack of undo over masks, pictures, words and the queue; the queue in a narrow window.

kill -0 "$app" 2>/dev/null || begin --theme dark
# Something of the stored state, by a Python expression over it; nothing while it is not there.
stored() { python3 -c "import json; state = json.load(open('$data/state.json')); print($1)" 2>/dev/null || true; }
# The names of the turns of the present chain, the steps of its last mask, the prompt, the orders that wait.
turns() { stored "*(turn['photo']['name'] for turn in state['draft']['chain']['turns'])"; }
strokes() { stored "state['draft']['chain']['turns'][-1]['painting']['done']"; }
prompt() { stored "state['draft']['prompt']"; }
waiting() { stored "len(state['queue']['orders'])"; }

# A mask, and another picture dropped over it: Ctrl+Z brings both back.
drop_on "${place[canvas]}" "$home/cactus.png"
await '[ "$(turns)" = cactus.png ]'
stroke "700 300" "760 330"
stroke "700 400" "760 430"
await '[ "$(strokes)" = 2 ]'
drop_on "${place[canvas]}" "$home/penguin.png"
await '[ "$(turns)" = penguin.png ]'
sleep 1; shot undo-replaced
click nowhere
xdotool key ctrl+z
await '[ "$(turns)" = cactus.png ] && [ "$(strokes)" = 2 ]'
xdotool key ctrl+shift+z
await '[ "$(turns)" = penguin.png ]'
xdotool key ctrl+z
await '[ "$(turns)" = cactus.png ] && [ "$(strokes)" = 2 ]'

# A long prompt that is typed over, with the keyboard still in it.
click create
write "a robot on a yellow background"
xdotool key ctrl+a
xdotool type x
await '[ "$(prompt)" = x ]'
xdotool key ctrl+z
await '[ "$(prompt)" = "a robot on a yellow background" ]'

# The queue, in a window too narrow for the strip: seen, counted, cleared, taken back.
# So many are ordered that the list is at its full height, however fast they are drawn meanwhile:
# what clears it stands above it.
for _ in $(seq 24); do xdotool key ctrl+Return sleep 0.1; done
await '[ "$(waiting)" -ge 12 ]'
xdotool windowsize "$window" 1000 700
sleep 1; shot narrow
xdotool mousemove ${place[narrow_results]} sleep 0.2 click 1 sleep 1
shot narrow-queue
xdotool mousemove ${place[narrow_clear]} sleep 0.2 click 1
await '[ "$(waiting)" = 0 ]'
shot narrow-cleared
xdotool mousemove 500 687 sleep 0.1 click 1 key ctrl+z
await '[ "$(waiting)" -ge 5 ]'
# Drawn one after the other, as before.
kill_it
say "a replaced picture, a prompt typed over and a cleared queue are back by Ctrl+Z; the queue is there in a narrow window"
