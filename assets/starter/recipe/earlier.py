"""An earlier public checkpoint as a start, though its words and codes are others.

`run.py --start-from FOLDER` takes either what `start.py` keeps or such a checkpoint (config.json,
model.safetensors, tokenizer.json, movq.json, movqgan.ckpt), whose layers must have the same sizes.
The image tokenizer is trained on from its weights. Rows of the decoder's embedding and head then go
to the tokens that say the same: words to words, other words to the mean of the pieces they were
told in, codes to the mean of the codes that stood in the same places of the same pictures.
"""
import json
from pathlib import Path

import torch

import data
import movq
import safetensors
import text

# A new code vector stands this far beside an old one, in distances to the nearest other.
BESIDE = 0.3
PICTURES = 24


def is_checkpoint(folder):
    return (Path(folder) / "config.json").exists()


def image(folder, codes):
    """The image tokenizer's weights with so many codes: the new ones stand beside old ones."""
    state = torch.load(Path(folder) / "movqgan.ckpt", map_location="cpu", weights_only=True)
    book = state["quantize.embedding.weight"].float()
    if codes < len(book):
        raise ValueError(f"{codes} codes are fewer than the {len(book)} of {folder}")
    between = torch.cdist(book, book).fill_diagonal_(float("inf")).min(1).values
    generator = torch.Generator().manual_seed(0)
    pick = torch.randint(len(book), (codes - len(book),), generator=generator)
    away = torch.nn.functional.normalize(torch.randn(len(pick), book.shape[1], generator=generator), dim=1)
    beside = book[pick] + BESIDE * between[pick, None] * away
    return {**state, "quantize.embedding.weight": torch.cat([book, beside])}


@torch.no_grad()
def together(old, new, device):
    """How often each code of `new` stands where one of `old` does: codes x codes."""
    counts = torch.zeros(len(new.quantize.embedding.weight), len(old.quantize.embedding.weight))
    for number in range(PICTURES):
        _, batch = data.pictures((number, 32, 128, 128, "together"))
        x = movq.as_input(batch, device)
        mine, theirs = (model.codes(x).flatten().cpu() for model in (new, old))
        counts.view(-1).index_add_(0, mine * counts.shape[1] + theirs, torch.ones(len(mine)))
    return counts


def shares_of(counts, old, new):
    """Rows that sum to one; a code never seen is what the nearest seen one is."""
    seen = counts.sum(1) > 0
    book = new.quantize.embedding.weight.float().cpu()
    nearest = seen.nonzero()[:, 0][torch.cdist(book, book[seen]).argmin(1)]
    counts = counts[nearest]
    return counts / counts.sum(1, keepdim=True)


def words(old, new, rows):
    """The rows of the new text tokens; a token of other pieces has the mean of the pieces' rows."""
    known = {**old.vocab, **old.specials}
    out = torch.empty(new.size, rows.shape[1])
    for token, id in {**new.vocab, **new.specials}.items():
        pieces = [known[token]] if token in known else old.joined(token)
        out[id] = rows[pieces].mean(0)
    return out


@torch.no_grad()
def decoder(folder, model, new_image, device):
    """Puts the checkpoint's weights into a new decoder."""
    folder = Path(folder)
    tensors = {k: v.float() for k, v in safetensors.read(folder / "model.safetensors").items()}
    old_words, new_words = text.Tokenizer(folder), text.Tokenizer()
    old_image = movq.Movq(json.loads((folder / "movq.json").read_text())).to(device).eval()
    old_image.load_state_dict(torch.load(folder / "movqgan.ckpt", map_location=device, weights_only=True))
    shares = shares_of(together(old_image, new_image, device), old_image, new_image)
    first = old_words.size
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        rows = tensors[name]
        codes = shares @ rows[first : first + shares.shape[1]]
        tensors[name] = torch.cat([words(old_words, new_words, rows[:first]), codes])
    model.load_public({name: tensor.to(device) for name, tensor in tensors.items()})
