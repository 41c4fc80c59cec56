"""Checks an export: it computes what was trained, and the program computes what it computes.

The second part needs the program: LUMINA_STUDIO=target/release/lumina-studio. It runs golden
vectors made here through `verify`, imports the folder at Q8_0, reads the file back as a start of another
run and draws a picture with it.
"""
import json
import os
import subprocess

import numpy as np
import torch

import data
import decoder
import movq
import safetensors
import start
import text
import train_decoder
import train_movq


def loaded(run):
    """The exported folder, read back in f32."""
    out = run.path("export")
    config = json.loads((out / "config.json").read_text())
    model = decoder.Transformer(config, text.Tokenizer(out).size)
    model.load_public({k: v.float() for k, v in safetensors.read(out / "model.safetensors").items()})
    image = movq.Movq(json.loads((out / "movq.json").read_text()))
    image.load_state_dict(torch.load(out / "movqgan.ckpt", weights_only=True))
    return model.eval().to(run.device), image.eval().to(run.device)


@torch.no_grad()
def grown_is_the_same(model, config, ids):
    """A decoder of twice the layers, grown from the export, computes what it does."""
    layers = 2 * config["num_hidden_layers"]
    deeper = decoder.Transformer({**config, "num_hidden_layers": layers}, model.first_code)
    deeper.load_public(decoder.grown(model.public(), layers))
    apart = (deeper(ids) - model(ids)).abs().max().item()
    assert apart < 1e-5, f"grown to {layers} layers it computes something else, by up to {apart}"


@torch.no_grad()
def golden_decoder(run, model, ids):
    folder = run.path("verify/decoder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink(missing_ok=True)
        os.link(run.path("export") / name, folder / name)
    ids = ids[:, :300]
    logits = torch.nn.functional.linear(model(ids), model.lm_head.weight)
    safetensors.write(folder / "expected.safetensors", {"input_ids": ids, "logits": logits})
    (folder / "case.json").write_text(json.dumps({"kind": "decoder", "logits_max_abs_error": 2e-3}) + "\n")


@torch.no_grad()
def golden_movq(run, image):
    folder = run.path("verify/movq")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "movqgan.ckpt").unlink(missing_ok=True)
    os.link(run.path("export") / "movqgan.ckpt", folder / "movqgan.ckpt")
    (folder / "config.json").write_bytes((run.path("export") / "movq.json").read_bytes())
    image, expected = image.cpu(), {}
    for i, (width, height) in enumerate([(64, 64), (96, 64)]):
        _, batch = data.pictures((800_000 + i, 1, width, height, "unseen"))
        x = movq.as_input(batch, "cpu").contiguous()
        codes = image.codes(x)
        z = image.quantize.embedding(codes).permute(0, 3, 1, 2)
        expected[f"image_{i}"] = torch.from_numpy(batch)[0].permute(2, 0, 1).contiguous()
        expected[f"prequant_{i}"] = image.vectors(x)[0]
        expected[f"tokens_{i}"] = codes[0]
        expected[f"decoded_{i}"] = image.of_vectors(z)[0]
    safetensors.write(folder / "expected.safetensors", expected)
    (folder / "case.json").write_text(json.dumps({"kind": "movq", "decoded_max_abs_error": 2e-3, "tie_distance": 1e-4}) + "\n")


def gives_back(gguf, export):
    """A model file holds the networks of the export it was made from, but for rounding."""
    for stored, exported in zip(start.networks_of(gguf), start.networks_of(export)):
        assert stored.keys() == exported.keys()
        for name, tensor in exported.items():
            apart = (stored[name] - tensor.float()).norm() / tensor.float().norm().clamp(min=1e-6)
            assert apart < 0.02, f"{name} comes back {apart:.3f} apart"


def program(run, path):
    ask = lambda *args: subprocess.run([path, *map(str, args)], check=True, capture_output=True, text=True).stdout
    print(ask("verify", run.path("verify/decoder"), run.path("verify/movq")))
    gguf = run.path("starter.gguf")
    print(ask("import", run.path("export"), "--movq", run.path("export/movqgan.ckpt"), "--quant", "q8_0", "-o", gguf))
    size = gguf.stat().st_size
    gives_back(gguf, run.path("export"))
    limit = run.config["card"].get("most_bytes")
    assert not limit or size < limit, f"{size} bytes are too many to embed, at most {limit}"
    print(ask("generate", "a cat on a blue background", "--model", gguf, "-o", run.path("cat.png")))
    return size


def check(run):
    model, image = loaded(run)
    unseen = train_decoder.groups(run, run.last_stage, unseen=True)
    nothing = type("Nothing", (), {"swap": lambda self: None})()
    exported = train_decoder.validated(model, run, unseen, nothing)["unseen"]
    trained, config = train_decoder.trained(run)
    before = train_decoder.validated(trained, run, unseen, nothing)["unseen"]
    assert abs(exported - before) < 0.02 * before, f"the export has loss {exported}, the trained model {before}"
    model, ids = model.cpu(), torch.from_numpy(unseen[0].batch(np.arange(1))[0])
    grown_is_the_same(model, config, ids)
    golden_decoder(run, model, ids)
    golden_movq(run, image)
    facts = {"exported_loss": exported, "trained_loss": before}
    if path := os.environ.get("LUMINA_STUDIO"):
        facts["q8_0_bytes"] = program(run, path)
    run.log(phase="check", **facts)
