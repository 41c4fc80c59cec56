#!/bin/sh
# The real training, in calls of at most ten minutes: call it again until it says `done`.
#
#   assets/starter/recipe/gpu.sh small  [MINUTES [STOP_AFTER]]
#   assets/starter/recipe/gpu.sh medium [MINUTES [STOP_AFTER]]   after small: takes its image tokenizer and tokens
#   assets/starter/recipe/gpu.sh fetch  small|medium [PART]      what is done, in files of 15 MiB, into $OUT
#
# MINUTES is the whole training's time (small 16, medium 9), STOP_AFTER this call's (8.5).
# Everything lies in target/starter-*, which no copying of the tree touches. Needs torch and numpy only.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../../../target
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 TORCHINDUCTOR_CACHE_DIR=$work/inductor
case ${1:-small} in
small) set -- small "${2:-16}" "${3:-8.5}" ;;
medium) set -- medium "${2:-9}" "${3:-8.5}" --movq-of "$work/starter-small" ;;
fetch)
    folder=$work/starter-$2
    part=${3:-0}
    tar -C "$folder" -cf "$work/export-$2.tar" export log.jsonl
    # At most four files a call.
    split -b 15m -d "$work/export-$2.tar" "$work/export-$2.tar."
    for n in 0 1 2 3; do
        file=$work/export-$2.tar.$(printf %02d $((4 * part + n)))
        [ -e "$file" ] && cp "$file" "$OUT/"
    done
    ls -l "$work"/export-"$2".tar.*
    exit 0
    ;;
*)
    echo "small, medium or fetch?"
    exit 2
    ;;
esac
name=$1 minutes=$2 stop=$3
shift 3
code=0
"$python" "$here/run.py" "$name.json" --out "$work/starter-$name" --minutes "$minutes" --stop-after "$stop" "$@" || code=$?
if [ -n "$OUT" ] && [ -e "$work/starter-$name/log.jsonl" ]; then
    cp "$work/starter-$name/log.jsonl" "$OUT/log-$name.jsonl"
fi
# 3: stopped on the way, call again.
exit $code
