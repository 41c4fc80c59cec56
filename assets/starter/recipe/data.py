"""Pictures and prompts made by worker processes: the same for an index, whoever makes them.

Nothing here needs torch: workers start quickly and hold no GPU.
"""
import multiprocessing
import os
import random

import numpy as np

import scenes
import text
import world


def panel(kind, scene, width, height):
    if kind == "depth":
        return world.depth(scene, width, height)
    picture = world.render(scene, width, height)
    return world.canny(picture) if kind == "canny" else picture


def cut(rng, scene, picture, width, height):
    """A part of a picture round one of its things, sometimes wherever it falls."""
    tall, wide = picture.shape[:2]
    x, y = rng.randrange(wide), rng.randrange(tall)
    if scene["objects"] and rng.random() < 0.85:
        item = rng.choice(scene["objects"])
        x, y = (world.of_side(item[k], side) for k, side in (("x", wide), ("y", tall)))
        x, y = x + rng.randint(-width // 3, width // 3), y + rng.randint(-height // 3, height // 3)
    left, top = min(max(0, x - width // 2), wide - width), min(max(0, y - height // 2), tall - height)
    return picture[top : top + height, left : left + width]


def pair(rng):
    """A scene and the same scene after an edit: (kind of panel, before, after)."""
    edits, made = scenes.Edits(rng), None
    while made is None:
        made = edits.make()
    kind = rng.choices(["picture", "canny", "depth"], [10, 1, 1])[0]
    return kind, made["before"], made["scene"]


def pictures(job, asked={}):
    """A batch for the image tokenizer: n x height x width x 3, uint8, of scenes as `asked`.

    `within`, where given, is the side of the pictures that parts of width x height are cut from;
    "pairs" there makes of every two pictures one scene before and after an edit.
    """
    index, count, width, height, seed, *within = job
    out = np.empty((count, height, width, 3), np.uint8)
    for i in range(count):
        number = index * 1000 + i
        rng = random.Random(f"{seed}|movq|{number}")
        if within == ["pairs"]:
            if i % 2 == 0:
                kind, *both = pair(rng)
                out[i : i + 2] = [panel(kind, scene, width, height) for scene in both]
            continue
        turn = scenes.sample(number, f"{seed}|movq", **asked)["turns"][0]
        # Maps are a quarter of what is drawn: they are the easier part.
        shown = [p for p in turn["panels"] if p[0] == "picture"] or turn["panels"]
        kind, scene = rng.choice(shown if rng.random() < 0.75 else turn["panels"])
        if within:
            out[i] = cut(rng, scene, panel(kind, scene, within[0], within[0]), width, height)
        else:
            out[i] = panel(kind, scene, width, height)
    return index, out


def examples(job):
    """Training examples of the decoder: (task, width, height, prompts, dropped, panels) each."""
    start, count, sizes, seed, asked = job
    tokenizer = _tokenizer()
    made = []
    for index in range(start, start + count):
        rng = random.Random(f"{seed}|size|{index}")
        names = list(sizes)
        width, height = (int(v) for v in rng.choices(names, [sizes[n] for n in names])[0].split("x"))
        example = scenes.sample(index, seed, **asked)
        turns = example["turns"]
        prompts = [tokenizer.encode(text.filled(turn, width, height)) for turn in turns]
        drawn = [panel(kind, scene, width, height) for turn in turns for kind, scene in turn["panels"]]
        dropped = not turns[0]["said"] and len(turns) == 1
        made.append((example["task"], width, height, prompts, dropped, np.stack(drawn)))
    return start, made


_made = []


def _tokenizer():
    if not _made:
        _made.append(text.Tokenizer())
    return _made[0]


class Workers:
    """A pool whose results come in order, a few jobs ahead."""

    def __init__(self, count, work):
        self.work = work
        # A worker's small matrices are ten times slower when several threads share each.
        for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[threads] = "1"
        self.pool = multiprocessing.get_context("spawn").Pool(count) if count > 1 else None
        self.ahead = 2 * count + 2

    def results(self, jobs):
        if self.pool is None:
            yield from map(self.work, jobs)
            return
        waiting, jobs = [], iter(jobs)
        for job in jobs:
            waiting.append(self.pool.apply_async(self.work, (job,)))
            if len(waiting) >= self.ahead:
                yield waiting.pop(0).get()
        while waiting:
            yield waiting.pop(0).get()

    def close(self):
        if self.pool is not None:
            self.pool.terminate()
            self.pool.join()
