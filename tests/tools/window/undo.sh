#!/bin/bash
# One stack of undo over masks, pictures, words and the queue; the queue in a narrow window.

kill -0 "$app" 2>/dev/null || begin --theme dark
now_state() { tr -d ' \n' <"$data/state.json" | sed 's/,"undo":.*//'; }
# The names of the turns of the present chain.
turns() { now_state | sed 's/,"aside":.*//' | grep -o '"chain":.*' | grep -o '"name":"[^"]*"' | tr -d '\n'; }
strokes() { now_state | sed 's/,"aside":.*//' | grep -o '"done":[0-9]*' | head -1; }
waiting() { now_state | grep -o '"orders":\[.*\],"next"' | grep -o '"id":[0-9]*,"request"' | wc -l; }

# A mask, and another picture dropped over it: Ctrl+Z brings both back.
drop_on "${place[canvas]}" "$home/cactus.png"
await '[ "$(turns)" = "\"name\":\"cactus.png\"" ]'
stroke "700 300" "760 330"
stroke "700 400" "760 430"
await '[ "$(strokes)" = "\"done\":2" ]'
drop_on "${place[canvas]}" "$home/penguin.png"
await '[ "$(turns)" = "\"name\":\"penguin.png\"" ]'
sleep 1; shot undo-replaced
click nowhere
xdotool key ctrl+z
await '[ "$(turns)" = "\"name\":\"cactus.png\"" ] && [ "$(strokes)" = "\"done\":2" ]'
xdotool key ctrl+shift+z
await '[ "$(turns)" = "\"name\":\"penguin.png\"" ]'
xdotool key ctrl+z
await '[ "$(turns)" = "\"name\":\"cactus.png\"" ] && [ "$(strokes)" = "\"done\":2" ]'

# A long prompt that is typed over, with the keyboard still in it.
click create
write "a robot on a yellow background"
xdotool key ctrl+a
xdotool type x
await 'now_state | grep -q "\"prompt\":\"x\""'
xdotool key ctrl+z
await 'now_state | grep -q "\"prompt\":\"arobotonayellowbackground\""'

# The queue, in a window too narrow for the strip: seen, counted, cleared, taken back.
for _ in $(seq 4); do xdotool key ctrl+Return; sleep 0.2; done
await '[ "$(waiting)" = 3 ]'
xdotool windowsize "$window" 1000 700
sleep 1; shot narrow
xdotool mousemove ${place[narrow_results]} sleep 0.2 click 1 sleep 1
shot narrow-queue
xdotool mousemove ${place[narrow_clear]} sleep 0.2 click 1
await '[ "$(waiting)" = 0 ]'
sleep 0.5; shot narrow-cleared
xdotool mousemove 500 687 sleep 0.1 click 1 key ctrl+z
await '[ "$(waiting)" -ge 2 ]'
# Drawn one after the other, as before.
kill_it
say "a replaced picture, a prompt typed over and a cleared queue are back by Ctrl+Z; the queue is there in a narrow window"
