"""Writes the judge's prompts: benches/geneval/prompts.json (600) and prompts-first.json (260).

    python prompts.py ../../../benches/geneval

Every one of the 600 holds a combination that is kept from training (see scenes.py). The others are
in the first edition's words and of its things only, so that it can be compared fairly; it may have
seen some of them.
"""
import json
import random
import sys
from pathlib import Path

import scenes
from scenes import Edits, Scenes, held_out

SEED = 20261124

# Category: (how many, the combination that is new, how its scene is made, which clauses are judged).
PICTURES = {
    "single": (60, "background", lambda s: s.single(s.rng.choice(s.words.backgrounds), "normal", 0), ["count"]),
    "two": (60, "pair", lambda s: plain(s, "pair"), ["count"]),
    "counting": (60, "count", lambda s: plain(s, "count"), ["count"]),
    "colour": (48, "colour", lambda s: s.single(s.rng.choice(s.words.backgrounds), "normal", 1), ["count"]),
    "binding": (48, None, lambda s: s.make("binding"), ["count"]),
    "position": (60, None, lambda s: position(s), ["count", "place", "relation"]),
    "size": (48, None, lambda s: sized(s), ["count", "size", "larger"]),
    "background": (48, "background", lambda s: plain(s, "single"), ["background"]),
    "long": (48, None, lambda s: s.make("long"), ["count", "background"]),
}
FIRST = {"single": 40, "two": 20, "counting": 30, "position": 40, "size": 30, "background": 40}
TASKS = {"control": {"canny": 20, "depth": 20}, "predict": {"canny": 15, "depth": 15}}
SUBJECTS = 20
EDITS = {"replace": 5, "background": 5, "add": 5, "remove": 5, "move": 5}
TWO_TURNS = 5
FIRST_TASKS = {"control": {"canny": 15}, "predict": {"canny": 10}}
FIRST_SUBJECTS = 15
FIRST_EDITS = {"replace": 10, "background": 10}


def plain(s, kind):
    """Of things in their own colours."""
    while True:
        made = s.make(kind)
        if all(item["colour"] is None for item in made["scene"]["objects"]):
            return made


def position(s):
    wanted = s.rng.choice(["relation", "relation", "single"])
    while True:
        made = plain(s, wanted)
        if wanted == "relation" or any(fact["is"] == "place" for clause in made["clauses"] for fact in clause):
            return made


def sized(s):
    wanted = "single" if s.first else s.rng.choice(["single", "single", "larger"])
    while True:
        made = plain(s, wanted)
        if any(fact["is"] in ("size", "larger") for clause in made["clauses"] for fact in clause):
            return made


def drawn(name, rng, first):
    """One prompt of a category of pictures."""
    _, new, make, judged = PICTURES[name]
    while True:
        made = make(Scenes(rng, first))
        if first or held_out(made["scene"], new):
            break
    clauses = [clause for clause in made["clauses"] if clause[0]["is"] in judged]
    return {"category": name, "task": "generate", "text": made["text"], "scene": made["scene"], "clauses": clauses}


def mapped(task, map_kind, rng, first):
    while True:
        made = Scenes(rng, first).make(rng.choice(["single", "relation", "count"]))
        if first or held_out(made["scene"]):
            break
    clauses = [clause for clause in made["clauses"] if clause[0]["is"] == "count"]
    head = {"category": f"{task} {map_kind}", "task": task, "map": map_kind}
    return {**head, "text": made["text"], "scene": made["scene"], "before": made["scene"], "clauses": clauses}


def shown(rng, first):
    while True:
        made = scenes.subject(Scenes(rng, first))
        if first or held_out(made["scene"]):
            break
    head = {"category": "subject", "task": "subject"}
    noun = made["scene"]["objects"][0]["noun"]
    subject = [clause for clause in made["clauses"] if clause[0]["is"] == "count" and clause[0]["noun"] == noun]
    return {**head, "text": made["text"], "scene": made["scene"], "before": made["before"], "clauses": subject[:1]}


def changed(operation, rng, first):
    while True:
        made = Edits(rng, first).make(operation)
        if made and (first or held_out(made["scene"])):
            break
    head = {"category": f"edit {operation}", "task": "edit", "text": made["text"]}
    return {**head, "scene": made["scene"], "before": made["before"], "clauses": made["clauses"]}


def changed_twice(rng):
    while True:
        edits = Edits(rng)
        one = edits.make()
        two = one and edits.make(before=one["scene"])
        if two and held_out(two["scene"]):
            break
    then = {"text": two["text"], "scene": two["scene"]}
    head = {"category": "edit twice", "task": "edit", "text": one["text"], "then": then}
    return {**head, "scene": one["scene"], "before": one["before"], "clauses": two["clauses"]}


def all_prompts(first):
    made, texts = [], set()

    def add(count, seed, one):
        rng = random.Random(f"{SEED}|{first}|{seed}")
        for _ in range(count):
            prompt = one(rng)
            while prompt["text"] in texts and prompt["task"] == "generate":
                prompt = one(rng)
            texts.add(prompt["text"])
            made.append(prompt)

    for name in FIRST if first else PICTURES:
        add(FIRST[name] if first else PICTURES[name][0], name, lambda rng, name=name: drawn(name, rng, first))
    for task, maps in (FIRST_TASKS if first else TASKS).items():
        for map_kind, count in maps.items():
            add(count, f"{task} {map_kind}", lambda rng, t=task, m=map_kind: mapped(t, m, rng, first))
    add(FIRST_SUBJECTS if first else SUBJECTS, "subject", lambda rng: shown(rng, first))
    for operation, count in (FIRST_EDITS if first else EDITS).items():
        add(count, operation, lambda rng, o=operation: changed(o, rng, first))
    if not first:
        add(TWO_TURNS, "twice", changed_twice)
    return made


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, first in (("prompts.json", False), ("prompts-first.json", True)):
        prompts = all_prompts(first)
        lines = ",\n".join(json.dumps(prompt) for prompt in prompts)
        (folder / name).write_text(f"[\n{lines}\n]\n")
        print(name, len(prompts))


if __name__ == "__main__":
    main()
