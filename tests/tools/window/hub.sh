#!/bin/bash
# A model of the Hub in the window, from a Hub on this machine: it is got, paused, killed in the middle,
# gone on with after a new start, and imported.
# Needs the example `fake-hub` beside the program (`cargo build --example fake-hub`).

server_of_models=$(dirname "$program")/examples/fake-hub
[ -x "$server_of_models" ] || fail "$server_of_models is missing: cargo build --example fake-hub"
mkdir -p "$home/.config/lumina-studio"
echo '{"models": [{"repository": "tiny/lumina", "title": "Tiny", "about": "The starter, from a Hub on this machine."}]}' \
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

# The models page, scrolled to its end: there the card of the user's own entry is the last one.
hub_page() {
    xdotool mousemove 960 22 click 1 sleep 0.5
    shot "hub-menu"
    xdotool mousemove "${hub_menu:-920 130}" click 1
    sleep 1
    xdotool mousemove 640 600
    for _ in $(seq 30); do xdotool click 5; done
    sleep 0.5
}
