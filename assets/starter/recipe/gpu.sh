#!/bin/sh
# The real training on a GPU, in pieces: call it again until it says `done`.
#
#   assets/starter/recipe/gpu.sh small  [MINUTES [STOP_AFTER]]
#   assets/starter/recipe/gpu.sh medium [MINUTES [STOP_AFTER]]   after small: takes its image tokenizer and tokens
#   assets/starter/recipe/gpu.sh pack   small|medium FOLDER      what is done, as one archive
#
# MINUTES is the whole training's time (small 16, medium 9), STOP_AFTER this call's (8.5).
# Everything lies in target/starter-*. Needs torch and numpy only.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../../../target
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 TORCHINDUCTOR_CACHE_DIR=$work/inductor
case ${1:-small} in
small) set -- small "${2:-16}" "${3:-8.5}" ;;
medium) set -- medium "${2:-9}" "${3:-8.5}" --movq-of "$work/starter-small" ;;
pack)
    tar -C "$work/starter-$2" -cf "$3/starter-$2.tar" export log.jsonl
    exit 0
    ;;
*)
    echo "small, medium or pack?"
    exit 2
    ;;
esac
name=$1 minutes=$2 stop=$3
shift 3
code=0
"$python" "$here/run.py" "$name.json" --out "$work/starter-$name" --minutes "$minutes" --stop-after "$stop" "$@" || code=$?
# 3: stopped on the way, call again.
exit $code
