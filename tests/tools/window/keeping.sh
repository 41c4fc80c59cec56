#!/bin/bash
# Nothing is lost: signals, a folder that refuses pictures, kills at bad moments, and states that
# cannot be read. Each begins on a home of its own.

cases=$here/../cases/state

fresh() {
    gone || kill_it
    rm -rf "$data" "$library"
    mkdir -p "$data"
}
stored() { cat "$data/state.json" 2>/dev/null; }
gone() { ! kill -0 "$app" 2>/dev/null; }
# Ends the window by a signal and waits for it.
end_it() {
    kill "-$1" "$app"
    for _ in $(seq 300); do
        gone && break
        sleep 0.1
    done
    gone || fail "SIG$1 does not end the window"
    wait "$app" 2>/dev/null || true
}

# A signal ends the window as its cross does: what was typed a moment before is stored.
for signal in TERM INT HUP; do
    fresh
    begin
    click prompt
    xdotool type --delay 15 "words typed before SIG$signal"
    end_it "$signal"
    stored | grep -q "words typed before SIG$signal" || fail "SIG$signal: what was typed is gone"
done
say "SIGTERM, SIGINT and SIGHUP end the window with everything stored"

# The folder of pictures refuses them: three are drawn, the window is killed.
fresh
mkdir -p "$(dirname "$library")"
echo "in the way" >"$library"
begin
click create
write "a robot on a yellow background"
for _ in 1 2 3; do xdotool key ctrl+Return; done
await '[ "$(ls "$data" | grep -c "^unsaved-")" = 3 ]'
sleep 1
shot refused
kill_it
rm "$library"
begin
await_picture 3
sleep 3
[ "$(pictures)" = 3 ] || fail "a picture was saved twice"
await '[ "$(ls "$data" | grep -c "^unsaved-")" = 0 ]'
kill_it
say "three pictures that could not be saved outlived a kill"

# Killed as soon as the journal is there, with a row or without.
for round in 1 2 3; do
    fresh
    begin
    click create
    write "a robot on a yellow background"
    xdotool key ctrl+Return
    await '[ -f "$data/journal.jsonl" ]'
    kill_it
    # Without a row it is an order, which is begun by itself.
    lines=$(wc -l <"$data/journal.jsonl" || echo 0)
    begin
    [ "$lines" -le 1 ] || click resume
    await_picture 1
    sleep 2
    [ "$(pictures)" = 1 ] || fail "round $round: it was drawn twice"
    kill_it
    say "killed with $((lines - 1)) rows: the picture came"
done

# Whatever is found there, the window opens; what cannot be read is still there.
for name in repeated-ids huge-picture journal-columns thresholds good; do
    fresh
    cp -r "$cases/$name/." "$data/"
    [ "$name" != good ] || truncate -s -30 "$data/state.json"
    begin
    sleep 1
    shot "opened-$name"
    end_it TERM
done
ls "$data" | grep -q '^state-20' || fail "a state that was cut short is gone"
find "$data/pictures" -name '*.png' | grep -q . || fail "its pictures were swept"
say "damaged states are set aside and the window opens"
