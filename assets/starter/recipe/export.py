"""Writes a trained run as a public checkpoint folder that `lumina-studio import` takes."""
import json
import shutil

import torch

import movq
import safetensors
import text
import train_decoder
import train_movq

CARD = {
    "provenance": "trained on scenes of Fluent Emoji Flat (Microsoft, MIT licence); the recipe is assets/starter/recipe",
    "licence": "MIT OR Apache-2.0",
    "world": "starter",
}


def card(run):
    """lumina.json: what it was trained for, and nothing else."""
    config = run.config
    # A long stage forgets the sizes that it leaves out.
    stages = config["stages"][-1:] if "stream" in config else config["stages"]
    sizes = {name for stage in stages for name in stage["sizes"]}
    default = config["card"]["size"]
    order = sorted(sizes - {default}, key=lambda s: [int(v) for v in s.split("x")])
    sizes = [[int(v) for v in name.split("x")] for name in [default, *order]]
    maps = ["canny", "depth"]
    tasks = [
        {"task": "generate", "sizes": sizes},
        {"task": "pair", "maps": maps, "sizes": sizes},
        {"task": "control", "maps": maps, "sizes": sizes},
        {"task": "predict", "maps": maps, "sizes": sizes},
        {"task": "subject", "label": "subject reference", "sizes": sizes},
        {"task": "edit", "label": "source image", "sizes": sizes},
    ]
    own = {task: {"sampling": sampling} for task, sampling in config["card"].get("sampling_of", {}).items()}
    return {
        "name": config["card"]["name"],
        "note": "a small model of a small world: emoji things on simple backgrounds",
        **CARD,
        "sampling": config["card"]["sampling"],
        "tasks": [{**task, **own.get(task["task"], {})} for task in tasks],
    }


def write(run):
    out = run.path("export")
    out.mkdir(exist_ok=True)
    model, config = train_decoder.trained(run)
    image = train_movq.trained(run)
    tensors = {name: t.to(torch.bfloat16) for name, t in model.public().items()}
    safetensors.write(out / "model.safetensors", tensors)
    flat = {name: t.detach().float().cpu().contiguous().clone() for name, t in image.state_dict().items()}
    torch.save(flat, out / "movqgan.ckpt")
    plain = {"config.json": config, "movq.json": movq.config_of(train_movq.sizes(run)), "lumina.json": card(run)}
    for name, content in plain.items():
        (out / name).write_text(json.dumps(content, indent=1) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(text.HERE / name, out / name)
    sizes = {file.name: file.stat().st_size for file in sorted(out.iterdir())}
    count = sum(t.numel() for t in tensors.values()), sum(t.numel() for t in flat.values())
    run.log(phase="export", decoder_parameters=count[0], movq_parameters=count[1], **sizes)
