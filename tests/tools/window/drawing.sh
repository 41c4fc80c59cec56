#!/bin/bash
# Typed, drawn, saved; killed in the middle and resumed.

# A fresh start gives the prompt the keyboard.
xdotool mousemove 700 20
started=$(now)
begin --theme dark
say "up in $((greeted_at - started)) ms: painted, the prompt has the keyboard; model loaded at $(($(now) - started)) ms"
shot first-run
xdotool type --delay 20 "a fox on the beach"
xdotool key ctrl+Return
await 'rows 6'; shot drawing-25
await 'rows 14'; shot drawing-60
await_picture 1
shot drawn
case $(newest) in
    "$library/$(date +%F)/"*) ;;
    *) fail "saved at $(newest)" ;;
esac
undisturbed "$(newest)" generate "a fox on the beach"

# Killed in the middle: the rows come back and end in the same picture.
write "a cat at night"
xdotool key ctrl+Return
await 'rows 5 && grep -q "a cat at night" "$data/journal.jsonl"'
kill_it
held=$(wc -l <"$data/journal.jsonl")
[ "$(pictures)" = 1 ] || fail "it was finished before the kill"
begin
shot interrupted
click resume
await_picture 2
shot resumed
undisturbed "$(newest)" generate "a cat at night"
say "typed, drawn, saved; killed after $((held - 1)) rows, resumed to the same picture"
