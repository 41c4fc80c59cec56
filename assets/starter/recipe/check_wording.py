"""Checks wording.py and the tokenizer under it; needs numpy alone, and takes some seconds.

    python check_wording.py
"""
import os
import random
import re
import subprocess
import sys
from collections import Counter

import scenes
import text
import wording
import world

COUNT = 4000
# Longer prompts are left out of training (stream.PROMPTS, with what stands round a prompt).
ROOM = 144 - 2
# What GPT-2 splits a text into.
PIECES = {
    "ein Bär, zwei": ["ein", " Bär", ",", " zwei"],
    "l'été à 2½": ["l", "'", "été", " à", " 2½"],
    "猫\u3000狗 и кот": ["猫", "\u3000", "狗", " и", " кот"],
    "it's e\u0301 🐱": ["it", "'s", " e", "\u0301", " 🐱"],
}


def captions(count):
    rng = random.Random("wording")
    made = scenes.Scenes(rng, kinds={**scenes.Scenes.KINDS, "alone": 20, "crowd": 2})
    return [made.make()["text"] for _ in range(count)]


def said(asked, seed, **chances):
    """Every caption in other words."""
    made = wording.Wording(random.Random(seed), **chances)
    return [made.say(caption) for caption in asked]


def words_of(thing):
    """Everything that names a thing, in small letters."""
    own = [word for pair in world.NOUNS[thing]["words"] for word in pair]
    near = [word for pair in wording.NEAR.get(thing, []) for word in pair]
    bare = lambda tongue, word: re.split("[ ']", word, maxsplit=1)[1] if tongue["articles"] else word
    others = [bare(tongue, tongue["nouns"][thing]) for tongue in wording.TONGUES.values() if thing in tongue["nouns"]]
    return [word.lower() for word in [*own, *near, *others]]


def tables():
    tables = wording.TABLES
    named = [*tables["near"], *tables["living"], *tables["moving"], *(n for t in wording.TONGUES.values() for n in t["nouns"])]
    assert not set(named) - set(world.NOUNS), set(named) - set(world.NOUNS)
    for thing, pairs in wording.NEAR.items():
        for word in (word for pair in pairs for word in pair):
            assert wording.NAMED.get(word, (thing,))[0] == thing, f"{word} is not near {thing}, it is another thing"
    for name, tongue in wording.TONGUES.items():
        assert len(tongue["nouns"]) >= 50, f"{name} has {len(tongue['nouns'])} nouns"
        assert not set(tongue["places"]) - set(world.BACKGROUNDS), name
    # Every background is called something else too, and nothing is called like another.
    assert set(tables["places"]) == set(world.BACKGROUNDS)
    assert all(len(places) >= 10 for places in wording.PLACES.values())
    places = Counter(words for words in [*wording.SETTINGS, *(w for places in wording.PLACES.values() for w in set(places))])
    assert max(places.values()) == 1, places.most_common(3)


def things_stay(asked):
    for caption, other in zip(asked, said(asked, "things", mistyped=0)):
        shown, _, place = wording.parts_of(caption)
        assert place, f"no place in: {caption}"
        for thing in wording.things_in(shown):
            assert any(word in other.lower() for word in words_of(thing)), f"{thing} is lost: {caption} -> {other}"
    # A slip makes no other thing of one; places and phrases have words of things of their own ("under the stars").
    phrases = [*wording.TABLES["after"], *(words for places in wording.PLACES.values() for words in places)]
    besides = {thing for words in phrases for thing in wording.things_in(words)}
    for caption, other in zip(asked, said(asked, "slips", mistyped=1, **{"near word": 0, "tongue": 0})):
        added = wording.things_in(other) - wording.things_in(caption)
        assert added <= besides, f"{added} came in: {caption} -> {other}"


def fixed(asked):
    """The same from a seed, in another process too, whose sets are in another order."""
    again = "import check_wording as c; print(ascii(c.said(c.captions(200), 5)))"
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    out = subprocess.run([sys.executable, "-c", again], cwd=world.HERE, env=environment, check=True, capture_output=True, text=True)
    assert out.stdout.strip() == ascii(said(asked[:200], 5))


def shares(asked):
    rng = random.Random("shares")
    same = sum(wording.as_people_say(caption, rng) == caption for caption in asked) / len(asked)
    left = 1 - wording.TABLES["share"]
    assert left - 0.02 < same < left + 0.04, f"{same:.3f} stay as they are"
    others = said(asked, "shares")
    places = [*wording.SETTINGS, *(words for places in wording.PLACES.values() for words in places)]
    placed = re.compile("|".join(map(re.escape, places)))
    single = [(caption, other) for caption, other in zip(asked, others) if wording.ONE.fullmatch(wording.parts_of(caption)[0])]
    bare = [other for _, other in single if other.lower() in wording.NAMED]
    found = {
        "no place": (sum(not placed.search(other.lower()) for other in others) / len(others), 0.5, 0.72),
        "capitals": (sum(other != other.lower() for other in others) / len(others), 0.1, 0.25),
        "single things alone": (len(bare) / len(single), 0.25, 0.45),
        "single things alone, with a capital": (sum(word[0].isupper() for word in bare) / len(bare), 0.2, 0.45),
        "single things in letters other than English ones": (sum(not o.isascii() for _, o in single) / len(single), 0.03, 0.12),
    }
    for what, (share, low, high) in found.items():
        assert low < share < high, f"{what}: {share:.3f} is not between {low} and {high}"


def told_in_tokens(asked):
    tokenizer = text.Tokenizer()
    bytes_of = {character: byte for byte, character in text.CHARACTERS.items()}
    tokens = {id: token for token, id in tokenizer.vocab.items()}
    for whole, pieces in PIECES.items():
        assert text.pieces(whole) == pieces, text.pieces(whole)
    others = [*said(asked, "tokens"), *PIECES]
    for other in others:
        ids = tokenizer.encode(other)
        back = bytes(bytes_of[character] for id in ids for character in tokens[id]).decode()
        assert back == other, f"{other} is told as {back}"
    for template, panels, most in ((scenes.PLAIN, 1, 0), (scenes.LOWER, 2, len(others) // 200)):
        turn = {"template": template, "label": "canny edge map", "panels": [None] * panels, "sized": True}
        prompts = [text.filled({**turn, "prompt": other}, 192, 320) for other in others]
        long = sum(len(tokenizer.encode(prompt)) > ROOM for prompt in prompts)
        assert long <= most, f"{long} of {len(others)} prompts are too long to be learned"


def examples():
    """Only the words of a training example change, and never those of an edit."""
    for index in range(400):
        plain, other = scenes.sample(index, "check"), scenes.sample(index, "check", wording=1)
        for turn, told in zip(plain["turns"], other["turns"], strict=True):
            assert turn["panels"] == told["panels"] and turn["said"] == told["said"]
            edit = plain["task"] in ("edit", "conversation")
            assert (turn == told) if edit else ("sized" in told)
        assert plain["task"] == other["task"] and plain == scenes.sample(index, "check", wording=0)


def main():
    asked = captions(COUNT)
    tables()
    things_stay(asked)
    fixed(asked)
    shares(asked)
    told_in_tokens(asked)
    examples()
    print(f"wording: {COUNT} captions, as they should be")


if __name__ == "__main__":
    main()
