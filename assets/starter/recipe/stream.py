"""Trains the decoder on examples that are made while it learns, in one go through all stages.

Where a GPU learns faster than parts of examples can be made beforehand: worker processes draw scenes
and write their sequences with empty codes, a thread has the image tokenizer fill these in, and the
sequences stay on the GPU, where batches are picked. New ones come first; an example is learned from
about `reuse` times. A stage lasts until its share of the time (`until`) is over; sizes of earlier
stages stay in the pool for as long as a stage names them.

A run goes on where it was killed with its weights, optimiser and place in the examples; the pool is
filled anew.
"""
import math
import os
import queue
import shutil
import tempfile
import threading
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import make_tokens
import movq
import text
import train_decoder
import train_movq
from runs import Average, OutOfTime, Phase
from sequences import TASKS, Group, Shelf

# Prompts are filled up to one of these lengths: few are longer than the first.
PROMPTS = (48, 144)
# Shapes of fewer sequences are left alone for now.
FEWEST = 64
# Shares of loss are kept in hundredths.
SHARES = 100


@lru_cache(maxsize=1)
def _alphabet():
    return text.Alphabet(text.Tokenizer())


def templates(examples, given, positions):
    """Sequences of examples of one size, with code 0 everywhere, and the panels whose codes belong there.

    A dictionary of "shape|length" to (ids, shares of loss) in the order of the panels, uint16 and uint8.
    """
    shelves, panels, made = {}, {}, {}
    for task, width, height, prompts, dropped, drawn in examples:
        spoken = 0 if dropped else sum(len(ids) + 2 for ids in prompts)
        room = next((room for room in PROMPTS if spoken <= room), None)
        key = f"{width}x{height}x{len(drawn)}", room
        if room is None:
            continue
        shelf = shelves.setdefault(key, Shelf())
        shelf.codes.append(np.zeros(len(drawn) * (width // 8) * (height // 8), np.uint16))
        shelf.tasks.append(TASKS.index(task))
        shelf.dropped.append(dropped)
        shelf.prompts.append(prompts)
        panels.setdefault(key, []).append(drawn)
    shown = []
    for (name, room), shelf in shelves.items():
        group = Group(name, [shelf.arrays(name)], _alphabet(), given)
        length = -(-(group.turns * group.length + room) // 32) * 32
        if length > positions:
            continue
        ids, shares, _ = group.batch(np.arange(len(group)))
        fill = [(0, 0), (0, length - ids.shape[1])]
        made[f"{name}|{length}"] = np.pad(ids, fill).astype(np.uint16), np.pad(np.rint(SHARES * shares), fill).astype(np.uint8)
        shown += panels[name, room]
    return made, np.concatenate(shown)


def drawn(job):
    """Writes the examples of a job into a file of its own and says which."""
    folder, number, count, size, seed, asked, given, positions = job
    _, examples = data.examples((number * count, count, {size: 1}, seed, asked))
    made, panels = templates(examples, given, positions)
    arrays = {"panels": panels}
    for name, (ids, shares) in made.items():
        arrays |= {f"{name}|ids": ids, f"{name}|shares": shares}
    path = Path(folder) / f"{number}.npz"
    with open(path, "wb") as file:
        np.savez(file, **arrays)
    return str(path)


class Rows:
    """Sequences of one shape on the GPU; those not yet learned from stand at the end."""

    def __init__(self, length, device):
        self.ids = torch.empty(0, length, dtype=torch.int16, device=device)
        self.shares = torch.empty(0, length, dtype=torch.uint8, device=device)
        self.count = self.learned = 0
        self.length = length

    def add(self, ids, shares):
        need = self.count + len(ids)
        if need > len(self.ids):
            for name in ("ids", "shares"):
                old = getattr(self, name)
                new = old.new_empty(max(need, 2 * len(old), 512), self.length)
                new[: self.count] = old[: self.count]
                setattr(self, name, new)
        self.ids[self.count : need], self.shares[self.count : need] = ids, shares
        self.count = need

    def pick(self, rng, count):
        """New ones first, then any; how many of them are new does not matter to the caller."""
        count = min(count, self.count)
        if self.count - self.learned >= count:
            chosen = np.arange(self.learned, self.learned + count)
            self.learned += count
        else:
            chosen = rng.choice(self.count, count, replace=False)
        at = torch.from_numpy(chosen).to(self.ids.device)
        return self.ids[at].long(), self.shares[at].float() / SHARES


class Pool:
    """Examples as they come in from the filling thread."""

    def __init__(self, device):
        self.device, self.rows, self.count = device, {}, 0
        self.arrived = queue.Queue()

    def drain(self):
        while True:
            try:
                made, ready = self.arrived.get_nowait()
            except queue.Empty:
                return
            if isinstance(made, BaseException):
                raise made
            if ready is not None:
                torch.cuda.current_stream().wait_event(ready)
            for name, (ids, shares) in made.items():
                if ready is not None:
                    ids.record_stream(torch.cuda.current_stream())
                    shares.record_stream(torch.cuda.current_stream())
                self.rows.setdefault(name, Rows(ids.shape[1], self.device)).add(ids, shares)
                self.count += len(ids)

    def batch(self, rng, sizes, tokens):
        """Sizes come as often as the stage says, shapes of a size as often as they are there."""
        by_size = {}
        for name, rows in self.rows.items():
            # The first few of a shape would be learned by heart.
            if rows.count < min(FEWEST, self.count // 8):
                continue
            size = name.rsplit("|")[0].rsplit("x", 1)[0]
            by_size.setdefault(size, []).append(rows)
        wanted = []
        for size, share in sizes.items():
            of = by_size.get(size, [])
            whole = sum(rows.count for rows in of)
            # Batches of long sequences hold fewer examples: more of them, so that every example counts alike.
            wanted += [(rows, share * rows.count / whole * rows.length) for rows in of]
        weights = np.array([weight for _, weight in wanted])
        rows = wanted[rng.choice(len(wanted), p=weights / weights.sum())][0]
        return rows.pick(rng, max(1, tokens // rows.length))


def place():
    """Where drawn examples wait: in memory where there is room for them."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 4e9 else None


class Filler:
    """Fills the pool in a thread: as many new examples as `wanted()` says there shall be by then."""

    def __init__(self, run, pool, sizes, first, wanted):
        self.run, self.pool, self.sizes, self.wanted = run, pool, sizes, wanted
        self.next = first
        self.over = threading.Event()
        self.folder = tempfile.TemporaryDirectory(dir=place())
        self.thread = threading.Thread(target=self.work, daemon=True)

    def jobs(self):
        settings, decoder = self.run.config["stream"], self.run.config["decoder"]
        stage = self.run.config["stages"][-1]
        asked = make_tokens.asked_of(stage)
        while not self.over.is_set():
            sizes = self.sizes()
            rng = np.random.default_rng([self.run.config["seed"], self.next])
            weights = np.array(list(sizes.values()), float)
            size = list(sizes)[rng.choice(len(sizes), p=weights / weights.sum())]
            yield self.folder.name, self.next, settings["job"], size, f"{self.run.config['seed']}|stream", asked, decoder["given"], decoder["positions"]
            self.next += 1

    @torch.no_grad()
    def encoded(self, model, path, first_code):
        with np.load(path) as stored:
            arrays = dict(stored)
        os.unlink(path)
        panels = arrays.pop("panels")
        most = max(1, self.run.config["encode_batch"] * 128 * 128 // (panels.shape[1] * panels.shape[2]))
        parts = (panels[at : at + most] for at in range(0, len(panels), most))
        codes = torch.cat([model.codes(movq.as_input(part, self.run.device)).flatten() for part in parts])
        made, at = {}, 0
        for name in [key[: -len("|ids")] for key in arrays if key.endswith("|ids")]:
            ids = torch.from_numpy(arrays[f"{name}|ids"].astype(np.int16)).to(self.run.device)
            empty = ids >= first_code
            # A sequence holds its codes in the order of its panels, row by row.
            count = int((arrays[f"{name}|ids"] >= first_code).sum())
            ids.masked_scatter_(empty, (codes[at : at + count] + first_code).to(torch.int16))
            at += count
            made[name] = ids, torch.from_numpy(arrays[f"{name}|shares"]).to(self.run.device)
        return made

    def work(self):
        workers = None
        try:
            model, first_code, made = train_movq.trained(self.run), _alphabet().first_code, 0
            stream = torch.cuda.Stream() if self.run.device == "cuda" else None
            workers = data.Workers(self.run.workers, drawn)
            for path in workers.results(self.jobs()):
                while made >= self.wanted() and not self.over.is_set():
                    time.sleep(0.005)
                if self.over.is_set():
                    break
                ready = None
                with torch.cuda.stream(stream):
                    filled = self.encoded(model, path, first_code)
                    if stream is not None:
                        ready = stream.record_event()
                        ready.synchronize()
                made += sum(len(ids) for ids, _ in filled.values())
                self.pool.arrived.put((filled, ready))
        except BaseException as error:
            self.pool.arrived.put((error, None))
        finally:
            if workers is not None:
                workers.close()

    def close(self):
        self.over.set()
        self.thread.join(30)
        self.folder.cleanup()


def loss_of(model, run, ids, shares):
    """Mean loss of what counts. Everything is computed and weighted: to look up what counts would wait for the GPU."""
    with run.autocast():
        scores = model.scores(model(ids))
    wanted = (ids.roll(-1, 1) - model.first_code).clamp(min=0)
    loss = F.cross_entropy(scores.flatten(0, 1).float(), wanted.flatten(), reduction="none")
    shares = shares.roll(-1, 1).flatten()
    return (loss * shares).sum() / shares.sum()


def train(run):
    settings, stages, asked = run.config["decoder"], run.config["stages"], run.config["stream"]
    last = run.last_stage
    torch.manual_seed(run.config["seed"])
    model, _ = train_decoder.fresh(run)
    average, optimiser = Average(model, settings["average"]), train_decoder.optimiser_of(model, settings)
    step, tokens, seen, first, spent = 0, 0, 0, 0, 0.0
    stored = run.load("decoder.checkpoint")
    if stored:
        model.load_state_dict(stored["model"])
        optimiser.load_state_dict(stored["optimiser"])
        average.load(stored["average"])
        step, tokens, seen, first, spent = (stored[key] for key in ("step", "tokens", "seen", "next", "seconds"))
    else:
        train_decoder.begin(run, model, average)
    unseen = train_decoder.groups(run, last, unseen=True)
    until = [stage.get("until", 1.0) for stage in stages]
    at = lambda progress: min(last, sum(progress >= share for share in until[:-1]))
    clock = {"progress": 0.0, "seen": 0}
    # A stage's sizes are made a little before it begins.
    ahead = lambda: stages[at(clock["progress"] + asked["ahead"])]["sizes"]
    wanted = lambda: asked["lead"] * (1 + at(clock["progress"] + asked["ahead"])) + clock["seen"] / asked["reuse"]
    pool = Pool(run.device)
    filler = Filler(run, pool, ahead, first, wanted)
    filler.thread.start()
    rng = np.random.default_rng([run.config["seed"], 1, step])
    if "decoder" in run.config["compile"]:
        # One compilation for all layers and lengths.
        for layer in model.layers:
            layer.compile(dynamic=True)

    def save():
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average.state()}
        state |= {"step": step, "tokens": tokens, "seen": seen, "next": filler.next, "stage": last}
        run.save("decoder.checkpoint", {**state, "seconds": phase.seconds()})

    def validated():
        with torch.compiler.set_stance("force_eager"):
            return train_decoder.validated(model, run, unseen, average)

    try:
        while pool.count < asked["lead"] / 2:
            pool.drain()
            time.sleep(0.05)
        phase = Phase(run, "stream")
        phase.resume(spent)
        run.log(phase="stream", examples=pool.count, note="the pool is filled")
        told, running = phase.seconds(), None
        while not (phase.over() or phase.interrupted()):
            progress = clock["progress"] = phase.progress()
            number = at(progress)
            pool.drain()
            # Constant at first, then down in a straight line.
            down = max(0.0, (progress - settings["decay_from"]) / (1 - settings["decay_from"]))
            share = min(1, (step + 1) / settings["warm_steps"]) * (1 - (1 - settings["last_share"]) * down)
            optimiser.share(share)
            ids, shares = pool.batch(rng, stages[number]["sizes"], settings["batch_tokens"])
            loss = loss_of(model, run, ids, shares)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            average.step()
            step, tokens, seen = step + 1, tokens + ids.numel(), seen + len(ids)
            clock["seen"] = seen
            if step % 20 == 1:
                value = loss.item()
                running = value if running is None else 0.8 * running + 0.2 * value
            if phase.seconds() - told > settings["told_seconds"]:
                told = phase.seconds()
                facts = {"made": pool.count, "share": share, **validated()}
                run.log(phase="decoder", stage=number, step=step, tokens=tokens, examples=seen, seconds=told, loss=running, **facts)
            if phase.save_due():
                save()
        save()
        if not phase.over():
            raise OutOfTime
    finally:
        filler.close()
    facts = {"made": pool.count, **validated()}
    run.log(phase="decoder", stage=last, step=step, tokens=tokens, examples=seen, seconds=phase.seconds(), loss=running, done=True, **facts)
    average.swap()
    run.save(f"stage-{last}.done", {"model": model.state_dict(), "tokens": tokens, "unseen": facts["unseen"]})
