"""What is asked for: scenes with their captions, what must be true of the picture, and all tasks.

A *clause* is one thing a caption says, as facts the judge can check. Combinations (a thing on a
background, two things together, a count or a colour of a thing) are held out of all training by
their hash: the judge's prompts are made of them.
"""
import hashlib
import random
from functools import lru_cache

import world
from wording import article, as_people_say

NUMBERS = {2: ["two", "a pair of"], 3: ["three"], 4: ["four"], 5: ["five"]}
SMALL, NORMAL, BIG = (270, 360), (500, 590), (730, 840)
SIZE_WORDS = {"small": ["small", "little", "tiny"], "big": ["big", "large", "huge"]}
PLACE_WORDS = {
    "left": ["on the left", "on the left side", "at the left"],
    "right": ["on the right", "on the right side", "at the right"],
    "top": ["at the top"],
    "bottom": ["at the bottom"],
    "middle": ["in the middle", "in the centre"],
    "top left": ["in the top left corner", "at the top left"],
    "top right": ["in the top right corner", "at the top right"],
    "bottom left": ["in the bottom left corner", "at the bottom left"],
    "bottom right": ["in the bottom right corner", "at the bottom right"],
}
RELATION_WORDS = {
    "left of": ["to the left of", "left of"],
    "right of": ["to the right of", "right of"],
    "above": ["above", "over"],
    "below": ["below", "under"],
}
# How often a combination is kept from training: one in so many.
HELD_OUT = {"background": 16, "pair": 10, "count": 10, "colour": 12, "size": 16}

LABELS = {"canny": "canny edge map", "depth": "depth map"}
UPPER = (
    "Generate a dual-panel image{of} where the <upper half> displays a <{label}>, while the <lower half> "
    "retains the original image for direct visual comparison:\n{prompt}"
)
LOWER = (
    "Generate a dual-panel image{of} where the <lower half> displays a <{label}>, while the <upper half> "
    "retains the original image for direct visual comparison:\n{prompt}"
)
PLAIN = "Generate an image{of} according to the following prompt:\n{prompt}"


@lru_cache(maxsize=None)
def kept_from_training(kind, key):
    digest = hashlib.sha256(f"{kind}|{key}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT[kind] == 0


def size_of(item):
    if item["size"] <= 430:
        return "small"
    return "big" if item["size"] >= 670 else "normal"


def combinations(scene):
    """Every (kind, key) a scene is made of."""
    counts = {}
    for item in scene["objects"]:
        counts[item["noun"]] = counts.get(item["noun"], 0) + 1
        yield "background", f"{item['noun']}|{scene['background']}"
        if item["colour"]:
            yield "colour", f"{item['noun']}|{item['colour']}"
    if len(scene["objects"]) == 1:
        yield "size", f"{scene['objects'][0]['noun']}|{size_of(scene['objects'][0])}"
    names = sorted(counts)
    for index, one in enumerate(names):
        if counts[one] > 1:
            yield "count", f"{one}|{counts[one]}"
        for other in names[index + 1 :]:
            yield "pair", f"{one}|{other}"


def held_out(scene, kind=None):
    return any(kept_from_training(k, key) for k, key in combinations(scene) if kind in (None, k))


# Where the first edition's words are others.
FIRST_WORDS = {
    "car": ["red car", "red cars"],
    "apple": ["red apple", "red apples"],
    "snowman": ["snowman", "snowmans"],
    "volcano": ["volcano", "volcanos"],
}


class Words:
    """Chooses words and things with one random stream; `first` keeps to the first edition's world.

    Things of that world come `familiar` times as often as others.
    """

    def __init__(self, rng, first=False, familiar=1):
        self.rng, self.first = rng, first
        fits = lambda entry: entry["first"] or not first
        self.nouns = [n["name"] for n in world.WORLD["nouns"] if fits(n)]
        times = lambda noun: familiar if world.NOUNS[noun]["first"] else 1
        without = lambda kind: [n for n in self.nouns if world.NOUNS[n]["kind"] != kind for _ in range(times(n))]
        self.things, self.tintable = without("shape"), without("plain")
        self.backgrounds = [b["name"] for b in world.WORLD["backgrounds"] if fits(b)]

    def noun(self, noun, count=1):
        words = world.NOUNS[noun]["words"]
        if self.first and noun in FIRST_WORDS:
            words = [FIRST_WORDS[noun]]
        pair = words[0] if self.first or self.rng.random() < 0.6 else self.rng.choice(words)
        return pair[0 if count == 1 else 1]

    def pick(self, background, colours=0.3, exclude=()):
        """A thing that can be seen on a background: (noun, colour or None)."""
        coloured = not self.first and self.rng.random() < colours
        for _ in range(60):
            noun = self.rng.choice(self.tintable if coloured else self.things)
            shown = self.rng.choice(world.TINTS) if coloured else None
            if noun not in exclude and world.stands_out(noun, shown, background):
                return noun, shown
        return self.pick("grey" if background != "grey" else "white", colours, exclude)

    def name(self, noun, colour, size="normal", count=1):
        parts = [self.rng.choice(SIZE_WORDS[size][: 1 if self.first else 3])] if size in SIZE_WORDS else []
        parts += [colour] if colour else []
        text = " ".join([*parts, self.noun(noun, count)])
        return article(text) if count == 1 else f"{self.number(count)} {text}"

    def number(self, count):
        return NUMBERS[count][0] if self.first or self.rng.random() < 0.7 else self.rng.choice(NUMBERS[count])

    def place(self, place):
        words = PLACE_WORDS[place]
        return words[0] if self.first or self.rng.random() < 0.5 else self.rng.choice(words)

    def setting(self, background):
        words = world.BACKGROUNDS[background]["words"]
        return words[0] if self.first or self.rng.random() < 0.6 else self.rng.choice(words)


def thing(noun, colour, size, x, y, layer=None):
    if layer is None:
        layer = {"small": 0, "normal": 1, "big": 2}[size_of({"size": size})]
    return {"noun": noun, "colour": colour, "size": size, "x": x, "y": y, "layer": layer}


def counted(noun, count):
    return {"is": "count", "noun": noun, "count": count}


def colour_of(noun, colour):
    return {"is": "colour", "noun": noun, "colour": colour}


def placed(noun, place):
    return {"is": "place", "noun": noun, "place": place}


def setting_of(background):
    return {"is": "background", "background": background}


def facts_of(noun, colour, count=1):
    return [counted(noun, count)] + ([colour_of(noun, colour)] if colour else [])


def _asked(scene, text, clauses):
    return {"scene": scene, "text": text, "clauses": clauses}


def _spot(place, size, margin=40):
    """Where a single thing of a size stands: its centre."""
    near = size // 2 + margin
    x = near if "left" in place else 1000 - near if "right" in place else 500
    y = near if "top" in place else 1000 - near if "bottom" in place else 500
    return x, y


class Scenes:
    """Makes scenes of every kind; `jitter` moves things a little, in thousandths."""

    KINDS = {"single": 28, "count": 15, "pair": 12, "relation": 14, "binding": 8, "larger": 4, "long": 14, "overlap": 5}
    FIRST_KINDS = {"single": 50, "count": 15, "pair": 7, "relation": 28}

    def __init__(self, rng, first=False, kinds=None, familiar=1):
        self.rng, self.first = rng, first
        self.words = Words(rng, first, familiar)
        self.kinds = kinds or (self.FIRST_KINDS if first else self.KINDS)

    def make(self, kind=None, background=None):
        kind = kind or self.rng.choices(list(self.kinds), list(self.kinds.values()))[0]
        background = background or self.rng.choice(self.words.backgrounds)
        made = getattr(self, kind)(background)
        made["kind"] = kind
        return made

    def unseen_free(self, **wish):
        """A scene that holds nothing kept from training."""
        while True:
            made = self.make(**wish)
            if not held_out(made["scene"]):
                return made

    def jitter(self, value, by=20):
        return value + self.rng.randint(-by, by)

    def size(self, kind):
        if self.first:
            return {"small": 344, "normal": 562, "big": 781}[kind]
        return self.rng.randint(*{"small": SMALL, "normal": NORMAL, "big": BIG}[kind])

    def single(self, background, size=None, colours=0.3):
        rng, words = self.rng, self.words
        noun, colour = words.pick(background, colours)
        size = size or rng.choice(["normal", "normal", "small", "big"])
        places = [None, None, None, "left", "right"] if size != "big" else [None]
        if size == "small" and not self.first:
            places = [None, *PLACE_WORDS]
        elif size == "normal" and not self.first:
            places += ["top", "bottom"]
        place = rng.choice(places)
        wide = self.size(size)
        x, y = _spot(place or "", wide)
        scene = {"background": background, "objects": [thing(noun, colour, wide, self.jitter(x, 15), self.jitter(y, 15))]}
        clauses = [facts_of(noun, colour)]
        if size != "normal":
            clauses.append([{"is": "size", "noun": noun, "size": size}])
        if place:
            clauses.append([placed(noun, place)])
        clauses.append([setting_of(background)])
        parts = [words.name(noun, colour, size), words.place(place) if place else "", words.setting(background)]
        return _asked(scene, " ".join(part for part in parts if part), clauses)

    def alone(self, background):
        """One thing that fills much of the picture: what a thing looks like is learned from these first."""
        return self.single(background, self.rng.choice(["normal", "big"]))

    def crowd(self, background):
        """The picture full of things, each at a place of its own: most of its codes show one."""
        rng, words = self.rng, self.words
        corners = [place for place in PLACE_WORDS if " " in place]
        places, wide = rng.choice([(corners, 500), (corners, 500), (corners, 375), (list(PLACE_WORDS), 312)])
        objects, said, clauses, used = [], [], [], []
        for place in rng.sample(places, len(places)):
            x, y = _spot(place, wide, margin=0)
            # Of so many things some combination would nearly always be one that is kept from training.
            for _ in range(40):
                noun, colour = words.pick(background, 0.2, exclude=used)
                item = thing(noun, colour, wide, x, y, 1)
                if not held_out({"background": background, "objects": [*objects, item]}):
                    break
            used.append(noun)
            objects.append(item)
            said.append(f"{words.name(noun, colour)} {words.place(place)}")
            clauses.append([*facts_of(noun, colour), placed(noun, place)])
        text = f"{self._joined(said)}, {words.setting(background)}"
        return _asked({"background": background, "objects": objects}, text, [*clauses, [setting_of(background)]])

    def count(self, background, count=None):
        rng, words = self.rng, self.words
        noun, colour = words.pick(background, 0.2)
        count = count or rng.choice([2, 3, 4] if self.first else [2, 3, 4, 5])
        spots = {
            2: [(280, 500), (720, 500)],
            3: [(500, 270), (265, 720), (735, 720)],
            4: [(270, 270), (730, 270), (270, 730), (730, 730)],
            5: [(190, 190), (810, 190), (500, 500), (190, 810), (810, 810)],
        }[count]
        if count == 2 and not self.first and rng.random() < 0.2:
            spots = [(500, 270), (500, 730)]
        wide = {2: 406, 3: 360, 4: 360, 5: 290}[count]
        wide = wide if self.first else self.jitter(wide)
        objects = [thing(noun, colour, wide, self.jitter(x, 12), self.jitter(y, 12), 1) for x, y in spots]
        text = f"{words.name(noun, colour, count=count)} {words.setting(background)}"
        return _asked({"background": background, "objects": objects}, text, [facts_of(noun, colour, count), [setting_of(background)]])

    def _two(self, background, colours):
        one = self.words.pick(background, colours)
        return one, self.words.pick(background, colours, exclude=(one[0],))

    def _beside(self, background, one, other, relation, sizes=(420, 420)):
        along = {"left of": 0, "right of": 0, "above": 1, "below": 1}[relation]
        low = 60 + sizes[0] // 2, 940 - sizes[1] // 2
        if relation in ("right of", "below"):
            low = 940 - sizes[0] // 2, 60 + sizes[1] // 2
        objects = []
        for (noun, colour), size, at in zip((one, other), sizes, low):
            at, across = self.jitter(at, 15), self.jitter(500, 15)
            x, y = (across, at) if along else (at, across)
            objects.append(thing(noun, colour, size, x, y, 1))
        return {"background": background, "objects": objects}

    def pair(self, background):
        one, other = self._two(background, 0.15)
        scene = self._beside(background, one, other, "left of")
        joint = "and" if self.first or self.rng.random() < 0.6 else self.rng.choice(["next to", "beside", "with"])
        text = f"{self.words.name(*one)} {joint} {self.words.name(*other)} {self.words.setting(background)}"
        return _asked(scene, text, [facts_of(*one), facts_of(*other), [setting_of(background)]])

    def relation(self, background):
        one, other = self._two(background, 0.15)
        relation = self.rng.choice(["left of", "right of", "above"] if self.first else list(RELATION_WORDS))
        scene = self._beside(background, one, other, relation)
        said = RELATION_WORDS[relation]
        said = said[0] if self.first else self.rng.choice(said)
        text = f"{self.words.name(*one)} {said} {self.words.name(*other)} {self.words.setting(background)}"
        fact = {"is": "relation", "noun": one[0], "relation": relation, "to": other[0]}
        return _asked(scene, text, [facts_of(*one), facts_of(*other), [fact], [setting_of(background)]])

    def binding(self, background):
        one, other = self._two(background, 1.0)
        for _ in range(20):
            if one[1] != other[1]:
                break
            one, other = self._two(background, 1.0)
        scene = self._beside(background, one, other, self.rng.choice(["left of", "above"]))
        text = f"{self.words.name(*one)} and {self.words.name(*other)} {self.words.setting(background)}"
        return _asked(scene, text, [facts_of(*one), facts_of(*other), [setting_of(background)]])

    def larger(self, background):
        one, other = self._two(background, 0.1)
        scene = self._beside(background, one, other, "left of", (560, 290))
        text = f"{self.words.name(*one, 'big')} and {self.words.name(*other, 'small')} {self.words.setting(background)}"
        fact = {"is": "larger", "noun": one[0], "than": other[0]}
        return _asked(scene, text, [facts_of(*one), facts_of(*other), [fact], [setting_of(background)]])

    def overlap(self, background):
        """One thing half hidden by another: never judged by finding things, it is there for depth."""
        (back, tint), (front, shade) = self._two(background, 0.1)
        side = self.rng.choice([-1, 1])
        x = 500 - side * self.rng.randint(110, 150)
        objects = [
            thing(back, tint, self.jitter(520), x, self.jitter(440), 0),
            thing(front, shade, self.jitter(460), 1000 - x, self.jitter(590), 2),
        ]
        if self.rng.random() < 0.5:
            text = f"{self.words.name(front, shade)} in front of {self.words.name(back, tint)}"
        else:
            text = f"{self.words.name(back, tint)} behind {self.words.name(front, shade)}"
        text = f"{text} {self.words.setting(background)}"
        clauses = [facts_of(back, tint), facts_of(front, shade), [setting_of(background)]]
        return _asked({"background": background, "objects": objects}, text, clauses)

    def long(self, background):
        """Three to five clauses: things at places, then the background."""
        rng, words = self.rng, self.words
        layouts = [
            (["left", "right"], (380, 430)),
            (["top left", "top right", "bottom"], (340, 400)),
            (["top", "bottom left", "bottom right"], (340, 400)),
            (["left", "middle", "right"], (260, 290)),
            (["top left", "top right", "bottom left", "bottom right"], (330, 390)),
            (["two top", "bottom"], (330, 390)),
            (["top", "two bottom"], (330, 390)),
            (["two top", "two bottom"], (330, 390)),
        ]
        places, sizes = rng.choice(layouts)
        wide = rng.randint(*sizes)
        objects, said, clauses, used = [], [], [], []
        for place in places:
            count = 2 if place.startswith("two ") else 1
            place = place.removeprefix("two ")
            noun, colour = words.pick(background, 0.25, exclude=used)
            used.append(noun)
            x, y = _spot(place, wide)
            across = (270, 730) if count == 2 else (x,)
            objects += [thing(noun, colour, wide, self.jitter(at, 10), self.jitter(y, 10), 1) for at in across]
            name, where = words.name(noun, colour, count=count), words.place(place)
            said.append(f"{where} {name}" if rng.random() < 0.15 else f"{name} {where}")
            clauses.append([*facts_of(noun, colour, count), placed(noun, place)])
        joined = self._joined(said)
        setting = words.setting(background)
        text = f"{joined}, {setting}" if rng.random() < 0.8 else f"{setting}: {joined}"
        return _asked({"background": background, "objects": objects}, text, [*clauses, [setting_of(background)]])

    def _joined(self, said):
        style = self.rng.random()
        if style < 0.4:
            return ", ".join(said)
        if style < 0.8:
            return ", ".join(said[:-1]) + " and " + said[-1]
        return "; ".join(said)


class Edits:
    """Changes of a scene by instruction: a scene before, one after, and what must be true then."""

    OPERATIONS = ["replace", "background", "add", "remove", "move", "recolour"]

    def __init__(self, rng, first=False, familiar=1):
        self.rng, self.first = rng, first
        self.words = Words(rng, first, familiar)
        self.scenes = Scenes(rng, first, familiar=familiar)

    def make(self, operation=None, before=None):
        """None where this scene cannot be changed so."""
        operation = operation or self.rng.choice(["replace", "background"] if self.first else self.OPERATIONS)
        kinds = ["relation", "pair"] if operation == "remove" else ["single", "single", "relation", "count"]
        if operation in ("add", "move"):
            kinds = ["single"]
        before = before or self.scenes.make(kind=self.rng.choice(kinds))["scene"]
        made = getattr(self, operation)(before)
        if made is None:
            return None
        after, text, clauses = made
        return {"operation": operation, "before": before, "scene": after, "text": text, "clauses": clauses}

    def _kept(self, scene, without=()):
        """The things of a scene that stay, as clauses."""
        names = []
        for item in scene["objects"]:
            if item["noun"] not in names and item["noun"] not in without:
                names.append(item["noun"])
        count = lambda name: sum(item["noun"] == name for item in scene["objects"])
        return [[counted(name, count(name))] for name in names]

    def _some(self, scene):
        item = self.rng.choice(scene["objects"])
        count = sum(other["noun"] == item["noun"] for other in scene["objects"])
        return item["noun"], count

    def replace(self, before):
        old, count = self._some(before)
        used = [item["noun"] for item in before["objects"]]
        noun, colour = self.words.pick(before["background"], 0.1, exclude=used)
        swap = lambda item: {**item, "noun": noun, "colour": colour} if item["noun"] == old else item
        after = {**before, "objects": [swap(item) for item in before["objects"]]}
        was, new = self.words.noun(old, count), self.words.name(noun, colour, count=count)
        said = [f"replace the {was} with {new}"]
        if not self.first:
            said.append(f"turn the {was} into {new}")
        clauses = [facts_of(noun, colour, count), [counted(old, 0)], *self._kept(after, (noun,))]
        return after, self.rng.choice(said), clauses

    def background(self, before):
        shown = lambda name: all(world.stands_out(o["noun"], o["colour"], name) for o in before["objects"])
        free = [b for b in self.words.backgrounds if b != before["background"] and shown(b)]
        if not free:
            return None
        new = self.rng.choice(free)
        after = {**before, "background": new}
        text = f"change the background: {self.words.setting(new)}"
        if new in world.COLOURS and not self.first and self.rng.random() < 0.4:
            text = f"make the background {new}"
        return after, text, [[setting_of(new)], *self._kept(after)]

    def add(self, before):
        item = before["objects"][0]
        reach = item["size"] // 2
        free = [p for p in PLACE_WORDS if p != "middle" and self._apart(_spot(p, 280), item, reach)]
        if not free or size_of(item) == "big":
            return None
        place = self.rng.choice(free)
        noun, colour = self.words.pick(before["background"], 0.2, exclude=[item["noun"]])
        wide = self.rng.randint(260, 290)
        x, y = _spot(place, wide)
        after = {**before, "objects": [*before["objects"], thing(noun, colour, wide, x, y)]}
        verb = self.rng.choice(["add", "put", "place"])
        text = f"{verb} {self.words.name(noun, colour)} {self.words.place(place)}"
        return after, text, [[*facts_of(noun, colour), placed(noun, place)], *self._kept(before)]

    def _apart(self, spot, item, reach):
        """Whether a thing of 280 at a spot leaves another alone."""
        room = reach + 150
        return abs(spot[0] - item["x"]) >= room or abs(spot[1] - item["y"]) >= room

    def remove(self, before):
        old, count = self._some(before)
        left = [item for item in before["objects"] if item["noun"] != old]
        if not left:
            return None
        after = {**before, "objects": left}
        verb = self.rng.choice(["remove", "take away", "delete"])
        text = f"{verb} the {self.words.noun(old, count)}"
        return after, text, [[counted(old, 0)], *self._kept(after)]

    def move(self, before):
        item = before["objects"][0]
        if size_of(item) == "big":
            return None
        places = ["left", "right", "top", "bottom"] if size_of(item) == "normal" else list(PLACE_WORDS)
        far = lambda p: sum(abs(a - b) for a, b in zip(_spot(p, item["size"]), (item["x"], item["y"]))) > 150
        free = [p for p in places if p != "middle" and far(p)]
        place = self.rng.choice(free)
        x, y = _spot(place, item["size"])
        after = {**before, "objects": [{**item, "x": x, "y": y}]}
        where = {"left": "to the left", "right": "to the right", "top": "to the top", "bottom": "to the bottom"}
        where = where.get(place) or f"to the {place} corner"
        return after, f"move the {self.words.noun(item['noun'])} {where}", [[counted(item["noun"], 1), placed(item["noun"], place)]]

    def recolour(self, before):
        names = [o["noun"] for o in before["objects"] if world.NOUNS[o["noun"]]["kind"] != "plain"]
        if not names:
            return None
        noun = self.rng.choice(names)
        now = [o["colour"] for o in before["objects"] if o["noun"] == noun]
        free = [c for c in world.TINTS if c not in now and world.stands_out(noun, c, before["background"])]
        if not free:
            return None
        colour = self.rng.choice(free)
        paint = lambda o: {**o, "colour": colour} if o["noun"] == noun else o
        after = {**before, "objects": [paint(o) for o in before["objects"]]}
        text = f"{self.rng.choice(['make', 'paint', 'colour'])} the {self.words.noun(noun, len(now))} {colour}"
        return after, text, [facts_of(noun, colour, len(now)), *self._kept(after, (noun,))]

    def unseen_free(self, operation=None, before=None):
        for _ in range(200):
            made = self.make(operation, before)
            if made and not held_out(made["before"]) and not held_out(made["scene"]):
                return made
        return None


def reference(noun, colour, background="white"):
    """The picture that shows a subject."""
    return {"background": background, "objects": [thing(noun, colour, 656, 500, 500, 1)]}


def subject(scenes, **wish):
    """A scene and the thing of it that is shown beforehand; None where it does not stand out."""
    made = scenes.make(kind=scenes.rng.choice(["single", "single", "relation", "pair"]), **wish)
    item = made["scene"]["objects"][0]
    on = "white" if world.stands_out(item["noun"], item["colour"], "white") else "grey"
    return {**made, "before": reference(item["noun"], item["colour"], on)}


# Shares of the tasks in training.
TASKS = {"generate": 60, "pair": 5, "control": 10, "predict": 8, "subject": 6, "edit": 9, "conversation": 2}


def sample(index, seed, tasks=None, kinds=None, familiar=1, wording=0):
    """Training example number `index`: {"task", "map", "text" (a turn each), "panels"}.

    `kinds` are the shares of the kinds of scenes, where they are not to be those of `Scenes.KINDS`;
    edits and subjects choose their own. `familiar`: see `Words`. `wording` is the share of captions that
    are said as people say them; instructions to edit stay as they are, and so do all scenes.

    A panel is (what to draw, scene) with what one of picture, canny, depth; `conversation` has two
    turns of two panels each, every other task one turn.
    """
    rng = random.Random(f"{seed}|{index}")
    tasks = tasks or TASKS
    task = rng.choices(list(tasks), list(tasks.values()))[0]
    scenes, edits = Scenes(rng, kinds=kinds, familiar=familiar), Edits(rng, familiar=familiar)
    said = rng.random() >= 0.1
    turn = lambda text, panels: {"template": text, "said": said, "panels": panels}
    if task == "generate":
        made = scenes.unseen_free()
        turns = [{**turn(PLAIN, [["picture", made["scene"]]]), "label": "", "prompt": made["text"]}]
    elif task in ("pair", "control", "predict"):
        made, map_kind = scenes.unseen_free(), rng.choice(["canny", "depth"])
        panels = [[map_kind, made["scene"]], ["picture", made["scene"]]]
        template = UPPER if task == "control" else LOWER
        panels = panels if task == "control" else panels[::-1]
        turns = [{**turn(template, panels), "label": LABELS[map_kind], "prompt": made["text"]}]
    elif task == "subject":
        made = subject(scenes)
        while held_out(made["scene"]):
            made = subject(scenes)
        panels = [["picture", made["before"]], ["picture", made["scene"]]]
        turns = [{**turn(UPPER, panels), "label": "subject reference", "prompt": made["text"]}]
    else:
        first = edits.unseen_free()
        while first is None:
            first = edits.unseen_free()
        steps = [first]
        if task == "conversation":
            second = edits.unseen_free(before=first["scene"])
            steps += [second] if second else []
        turns = []
        for step in steps:
            panels = [["picture", step["before"]], ["picture", step["scene"]]]
            turns.append({**turn(UPPER, panels), "label": "source image", "prompt": step["text"]})
        task = "conversation" if len(turns) == 2 else "edit"
    if wording and task not in ("edit", "conversation"):
        # Whether the size is told hangs on chance then: a word alone would otherwise always have it, or never.
        chance = random.Random(f"{seed}|{index}|wording")
        turns = [{**told, "prompt": as_people_say(told["prompt"], chance, wording), "sized": chance.random() >= 0.1} for told in turns]
    return {"task": task, "turns": turns}
