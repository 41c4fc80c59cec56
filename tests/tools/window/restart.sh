#!/bin/bash
# Killed with everything under way: settings, mask, references and queue are back, and go on.

kept() { tr -d ' \n' <"$data/state.json" | sed 's/,"undo":.*//'; }
queued() { kept | grep -o '"orders":\[.*' | grep -o '"id":[0-9]*,"request"' | wc -l; }

click create
write "a robot on a yellow background"
click seed_fold
click seed_field
xdotool key ctrl+a
xdotool type --delay 20 4711
sleep 0.5
before=$(pictures)
for _ in $(seq 6); do xdotool key ctrl+Return; done
await 'rows 3 && [ "$(queued)" -ge 2 ]'
kill_it
done_by=$(pictures)
queue=$(queued)
begin
[ "$(pictures)" -lt $((before + 6)) ] || fail "all were drawn before the kill"
shot restarted
click resume
await_picture $((before + 6))
sleep 2
[ "$(pictures)" = $((before + 6)) ] || fail "an order was drawn twice"
[ "$(seed "$(newest)")" = 4711 ] || fail "the seed was forgotten: $(seed "$(newest)")"
undisturbed "$(newest)" generate "a robot on a yellow background"
say "killed with $queue in the queue and $((done_by - before)) of 6 drawn; all 6 came, the seed is kept"

# The mask and its undo, as they look.
click edit
settle "$home/left.png"
[ "$(changed "$home/painted.png" "$home/left.png")" = 0 ] || fail "the mask of the first turn is gone"
await 'kept | grep -q "\"tab\":\"Edit\""'
# The last change is undone first, whatever it was: here a stroke.
stroke "700 300" "760 330"
await 'kept | grep -q "\"done\":13[,}]"'
settle "$home/left.png"
kill_it
begin
settle "$home/back.png"
[ "$(changed "$home/left.png" "$home/back.png")" = 0 ] || fail "the mask does not look as before the kill"
click nowhere
xdotool key ctrl+z
await 'kept | grep -q "\"done\":12[,}]"'
xdotool key ctrl+shift+z
await 'kept | grep -q "\"done\":13[,}]"'
[ "$(kept | grep -o '"references":\[[^]]*\]' | grep -o '"name"' | wc -l)" = 2 ] || fail "the tray is not as it was"
click subject
sleep 0.5
shot tray
kill_it
say "prompt, seed, mask with its undo, references and queue are back after a kill"
