#!/bin/sh
# The training on a GPU that the built-in model comes from, in pieces: call it again until it says `done`.
#
#   assets/starter/recipe/gpu.sh small  [MINUTES [STOP_AFTER]]   goes on from start/
#   assets/starter/recipe/gpu.sh medium [MINUTES [STOP_AFTER]]   after small: its image tokenizer, from nothing
#   assets/starter/recipe/gpu.sh people [MINUTES [STOP_AFTER]]   goes on from the built-in model, in people's wording
#   assets/starter/recipe/gpu.sh pack   small|medium|people FOLDER   what is done, as one archive
#
# MINUTES is the whole training's time (small 7.2, medium 5.1, people 6.2), STOP_AFTER this call's (8.5).
# Everything lies in target/starter-*. Needs torch and numpy only, and cores to draw examples on: one draws 300 a second.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../../../target
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True TORCHINDUCTOR_CACHE_DIR=$work/inductor
case ${1:-small} in
small) set -- small "${2:-7.2}" "${3:-8.5}" --start-from "$here/start" ;;
medium) set -- medium "${2:-5.1}" "${3:-8.5}" --movq-of "$work/starter-small" ;;
people) set -- people "${2:-6.2}" "${3:-8.5}" --start-from "$here/../../starter.gguf" ;;
pack)
    tar -C "$work/starter-$2" -cf "$3/starter-$2.tar" export log.jsonl
    exit 0
    ;;
*)
    echo "small, medium, people or pack?"
    exit 2
    ;;
esac
name=$1 minutes=$2 stop=$3
shift 3
code=0
"$python" "$here/run.py" "$name.json" --out "$work/starter-$name" --minutes "$minutes" --stop-after "$stop" "$@" || code=$?
# 3: stopped on the way, call again.
exit $code
