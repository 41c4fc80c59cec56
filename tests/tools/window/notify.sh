#!/bin/bash
# When a picture is done and nobody looks at the window, the desktop says so. Needs dbus-daemon and
# dbus-monitor; what hears the call is a monitor on a bus of its own.

command -v dbus-daemon >/dev/null && command -v dbus-monitor >/dev/null || fail "dbus-daemon or dbus-monitor is missing"
kill_it
DBUS_SESSION_BUS_ADDRESS=$(dbus-daemon --session --fork --print-address=1 --print-pid=3 3>"$home/bus.pid")
export DBUS_SESSION_BUS_ADDRESS
dbus-monitor --session "interface='org.freedesktop.Notifications'" >"$home/heard" 2>&1 &
monitor=$!
prefer() {
    python3 - "$data/state.json" "$1" <<'P'
import json, sys
state = json.load(open(sys.argv[1]))
state["preferences"]["when_done"] = sys.argv[2]
json.dump(state, open(sys.argv[1], "w"))
P
}
prefer Notify
begin --theme dark
write "a cactus in the desert"
before=$(pictures)
# Looked at: nothing is said.
xdotool key ctrl+Return
await_picture $((before + 1))
sleep 1
! grep -q "is done" "$home/heard" || fail "said while the window was looked at"
# Looked away.
xdotool key ctrl+Return
xdotool windowfocus "$(xdotool search --maxdepth 0 '.*' 2>/dev/null | head -1)"
await_picture $((before + 2))
await 'grep -q "string \"A picture is done\"" "$home/heard"'
grep -q 'string "Nothing waits."' "$home/heard" || fail "said otherwise: $(cat "$home/heard")"
kill_it
kill "$monitor" "$(cat "$home/bus.pid")" 2>/dev/null || true
say "the desktop is told of a picture that nobody waited for, and only then"
