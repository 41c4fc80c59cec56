#!/bin/bash
# What is typed is understood, by keyboard alone: chips while typing, completion by Tab, what is outside
# the starter's world, the page of all it can draw, and words drawn as they are.

kill -0 "$app" 2>/dev/null || begin --theme dark
click create
write "a cute puppy playing in the pa"
shot words-typing
# Tab: the word that is begun becomes one of the world's.
xdotool key ctrl+a; xdotool type --delay 15 "a red umbr"
xdotool key Tab; sleep 0.4; shot words-completed
before=$(pictures)
xdotool key ctrl+Return
await_picture $((before + 1))
grep -q '"prompt":"aredumbrella"' <<<"$(info "$(newest)")" || fail "Tab did not complete: $(info "$(newest)" | cut -c1-300)"
grep -q '"caption":"aredumbrellaonthebeach"' <<<"$(info "$(newest)")" || fail "drawn as something else"

# Outside its world: said, three things offered, nothing drawn.
write "a portrait of my mother"
sleep 0.4; shot words-outside
xdotool key ctrl+Return; sleep 2
[ "$(pictures)" = $((before + 1)) ] || fail "something was drawn for what it cannot draw"
# The first offer by keyboard: the one behind the prompt.
prompted() { grep -q "\"prompt\": *\"$1\"" "$data/state.json"; }
click prompt
xdotool key Tab sleep 0.3; shot words-offer-focused
xdotool key space
await 'prompted "a balloon"'; shot words-offered

# Another meaning by keyboard: the chip behind the prompt opens its list.
write "a dog"
xdotool key Tab sleep 0.3 key space sleep 0.5; shot words-meanings
xdotool key Escape

# The page of all it can draw: behind an empty prompt, then the first thing of it.
click prompt
xdotool key ctrl+a sleep 0.1 key BackSpace sleep 0.3 key Tab sleep 0.3 key space sleep 1; shot words-page
kill_it
say "words: understood while typed, completed by Tab, refused with offers, a page of all things; by keyboard"
