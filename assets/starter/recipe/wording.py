"""Captions as people type them: parts left out, words the world lacks, other words for places, other languages, slips.

    python wording.py [COUNT]        some captions, and how they come out

The words and how often each of it is done stand in wording.json. What a caption shows stays in it: every
thing is named by a word of its own, a near one or one of another language, and only a slip of the
keyboard may spoil it. Everything follows from the caption and the random stream.
"""
import json
import random
import re
import string
import sys

import world

TABLES = json.loads((world.HERE / "wording.json").read_text())
# Longer captions are not shouted: capitals are told letter by letter, and prompts have little room.
SHOUTED = 40


def article(text):
    """With its article; what sounds like `you` takes no `an`."""
    return ("an " if text[0] in "aeiou" and not text.startswith(("unicorn", "ufo", "ukulele")) else "a ") + text


def _mended(text):
    """The right article before every word that has one."""
    return re.sub(r"\ban? ([\w-]+)", lambda found: article(found[1]), text)


def _any_of(phrases):
    """Whole words, the longest that fits; hyphens join."""
    return r"(?<![\w-])(?:{})(?![\w-])".format("|".join(map(re.escape, sorted(phrases, key=len, reverse=True))))


def _named():
    """Which thing a word of the world names, and whether as one (0) or several (1)."""
    found = {}
    for noun in world.WORLD["nouns"]:
        for pair in noun["words"]:
            for form, word in enumerate(pair):
                found.setdefault(word, (noun["name"], form))
    return found


def _other_places():
    """What else people say for every background; the plain ones are told by their colour."""
    places = {}
    for name in world.BACKGROUNDS:
        plain = TABLES["plain places"] if name in world.COLOURS else []
        places[name] = TABLES["places"][name] + [_mended(phrase.format(name)) for phrase in plain]
    return places


NAMED, PLACES, TONGUES = _named(), _other_places(), TABLES["tongues"]
NEAR = {thing: [word.split("/") for word in words] for thing, words in TABLES["near"].items()}
SETTINGS = {words: b["name"] for b in world.WORLD["backgrounds"] for words in b["words"]}
THING = re.compile(_any_of(NAMED))
OTHER_WORDS = {word: others for kind in TABLES["other words"].values() for word, others in kind.items()}
# In a caption: words of things, and what there are other words for.
WORD = re.compile(_any_of([*NAMED, *OTHER_WORDS]))
DESCRIBED = re.compile("(?:{} )*{}".format(_any_of([*TABLES["other words"]["sizes"], *world.TINTS]), _any_of(NAMED)))
# One thing that is not small, and nothing else: its word alone may stand for it, wherever it is.
ONE = re.compile("an? (?:(?:big|large|huge) )?({})(?: {})?".format(_any_of(NAMED), _any_of(TABLES["other words"]["spots"])))
SEVERAL = re.compile(f"(?:two|a pair of|three|four|five) ({_any_of(NAMED)})")
LAST, FIRST = re.compile(f"(.*?)(,? )({_any_of(SETTINGS)})"), re.compile(f"({_any_of(SETTINGS)})(: )(.*)")


def things_in(text):
    """The things that a text names in the world's words."""
    return {NAMED[word][0] for word in THING.findall(text.lower())}


def parts_of(caption):
    """What a caption of `scenes` shows, what joins it to its place, the place's words."""
    if found := LAST.fullmatch(caption):
        return found.groups()
    found = FIRST.fullmatch(caption)
    return found.groups()[::-1] if found else (caption, "", "")


class Wording:
    """Says captions in other words with one random stream; `chances` are those of the table, but for some told otherwise."""

    def __init__(self, rng, **chances):
        self.rng, self.chances = rng, {**TABLES["chances"], **chances}

    def may(self, what):
        return self.rng.random() < self.chances[what]

    def one_of(self, table):
        return self.rng.choice(TABLES[table])

    def say(self, caption):
        shown, joint, place = parts_of(caption)
        simple = ONE.fullmatch(shown) or SEVERAL.fullmatch(shown)
        if simple and self.may("bare"):
            said = simple[1].capitalize() if self.may("bare with a capital") else simple[1]
        else:
            said = self.in_a_tongue(shown, SETTINGS.get(place)) or self.in_english(shown, joint, place)
            said = self.capitals(said)
        return self.typed(said)

    def in_a_tongue(self, shown, background):
        """Things without number or colour in another language; None where there are others."""
        things = [ONE.fullmatch(part) for part in shown.split(" and ")]
        if not all(things) or not self.may("tongue"):
            return None
        names = [NAMED[found[1]][0] for found in things]
        known = [tongue for tongue in TONGUES.values() if all(name in tongue["nouns"] for name in names)]
        if not known:
            return None
        tongue = self.rng.choice(known)
        words = [tongue["nouns"][name] for name in names]
        if tongue["articles"] and not self.may("tongue article"):
            words = [re.split("[ ']", word, maxsplit=1)[1] for word in words]
        said = tongue["and"].join(words)
        place = tongue["places"].get(background)
        return f"{said} {place}" if place and self.may("tongue place") else said

    def in_english(self, shown, joint, place):
        said = self.articles(_mended(self.words(shown)))
        if place := self.place(place):
            swapped = joint == ": " or self.may("place first")
            said = f"{place}{joint if joint == ': ' else ', '}{said}" if swapped else f"{said}{joint}{place}"
        if self.may("before"):
            said = self.one_of("before") + said
        return said + self.one_of("after") if self.may("after") else said

    def words(self, shown):
        """Other words for what is shown: a near thing, an adjective and a verb that the world does not know, for one thing each."""
        at = [found.start() for found in WORD.finditer(shown) if found[0] in NAMED]
        chosen = lambda what, at=at: self.rng.choice(at) if at and self.may(what) else None
        near, verb = chosen("near word"), chosen("unknown verb")
        # Before its size and colour.
        adjective = chosen("unknown adjective", [found.start() for found in DESCRIBED.finditer(shown)])

        def said(found):
            word = found[0]
            thing, form = NAMED.get(word, (None, 0))
            if thing is None and self.may("other word"):
                word = self.rng.choice(OTHER_WORDS[word])
            elif found.start() == near and thing in NEAR:
                word = self.rng.choice(NEAR[thing])[form]
            if found.start() == adjective:
                word = f"{self.one_of('adjectives')} {word}"
            if found.start() == verb:
                kind = next((kind for kind in ("living", "moving") if thing in TABLES[kind]), "other")
                word = f"{word} {self.rng.choice(TABLES['verbs'][kind])}"
            return word

        return WORD.sub(said, shown)

    def articles(self, said):
        if self.may("no articles"):
            return re.sub(r"\b(?:an?|the) ", "", said)
        if self.may("other article"):
            return re.sub(r"^an? ", f"{self.one_of('articles')} ", said)
        return said

    def place(self, words):
        if not words or self.may("place left out"):
            return ""
        return self.rng.choice(PLACES[SETTINGS[words]]) if self.may("place by other words") else words

    def capitals(self, said):
        if not self.may("capitals"):
            return said
        loud = str.upper if len(said) <= SHOUTED else string.capwords
        first = lambda text: text[0].upper() + text[1:]
        return self.rng.choice([loud, string.capwords, first, first])(said)

    def typed(self, said):
        """Slips of the keyboard, but none that makes another thing of it."""
        slips = 1 + self.may("mistyped again") if self.may("mistyped") else 0
        for _ in range(slips):
            slipped = self.slip(said)
            if things_in(slipped) <= things_in(said):
                said = slipped
        return said

    def slip(self, said):
        """A letter lost, doubled, changed places with the one before, or the next key's; never the first of a word."""
        at = [i for i in range(1, len(said)) if said[i].isalpha() and said[i - 1].isalpha()]
        if not at:
            return said
        i = self.rng.choice(at)
        before, letter = said[i - 1 : i + 1]
        keys = next((row for row in TABLES["keys"] if letter in row), letter)
        beside = keys[keys.index(letter) - 1]
        pair = self.rng.choice([before, before + 2 * letter, letter + before, before + beside])
        return said[: i - 1] + pair + said[i + 1 :]


def as_people_say(text, rng, share=TABLES["share"]):
    """A caption of `scenes` as people might say it; all but `share` of the captions stay as they are."""
    return Wording(rng).say(text) if rng.random() < share else text


def main():
    # Only to show some: scenes are made of this module's words.
    import scenes

    rng = random.Random(1)
    for _ in range(int((sys.argv[1:] or ["20"])[0])):
        caption = scenes.Scenes(rng).make()["text"]
        print(f"{caption}\n    {as_people_say(caption, rng, 1)}")


if __name__ == "__main__":
    main()
