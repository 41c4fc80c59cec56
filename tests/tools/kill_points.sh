#!/bin/bash
# Kills the program at random moments of a picture and lets it go on: the picture must be the undisturbed one.
#   tests/tools/kill_points.sh PROGRAM [COUNT]
# Every picture is drawn with --journal, killed (SIGKILL) at two random moments, and resumed to its end.
set -eu
program=$(realpath "$1")
count=${2:-100}
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
export HOME=$home
draw=("$program" generate "two foxes on the beach" --seed 11 --size 128x128 -o s.png --journal)
now() { date +%s%3N; }
tokens() { "$program" info "$1" --json | grep -o '"tokens": *\[[^]]*\]'; }

begun=$(now)
"${draw[@]}" 2>/dev/null >&2
whole=$(($(now) - begun))
mv s.png whole.png
wanted=$(tokens whole.png)
begun_again=0 gone_on=0 finished=0
# Starts a command and kills it at a random moment of the time a whole picture takes.
killed() {
    "$@" >/dev/null 2>&1 &
    sleep "$(awk -v most="$whole" -v seed="$RANDOM" 'BEGIN { srand(seed); printf "%.3f", rand() * most / 1000 }')"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
}
for _ in $(seq "$count"); do
    rm -f s.png
    killed "${draw[@]}"
    if [ -f s.png ]; then killed "$program" resume s.png --journal; fi
    if [ ! -f s.png ]; then
        begun_again=$((begun_again + 1))
        "${draw[@]}" >/dev/null 2>&1
    elif "$program" info s.png --json | grep -q '"complete": *false'; then
        gone_on=$((gone_on + 1))
        "$program" resume s.png >/dev/null 2>&1
    else
        finished=$((finished + 1))
    fi
    [ "$(tokens s.png)" = "$wanted" ] || { echo "kill_points: another picture" >&2; exit 1; }
    [ "$(ls | grep -vc '^\(s\|whole\)\.png$')" = 0 ] || { echo "kill_points: files are left: $(ls)" >&2; exit 1; }
done
echo "$count pictures, all as the undisturbed one: $begun_again killed before their first row, $gone_on gone on with, $finished were finished"
