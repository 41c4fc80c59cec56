"""What a run has learned so far, small enough to keep: another run goes on from it.

    python start.py cpu.json ../../../target/starter-cpu start
    python run.py cpu.json --start-from start --out ../../../target/starter-cpu-2 --minutes 100

The folder holds the decoder in bf16, its running means as the last checkpoint or the last stage left
them, and the image tokenizer in f16 (codebook and what is small in f32), as the program stores it: rounded
further it would give other codes than those the decoder learned. A model file of the program holds the
same, the decoder rounded further: `--start-from ../../starter.gguf` goes on from the built-in model.
"""
import sys
from pathlib import Path

import torch

import gguf
import movq
import safetensors
import text
import train_decoder
from runs import Average, Run, configuration


def kept(tensors):
    return {name: t.float() if "embedding" in name or t.numel() < 1000 else t.half() for name, t in tensors.items()}


def decoder_of(run):
    """The last weights there are, as running means."""
    model, _ = train_decoder.fresh(run)
    stored, done = run.load("decoder.checkpoint"), None
    for number in range(len(run.config["stages"])):
        done = run.load(f"stage-{number}.done") or done
    if stored and (done is None or stored["tokens"] > done["tokens"]):
        model.load_state_dict(stored["model"])
        average = Average(model, 0)
        average.load(stored["average"])
        average.swap()
    elif done:
        model.load_state_dict(done["model"])
    else:
        return None
    return model


def write(run, folder):
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.write(folder / "movq.safetensors", kept(run.load("movq.done")))
    model = decoder_of(run)
    if model is not None:
        public = {name: t.to(torch.bfloat16) for name, t in model.public().items()}
        safetensors.write(folder / "decoder.safetensors", public)


def is_export(folder):
    """Whether a folder is what `export.py` wrote, in the recipe's own words."""
    file = folder / "tokenizer.json"
    return file.exists() and file.read_bytes() == (text.HERE / "tokenizer.json").read_bytes()


def networks_of_file(path):
    """The image tokenizer's tensors and the decoder's, of a model file of the program."""
    texts, tensors = gguf.read(path)
    if texts["lumina.tokenizer"] != (text.HERE / "tokenizer.json").read_text():
        raise ValueError(f"{path} has other words than the recipe: go on from its checkpoint folder instead")
    image = {name.removeprefix("movq."): t for name, t in tensors.items() if name.startswith("movq.")}
    return image, {name: t for name, t in tensors.items() if name.startswith(("model.", "lm_head."))}


def networks_of(place):
    """The image tokenizer's tensors and the decoder's; a folder need not hold the latter."""
    if place.is_file():
        return networks_of_file(place)
    if is_export(place):
        image = torch.load(place / "movqgan.ckpt", map_location="cpu", weights_only=True)
        return image, safetensors.read(place / "model.safetensors")
    decoder = place / "decoder.safetensors"
    return safetensors.read(place / "movq.safetensors"), safetensors.read(decoder) if decoder.exists() else None


def take(place, run):
    """Puts what a folder, an export or a model file holds into a run's folder, where it is not there yet."""
    tensors, theirs = networks_of(place)
    # Taken as it is, or trained on where the configuration says so.
    to = "movq.start" if run.config["movq"].get("again") else "movq.done"
    if not run.path(to).exists() and not run.path("movq.done").exists():
        codes = len(tensors["quantize.embedding.weight"])
        image = movq.Movq(movq.config_of({**run.config["movq"], "codes": codes}))
        image.load_state_dict({name: t.float() for name, t in tensors.items()})
        run.save(to, image.state_dict())
    mine = run.path("start.safetensors")
    if theirs and not mine.exists():
        safetensors.write(mine, theirs)


if __name__ == "__main__":
    config, made, folder = sys.argv[1:]
    write(Run(configuration(config), made, 1, None), Path(folder))
