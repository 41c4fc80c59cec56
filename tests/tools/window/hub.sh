#!/bin/bash
# A model of the Hub in the window, from a Hub on this machine: it is got, paused, killed in the middle,
# gone on with after a new start, and imported.
# Needs the example `fake-hub` beside the program (`cargo build --example fake-hub`).

server_of_models=$(dirname "$program")/examples/fake-hub
[ -x "$server_of_models" ] || fail "$server_of_models is missing: cargo build --example fake-hub"
mkdir -p "$home/.config/lumina-studio"
echo '{"models": [{"repository": "tiny/lumina", "title": "Tiny", "about": "The starter, from a Hub on this machine.", "licence": "MIT", "bytes": 28540000}]}' \
    >"$home/.config/lumina-studio/models.json"
unset HF_HUB_CACHE HF_TOKEN HF_HUB_OFFLINE HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
export HF_HOME=$home/hf
mkfifo "$home/hub_in"
"$server_of_models" 0 tiny/lumina "$here/../starter" 600000 <"$home/hub_in" >"$home/hub_out" &
exec 9>"$home/hub_in"
await_file() { for _ in $(seq 100); do [ -s "$1" ] && return; sleep 0.1; done; fail "never: $1"; }
await_file "$home/hub_out"
HF_ENDPOINT=$(head -1 "$home/hub_out")
export HF_ENDPOINT
kept() { find "$HF_HOME/hub" -name '*.incomplete' -printf '%s\n' 2>/dev/null | awk '{ all += $1 } END { print all + 0 }'; }
here_whole() { "$program" models list --json 2>/dev/null | grep '"tiny/lumina"' | grep -q '"whole":true'; }

# The models page at its end: there the card of the user's own entry is the last one, and its first button
# and those of a download stand where they always do.
to_the_end() {
    xdotool mousemove 720 500
    for _ in $(seq 60); do xdotool click 5; done
    sleep 1
}
hub_page() {
    xdotool mousemove 1000 22 click 1 sleep 3 mousemove 965 143 click 1 sleep 4
    to_the_end
}
first_button() { xdotool mousemove 881 593 click 1; }

if [ -n "$app" ]; then kill_it; fi
begin
hub_page
shot hub-known
first_button
await '[ "$(kept)" -gt 2000000 ]'
to_the_end
shot hub-getting
xdotool mousemove 413 645 click 1 sleep 3
paused=$(kept)
sleep 2
[ "$paused" = "$(kept)" ] || fail "it goes on in a pause"
to_the_end
shot hub-paused
first_button
await "[ \"\$(kept)\" -gt $((paused + 1000000)) ]"
kill_it
killed=$(kept)
[ "$killed" -gt "$paused" ] || fail "the kill took $paused bytes to $killed"
begin
hub_page
first_button
await here_whole
"$program" models verify tiny/lumina >/dev/null || fail "what is whole is not right"
# The plan came up above, and is measured; what it says then has its place.
sleep 15
shot hub-whole
# One press imports and opens it.
xdotool mousemove 438 295 click 1
await '[ -f "$HOME/lumina-q4_k.gguf" ]'
sleep 8
shot hub-imported
write "a fox on the beach"
xdotool key ctrl+Return
await_picture 1
info "$(newest)" | grep -q '"model":"[^"]*q4_k' || fail "another model drew: $(info "$(newest)" | grep -o '"model":"[^"]*"')"
shot hub-drawn
kill_it
exec 9>&-
say "a model came from the Hub by way of a pause ($paused bytes) and a kill ($killed bytes), and drew"
