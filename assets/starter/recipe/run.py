"""The whole recipe: image tokenizer, tokens and decoder stage by stage, export, check.

    python run.py small.json --out ../../../target/starter-small --minutes 25 [--stop-after 9]

Every phase goes on where it was killed or stopped: call it again until it says `done`.
`--minutes` is the time of all phases together, shared out as the configuration says at the first
call (budget.json in the folder keeps it).
"""
import argparse
import os
import sys
from pathlib import Path

import torch

import check
import earlier
import export
import make_tokens
import start
import stream
import train_decoder
import train_movq
from runs import OutOfTime, Run, configuration

# On a CPU a quarter of a step goes into pages that glibc gives back and the system clears anew.
KEEPING_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def phases(run):
    yield "movq.done", lambda: train_movq.train(run)
    if "stream" in run.config:
        last = run.last_stage
        yield f"tokens-{last}.done", lambda: make_tokens.make(run, last)
        yield f"stage-{last}.done", lambda: stream.train(run)
        return
    for number in range(len(run.config["stages"])):
        yield f"tokens-{number}.done", lambda n=number: make_tokens.make(run, n)
        yield f"stage-{number}.done", lambda n=number: train_decoder.train(run, n)


def with_movq_of(folder, other):
    """Takes another run's image tokenizer and tokens: the stages must be the same."""
    folder, other = Path(folder), Path(other)
    folder.mkdir(parents=True, exist_ok=True)
    for path in [other / "movq.done", *other.glob("tokens-*")]:
        mine = folder / path.name
        if not mine.exists():
            mine.symlink_to(path.resolve())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config")
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--stop-after", type=float, help="minutes; everything is saved then")
    parser.add_argument("--movq-of", help="another run's folder, whose image tokenizer and tokens are taken")
    parser.add_argument("--start-from", action="append", help="a folder that start.py made, a checkpoint or a model file of the program, whose networks are trained on; what the first of several holds is taken from it")
    args = parser.parse_args()
    if sys.platform == "linux" and not torch.cuda.is_available() and not KEEPING_MEMORY.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**KEEPING_MEMORY, **os.environ})
    config = configuration(args.config)
    if args.movq_of:
        with_movq_of(args.out, args.movq_of)
    run = Run(config, args.out, args.minutes, args.stop_after)
    for folder in args.start_from or []:
        if start.is_export(Path(folder)) or not earlier.is_checkpoint(folder):
            start.take(Path(folder), run)
        elif not run.path("earlier").exists():
            run.path("earlier").symlink_to(Path(folder).resolve())
    try:
        for name, work in phases(run):
            if not run.path(name).exists():
                work()
    except OutOfTime:
        run.log(phase="stopped", note="call again to go on")
        return 3
    export.write(run)
    check.check(run)
    run.log(phase="done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
