"""Draws a stage's training examples and stores them as codes, in parts that a kill leaves whole."""
import numpy as np
import torch

import data
import movq
import train_movq
from runs import OutOfTime, Phase
from sequences import TASKS, Shelf


def encoded(model, panels, device):
    x = movq.as_input(np.ascontiguousarray(panels), device)
    with torch.no_grad():
        return model.codes(x).cpu().numpy()


def part(model, run, workers, jobs):
    """One part: all its examples, encoded a few hundred at a time."""
    shelves, waiting = {}, {}

    def encode(shape):
        examples = waiting.pop(shape)
        codes = encoded(model, np.concatenate([e[5] for e in examples]), run.device)
        panels = len(examples[0][5])
        codes = codes.reshape(len(examples), panels * codes.shape[1], codes.shape[2])
        shelf = shelves.setdefault("{}x{}x{}".format(*shape), Shelf())
        for (task, _, _, prompts, dropped, _), grid in zip(examples, codes):
            shelf.codes.append(grid.reshape(-1))
            shelf.tasks.append(TASKS.index(task))
            shelf.dropped.append(dropped)
            shelf.prompts.append(prompts)

    for _, examples in workers.results(jobs):
        for example in examples:
            shape = (example[1], example[2], len(example[5]))
            waiting.setdefault(shape, []).append(example)
            if sum(len(e[5]) for e in waiting[shape]) >= run.config["encode_batch"]:
                encode(shape)
    for shape in list(waiting):
        encode(shape)
    return {k: v for name, shelf in shelves.items() for k, v in shelf.arrays(name).items()}


def asked_of(stage):
    """What a stage says of its examples, as `scenes.sample` takes it."""
    return {key: stage[key] for key in ("tasks", "kinds", "familiar", "wording") if key in stage}


def make(run, number):
    stage = run.config["stages"][number]
    model = train_movq.trained(run)
    folder = run.path(f"tokens-{number}")
    folder.mkdir(exist_ok=True)
    workers = data.Workers(run.workers, data.examples)
    seed = f"{run.config['seed']}|{number}"
    chunk = 32
    asked = asked_of(stage)
    phase = Phase(run, f"tokens {number}")
    plans = [("unseen", f"{seed}|unseen", stage["unseen"])]
    parts = stage.get("examples", 0) // stage.get("part", 1)
    plans += [(f"part-{n:03}", seed, stage["part"]) for n in range(parts)]
    try:
        for index, (name, of, count) in enumerate(plans):
            path = folder / f"{name}.npz"
            if path.exists():
                continue
            if phase.interrupted():
                raise OutOfTime
            if phase.over() and index > 1:
                break
            first = max(0, index - 1) * count
            starts = range(first, first + count, chunk)
            jobs = [(s, min(chunk, first + count - s), stage["sizes"], of, asked) for s in starts]
            arrays = part(model, run, workers, jobs)
            with open(f"{path}.new", "wb") as file:
                np.savez(file, **arrays)
            path.with_name(path.name + ".new").rename(path)
            run.log(phase="tokens", stage=number, part=name, examples=count, seconds=phase.seconds())
    finally:
        workers.close()
    run.save(f"tokens-{number}.done", {"parts": parts})
