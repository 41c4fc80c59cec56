"""Prompts to token ids, and pictures' places in a sequence, without any library."""
import json
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
# GPT-2's splitting, of a text's outline (see below).
PIECES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", re.ASCII)


class _Outline(dict):
    """What a character counts as when text is split: itself, or an ASCII character of its kind.

    GPT-2 splits at \\p{L} and \\p{N}, which `re` does not know. A space that is not ASCII's never
    begins a word.
    """

    def __missing__(self, code):
        char = chr(code)
        if char.isascii():
            kind = char
        elif char.isspace():
            kind = "\t"
        else:
            kind = {"L": "a", "N": "0"}.get(unicodedata.category(char)[0], ".")
        self[code] = kind
        return kind


OUTLINE = _Outline()


def pieces(text):
    """The pieces that are told in tokens of their own."""
    return [text[found.start() : found.end()] for found in PIECES.finditer(text.translate(OUTLINE))]


def _bytes_as_characters():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + n) for n, b in enumerate(rest)}}


CHARACTERS = _bytes_as_characters()


class Tokenizer:
    def __init__(self, folder=HERE):
        stored = json.loads((Path(folder) / "tokenizer.json").read_text())
        self.vocab = stored["model"]["vocab"]
        pairs = stored["model"]["merges"]
        self.ranks = {tuple(p.split(" ") if isinstance(p, str) else p): n for n, p in enumerate(pairs)}
        self.specials = {t["content"]: t["id"] for t in stored["added_tokens"]}
        self.size = 1 + max([*self.vocab.values(), *self.specials.values()])
        self.piece = lru_cache(maxsize=50000)(self._piece)

    def _piece(self, piece):
        return self.joined([CHARACTERS[b] for b in piece.encode()])

    def joined(self, parts):
        """Ids of characters as the vocabulary writes them, joined as far as the merges say."""
        parts = list(parts)
        while len(parts) > 1:
            ranked = [(self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:]))]
            rank, _ = min(ranked)
            if rank == 1 << 30:
                break
            joined, i = [], 0
            while i < len(parts):
                if i + 1 < len(parts) and self.ranks.get((parts[i], parts[i + 1])) == rank:
                    joined.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    joined.append(parts[i])
                    i += 1
            parts = joined
        return [self.vocab[part] for part in parts]

    def encode(self, text):
        return [id for piece in pieces(text) for id in self.piece(piece)]


class Alphabet:
    """Ids by name; codes follow the text tokens."""

    def __init__(self, tokenizer):
        named = tokenizer.specials
        self.first = named["<|endoftext|>"]
        self.start, self.end = named["<racm3:break>"], named["<eoss>"]
        self.separator, self.row_end = named["<reserved08706>"], named["<reserved08799>"]
        self.grid = lambda n: named[f"<reserved{8800 + n:05}>"]
        self.first_code = tokenizer.size

    def header(self, width, height):
        return [self.start, self.grid(height // 32), self.grid(width // 32)]


def filled(turn, width, height):
    """The prompt of a turn for panels of a size; one in ten omits the size (by its own words, if the turn says nothing)."""
    panels = len(turn["panels"])
    sized = turn.get("sized", sum(turn["prompt"].encode()) % 10 != 0)
    of = f" of {width}x{height * panels}" if sized else ""
    return turn["template"].format(of=of, label=turn["label"], prompt=turn["prompt"])
