"""Trains the decoder, stage by stage: growing resolution, mixed aspects, all tasks in one stream.

A sequence is the prompt and the picture; where the text is dropped, the picture alone
from position 0. Codes that the model will have to draw carry loss, never the header, row ends or
the end. Those of a panel that is given count by the configuration's `given`: they teach what things
look like all the same.
"""
import itertools
import math
import queue
import threading

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import decoder
import earlier
import safetensors
import text
import train_movq
from muon import Both, Muon
from runs import Average, OutOfTime, Phase
from sequences import TASKS, Group


def ahead(make, count=3):
    """Calls `make()` in a thread of its own, a few results ahead."""
    ready = queue.Queue(count)
    over = threading.Event()

    def work():
        while not over.is_set():
            made = make()
            while not over.is_set():
                try:
                    ready.put(made, timeout=0.2)
                    break
                except queue.Full:
                    pass

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            yield ready.get()
    finally:
        over.set()


def batches(run, number, made, first):
    """Batch after batch; each follows from its step alone, so that a resumed run draws the same ones."""
    # Batches of long sequences hold fewer examples: more of them, so that every example counts alike.
    weights = np.array([len(g) * g.length * g.turns for g in made], float)
    tokens, steps = run.config["decoder"]["batch_tokens"], itertools.count(first)

    def make():
        rng = np.random.default_rng([run.config["seed"], number, next(steps)])
        group = made[rng.choice(len(made), p=weights / weights.sum())]
        size = min(len(group), max(1, tokens // (group.turns * (group.length + 40))))
        return group.batch(np.sort(rng.choice(len(group), size, replace=False)))

    return ahead(make)


def groups(run, number, unseen=False):
    """The examples of a stage, to learn from or unseen."""
    alphabet = text.Alphabet(text.Tokenizer())
    files = sorted(run.path(f"tokens-{number}").glob("unseen.npz" if unseen else "part-*.npz"))
    parts = [dict(np.load(file)) for file in files]
    names = sorted({key.split("|")[0] for part in parts for key in part})
    settings = run.config["decoder"]
    given = 0.0 if unseen else settings.get("given", 0.0)
    made = [Group(n, [p for p in parts if f"{n}|tasks" in p], alphabet, given) for n in names]
    positions = settings["positions"]
    return [g for g in made if g.turns * (g.length + 100) <= positions]


def losses(model, body, run, batch):
    """Loss of every code that counts, how much it does, and the row of the batch it belongs to."""
    ids, shares = (torch.from_numpy(part).to(run.device, non_blocking=True) for part in batch[:2])
    shares = shares[:, 1:]
    counts = shares > 0
    with run.autocast():
        hidden = body(ids[:, :-1])[counts]
        scores = model.scores(hidden)
    wanted = ids[:, 1:][counts] - model.first_code
    return F.cross_entropy(scores.float(), wanted, reduction="none"), shares[counts], counts.nonzero()[:, 0]


@torch.no_grad()
def validated(model, run, unseen, average):
    """Mean loss a code on unseen scenes, by task and, where there are several, by size, with the averaged weights."""
    average.swap()
    sums, of_sizes = {}, {}
    for group in unseen:
        size_name = f"unseen {group.width}x{group.height}"
        size = max(1, run.config["decoder"]["batch_tokens"] // (2 * group.length * group.turns))
        for start in range(0, len(group), size):
            batch = group.batch(np.arange(start, min(start + size, len(group))))
            loss, _, rows = losses(model, model, run, batch)
            dropped = group.dropped[start : start + size]
            for row in range(len(batch[2])):
                name = "without text" if dropped[row] else TASKS[batch[2][row]]
                mine = loss[rows == row]
                for parts, part in ((sums, f"unseen {name}"), (of_sizes, size_name)):
                    total, count = parts.get(part, (0.0, 0))
                    parts[part] = (total + mine.sum().item(), count + len(mine))
    average.swap()
    means = lambda parts: {name: total / max(1, count) for name, (total, count) in sorted(parts.items())}
    whole = [sum(v) for v in zip(*sums.values())]
    found = {"unseen": whole[0] / max(1, whole[1]), **means(sums)}
    return found | (means(of_sizes) if len(of_sizes) > 1 else {})


def fresh(run):
    tokenizer = text.Tokenizer()
    config = decoder.config_of(run.config["decoder"], tokenizer.size, train_movq.sizes(run)["codes"], tokenizer.specials["<|endoftext|>"])
    return decoder.Transformer(config, tokenizer.size).to(run.device), config


def optimiser_of(model, settings):
    """Muon moves the layers' matrices if it has a rate, AdamW the rest."""
    fused = {"qkv": 3, "gate_up": 2}
    layers = [(p, fused.get(n.split(".")[-2], 1)) for n, p in model.named_parameters() if p.dim() == 2 and n.startswith("layers") and "norm" not in n]
    known = {id(p) for p, _ in layers}
    others = [p for p in model.parameters() if id(p) not in known]
    head = [p for p in others if p is model.lm_head.weight]
    rest = [p for p in others if p is not model.lm_head.weight]
    decayed = head if settings.get("muon") else [*head, *(p for p, _ in layers)]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, settings["rate"], (0.9, 0.95), fused=torch.cuda.is_available())
    return Both(adam, *([Muon(layers, settings["muon"], decay=settings.get("muon_decay", 0.1))] if settings.get("muon") else []))


def begin(run, model, average):
    """The weights to go on from, where there are some."""
    if run.path("start.safetensors").exists():
        start = {k: v.float().to(run.device) for k, v in safetensors.read(run.path("start.safetensors")).items()}
        model.load_public(decoder.grown(start, run.config["decoder"]["layers"]))
        average.restart()
    elif run.path("earlier").exists():
        earlier.decoder(run.path("earlier"), model, train_movq.trained(run), run.device)
        average.restart()


def train(run, number):
    settings, stage = run.config["decoder"], run.config["stages"][number]
    phase = Phase(run, f"stage {number}")
    torch.manual_seed(run.config["seed"])
    model, _ = fresh(run)
    average, optimiser = Average(model, settings["average"]), optimiser_of(model, settings)
    step, tokens, seen, in_stage = 0, 0, 0, 0
    stored = run.load("decoder.checkpoint")
    if stored:
        model.load_state_dict(stored["model"])
        optimiser.load_state_dict(stored["optimiser"])
        average.load(stored["average"])
        step, tokens, seen = stored["step"], stored["tokens"], stored["seen"]
        if stored["stage"] == number:
            in_stage = stored["in_stage"]
            phase.resume(stored["seconds"])
    else:
        begin(run, model, average)

    def save(of=number):
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average.state()}
        state |= {"step": step, "tokens": tokens, "seen": seen, "in_stage": in_stage, "stage": of}
        run.save("decoder.checkpoint", {**state, "seconds": phase.seconds()})

    seen_groups, unseen = groups(run, number), groups(run, number, unseen=True)
    body = run.compiled("decoder", model, dynamic=True)
    told = phase.seconds()
    running = None
    for batch in batches(run, number, seen_groups, in_stage):
        if phase.over() or phase.interrupted():
            break
        warm = min(1, (in_stage + 1) / settings["warm_steps"])
        low = settings["last_share"]
        # Constant at first where `decay_from` says so, then down along a half wave.
        first = stage.get("decay_from", settings.get("decay_from", 0.0))
        down = max(0.0, (phase.progress() - first) / max(1e-9, 1 - first))
        share = stage["rate"] * warm * (low + (1 - low) * (1 + math.cos(math.pi * down)) / 2)
        optimiser.share(share)
        loss, shares, _ = losses(model, body, run, batch)
        loss = (loss * shares).sum() / shares.sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average.step()
        step, in_stage = step + 1, in_stage + 1
        tokens, seen = tokens + int(batch[0].size), seen + len(batch[2])
        if in_stage % 10 == 1:
            value = loss.item()
            running = value if running is None else 0.9 * running + 0.1 * value
        if phase.seconds() - told > settings["told_seconds"]:
            told = phase.seconds()
            facts = validated(model, run, unseen, average)
            run.log(phase="decoder", stage=number, step=step, tokens=tokens, examples=seen, seconds=told, loss=running, share=share, **facts)
        if phase.save_due():
            save()
    save()
    if not phase.over():
        raise OutOfTime
    facts = validated(model, run, unseen, average)
    run.log(phase="decoder", stage=number, step=step, tokens=tokens, examples=seen, seconds=phase.seconds(), loss=running, done=True, **facts)
    average.swap()
    run.save(f"stage-{number}.done", {"model": model.state_dict(), "tokens": tokens, "unseen": facts["unseen"]})


def trained(run):
    model, config = fresh(run)
    model.load_state_dict(run.load(f"stage-{run.last_stage}.done")["model"])
    return model.eval().requires_grad_(False), config
