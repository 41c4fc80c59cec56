#!/bin/bash
# Kept in the middle and finished later: the file of the part becomes the whole picture's.

kill -0 "$app" 2>/dev/null || begin --theme dark
click create
write "a robot on a yellow background"
before=$(pictures)
xdotool key ctrl+Return
await 'rows 6 && grep -q "a robot on" "$data/journal.jsonl"'
xdotool key Escape
await_picture $((before + 1))
part=$(newest)
info "$part" | grep -q '"complete":false' || fail "$part is no part"
held=$(tokens "$part" | awk -F, '{ print NF }')
# Nothing but its rows is in the file.
[ "$(identify -format '%wx%h' "$part")" = "192x$((held / 24 * 8))" ] || fail "more than its rows: $(identify "$part")"
shot kept
click finish
await 'info "$part" | grep -q "\"complete\":true"'
[ "$(pictures)" = $((before + 1)) ] || fail "the finished picture is beside the part"
undisturbed "$part" generate "a robot on a yellow background"
shot kept-finished
say "kept with $((held / 24)) rows, finished in its place to the undisturbed picture"
