#!/bin/bash
# An NVIDIA card that fails in the middle of a picture: the window stays, the rows are kept, and the
# next start finishes the picture. The card is emulated (tests/cuda); no compiler, no card.

if ! command -v "${CXX:-c++}" >/dev/null; then
    say "left out: a failing card (there is no C++ compiler)"
else
    emulated=${CARGO_TARGET_DIR:-$here/../../target}/tmp/window-emulated-driver
    bash "$here/../cuda/build.sh" "$emulated"
    on_card() { LD_LIBRARY_PATH=$emulated begin; }

    before=$(pictures)
    # A forward of the starter launches some 75 kernels: it breaks off after the first rows.
    export EMULATED_CUDA_FAIL_LAUNCH=4000
    on_card
    click create
    write "a fox in the snow"
    click draw
    await 'rows 2'
    # Its rows come, and then no more.
    drawn=0
    until [ "$(wc -l <"$data/journal.jsonl")" = "$drawn" ]; do
        drawn=$(wc -l <"$data/journal.jsonl")
        sleep 15
    done
    [ "$(pictures)" = "$before" ] || fail "the card did not fail"
    shot card-failed
    kill -0 "$app" || fail "the window went with the card"
    kill_it
    unset EMULATED_CUDA_FAIL_LAUNCH
    # Where there is no card, the CPU goes on.
    begin
    click resume
    await_picture $((before + 1))
    await '[ ! -s "$data/journal.jsonl" ]'
    kill_it
    say "a card that fails leaves the window and the rows; the next start finishes the picture"
fi
