#!/bin/bash
# A fresh home with folders of its own: the first picture takes one click, and every file lies
# where the user's settings say.

export HOME=$home/other XDG_CONFIG_HOME=$home/other/conf XDG_DATA_HOME=$home/other/dat
export XDG_CACHE_HOME=$home/other/cach XDG_STATE_HOME=$home/other/stat
mkdir -p "$XDG_CONFIG_HOME"
# shellcheck disable=SC2016
echo 'XDG_PICTURES_DIR="$HOME/Bilder"' >"$XDG_CONFIG_HOME/user-dirs.dirs"
data=$XDG_DATA_HOME/lumina-studio
library="$HOME/Bilder/Lumina Studio"

begin --theme light
shot first-run-light
click example
await_picture 1
xdotool mousemove 700 20 sleep 0.5
shot drawn-light
case $(newest) in
    "$library/$(date +%F)/"*) ;;
    *) fail "saved at $(newest)" ;;
esac
[ "$(seed "$(newest)")" = "$(seed "$examples/fox.png")" ] || fail "the example drew another seed"
undisturbed "$(newest)" generate "a fox on the beach"
await 'grep -q "a fox on the beach" "$data/state.json"'
kill_it
strays=$(find "$HOME" -type f ! -path "$library/*" ! -path "$XDG_DATA_HOME/lumina-studio/*" \
    ! -path "$XDG_CACHE_HOME/*" ! -path "$XDG_CONFIG_HOME/*")
[ -z "$strays" ] || fail "files in other places: $strays"
say "first picture: 1 click; files only where XDG_* and user-dirs.dirs say"
