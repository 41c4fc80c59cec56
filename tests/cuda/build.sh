#!/usr/bin/env bash
# Builds the emulated driver: tests/cuda/build.sh FOLDER [-DcuGraphLaunch=gone ...]
# FOLDER then holds libcuda.so.1; a program started with LD_LIBRARY_PATH=FOLDER finds a card.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernels=$here/../../shaders/cuda
folder=$1
shift
mkdir -p "$folder/objects"
# Only what is this library's own may be seen: a program may hold the real names.
flags=(-O3 -std=c++17 -fPIC -fvisibility=hidden -pthread -DEMULATE -Wall -Wno-unknown-pragmas -include "$here/emulate.h")
compiler=${CXX:-c++}
# It runs where it is built: conversions of halves are instructions on most processors.
if "$compiler" -march=native -E -x c++ /dev/null -o /dev/null 2>/dev/null; then flags+=(-march=native); fi
make() { # object, source, definitions
    "$compiler" "${flags[@]}" -x c++ "${@:3}" -c "$2" -o "$folder/objects/$1.o"
}
jobs=()
make decoder "$kernels/decoder.cu" & jobs+=($!)
make choose "$kernels/choose.cu" & jobs+=($!)
make repack "$kernels/repack.cu" & jobs+=($!)
make movq "$kernels/movq.cu" & jobs+=($!)
make product_q4 "$kernels/product.cu" -DFORMAT=Q4 & jobs+=($!)
make product_q4_lean "$kernels/product.cu" -DFORMAT=Q4Lean & jobs+=($!)
make product_q8 "$kernels/product.cu" -DFORMAT=Q8 & jobs+=($!)
make product_half "$kernels/product.cu" -DFORMAT=Half & jobs+=($!)
make driver "$here/driver.cpp" "$@" & jobs+=($!)
for job in "${jobs[@]}"; do wait "$job"; done
"$compiler" -shared -pthread -Wl,-soname,libcuda.so.1 -o "$folder/libcuda.so.1.new" "$folder"/objects/*.o
mv "$folder/libcuda.so.1.new" "$folder/libcuda.so.1"
# Both names the driver is looked for under.
ln -sf libcuda.so.1 "$folder/libcuda.so"
