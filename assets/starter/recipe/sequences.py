"""Examples as sequences of ids: prompts, headers and codes.

Nothing here needs torch.
"""
import numpy as np

TASKS = ["generate", "pair", "control", "predict", "subject", "edit", "conversation"]
# Tasks whose upper panel is given.
GIVEN = [TASKS.index(t) for t in ("control", "predict", "subject", "edit", "conversation")]


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


class Group:
    """All examples of one shape."""

    def __init__(self, name, parts, alphabet, given=0.0):
        self.given = given
        self.width, self.height, self.panels = (int(v) for v in name.split("x"))
        self.alphabet = alphabet
        join = lambda key: np.concatenate([p[f"{name}|{key}"] for p in parts])
        self.codes, self.tasks, self.dropped = join("codes"), join("tasks"), join("dropped")
        self.turns = int(parts[0][f"{name}|turns"][0])
        lengths, ids = join("lengths"), join("ids")
        self.ends, self.ids = np.cumsum(lengths), ids
        self.starts = self.ends - lengths
        self.columns = self.width // 8
        # Rows of one picture of a turn: one panel or two.
        self.rows = self.height // 8 * (1 if self.panels == 1 else 2)
        self.length = 3 + self.rows * (self.columns + 1) + 1

    def __len__(self):
        return len(self.tasks)

    def pictures(self, indices):
        """All pictures of some examples as ids, n x turns x length, and how much each counts."""
        a, n, rows = self.alphabet, len(indices), self.rows
        codes = self.codes[indices].reshape(n, self.turns, rows, self.columns)
        grid = np.full((n, self.turns, rows, self.columns + 1), a.row_end, np.int64)
        grid[..., :-1] = codes.astype(np.int64) + a.first_code
        of_codes = np.ones(grid.shape, np.float32)
        of_codes[np.isin(self.tasks[indices], GIVEN), :, : rows // 2] = self.given
        of_codes[..., -1] = 0
        flat = lambda x: x.reshape(n, self.turns, -1)
        ids = np.empty((n, self.turns, self.length), np.int64)
        ids[..., :3], ids[..., 3:-1], ids[..., -1] = a.header(self.width, rows * 8), flat(grid), a.end
        shares = np.zeros(ids.shape, np.float32)
        shares[..., 3:-1] = flat(of_codes)
        return ids, shares

    def prompt(self, index, turn):
        """What stands before a turn's picture."""
        if self.dropped[index]:
            return []
        a, number = self.alphabet, index * self.turns + turn
        before = [a.first] if turn == 0 else [a.separator]
        return [*before, *self.ids[self.starts[number] : self.ends[number]], a.separator]

    def batch(self, indices):
        """(ids, how much each of them counts, tasks); rows are filled up with zeros."""
        pictures, of_pictures = self.pictures(indices)
        prompts = [[self.prompt(i, turn) for turn in range(self.turns)] for i in indices]
        longest = max(sum(map(len, p)) for p in prompts) + self.turns * self.length
        longest = -(-longest // 32) * 32
        ids, shares = np.zeros((len(indices), longest), np.int64), np.zeros((len(indices), longest), np.float32)
        for row, turns in enumerate(prompts):
            at = 0
            for turn, prompt in enumerate(turns):
                ids[row, at : at + len(prompt)] = prompt
                at += len(prompt)
                ids[row, at : at + self.length] = pictures[row, turn]
                shares[row, at : at + self.length] = of_pictures[row, turn]
                at += self.length
        return ids, shares, self.tasks[indices]
