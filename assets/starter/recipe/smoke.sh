#!/bin/sh
# The whole recipe in about ten minutes on two CPU cores: nothing good comes of it, everything runs.
#   assets/starter/recipe/smoke.sh [FOLDER]      PYTHON and LUMINA_STUDIO may be set
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../target/starter-smoke}
rm -rf "$out"
python=${PYTHON:-python3}
"$python" "$here/check_wording.py"
# The first call is stopped on the way: going on is part of what is tried.
code=0
"$python" "$here/run.py" smoke.json --out "$out" --minutes "${MINUTES:-7.7}" --stop-after 1 || code=$?
[ "$code" = 3 ] || { echo "expected a stop, got exit $code"; exit 1; }
"$python" "$here/run.py" smoke.json --out "$out" --minutes "${MINUTES:-7.7}"
