"""Draws a stage's training examples and stores them as codes, in parts that a kill leaves whole."""
import numpy as np
import torch

import data
import movq
import train_movq
from runs import OutOfTime, Phase

TASKS = ["generate", "pair", "control", "predict", "subject", "edit", "conversation"]


class Shelf:
    """Examples of one shape: (width, height, panels)."""

    def __init__(self):
        self.codes, self.tasks, self.dropped, self.prompts = [], [], [], []

    def arrays(self, name):
        turns = max((len(p) for p in self.prompts), default=1)
        flat = [p[t] if t < len(p) else [] for p in self.prompts for t in range(turns)]
        lengths = np.array([len(ids) for ids in flat], np.int32)
        return {
            f"{name}|codes": np.stack(self.codes).astype(np.uint16),
            f"{name}|tasks": np.array(self.tasks, np.uint8),
            f"{name}|dropped": np.array(self.dropped, bool),
            f"{name}|turns": np.array([turns], np.int32),
            f"{name}|lengths": lengths,
            f"{name}|ids": np.array([id for ids in flat for id in ids], np.uint16),
        }


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


def make(run, number):
    stage = run.config["stages"][number]
    model = train_movq.trained(run)
    folder = run.path(f"tokens-{number}")
    folder.mkdir(exist_ok=True)
    workers = data.Workers(run.workers, data.examples)
    seed = f"{run.config['seed']}|{number}"
    chunk = 32
    asked = {key: stage[key] for key in ("tasks", "kinds", "familiar") if key in stage}
    phase = Phase(run, f"tokens {number}")
    plans = [("unseen", f"{seed}|unseen", stage["unseen"])]
    parts = stage["examples"] // stage["part"]
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
            first = max(0, index - 1) * stage["part"]
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
