"""Makes the JPEG and WebP pictures of this folder as the programs they are named after save theirs.

    pip install pillow piexif
    python make.py

A1111 writes its EXIF with piexif, Fooocus with Pillow (outside the Exif part, as plain text), SwarmUI
as UTF-16 of the processor's order, NovelAI as one JSON object of all texts a PNG of its would have.
"""
import json

import piexif
import piexif.helper
from PIL import Image

IMAGE = Image.new("RGB", (2, 1))
USER_COMMENT, MAKER_NOTE, SOFTWARE, TITLE, DESCRIPTION = 0x9286, 0x927C, 0x0131, 0x010D, 0x010E
SEED = 5350975487230560396


def save(name, exif):
    how = {"lossless": True} if name.endswith("webp") else {"quality": 50}
    IMAGE.save(name, exif=exif, **how)


def comment(content, fields=None):
    return piexif.dump({"0th": fields or {}, "Exif": {USER_COMMENT: content}})


def fooocus(text, scheme):
    exif = Image.Exif()
    exif[USER_COMMENT], exif[SOFTWARE], exif[MAKER_NOTE] = text, "Fooocus v2.5.5", scheme
    return exif


a1111 = (
    "a fox, (sharp:1.2)\nNegative prompt: ugly\nSteps: 20, Sampler: Euler a, CFG scale: 7, "
    "Seed: 482913, Size: 768x512, Model: dream, Version: v1.10.1"
)
save("a1111.webp", comment(piexif.helper.UserComment.dump(a1111, encoding="unicode")))

image = {"prompt": "a fox", "negativeprompt": "ugly", "seed": 7, "width": 1024, "height": 768}
swarm = {"sui_image_params": image | {"swarm_version": "0.9.5.0"}, "sui_extra_data": {"date": "2025-01-25"}}
swarm = b"UNICODE\0" + json.dumps(swarm, indent=4).encode("utf-16-le")
save("swarm.jpg", comment(swarm))
save("swarm.webp", comment(swarm))

told = {
    "base_model": "juggernautXL",
    "metadata_scheme": "fooocus",
    "negative_prompt": "ugly",
    "prompt": "a fox in snow",
    "resolution": "(1152, 896)",
    "seed": str(SEED),
    "version": "Fooocus v2.5.5",
}
save("fooocus.jpg", fooocus(json.dumps(told), "fooocus"))
save("fooocus.webp", fooocus(json.dumps(told), "fooocus"))
told = (
    f"a fox in snow\nNegative prompt: ugly\nSteps: 30, Sampler: DPM++ 2M SDE, Seed: {SEED}, "
    "Size: 1152x896, CFG scale: 4, Model: juggernautXL, Version: Fooocus v2.5.5"
)
save("fooocus_a1111.jpg", fooocus(told, "a1111"))


def caption(whole, character):
    return {"caption": {"base_caption": whole, "char_captions": [{"char_caption": character}]}}


told = {
    "prompt": "a fox, {{snow}}",
    "uc": "ugly",
    "seed": 4028746890,
    "width": 1216,
    "height": 832,
    "v4_prompt": caption("a fox, {{snow}}", "girl, red coat"),
    "v4_negative_prompt": caption("ugly", ""),
}
texts = {"Comment": json.dumps(told), "Description": told["prompt"], "Software": "NovelAI"}
fields = {
    DESCRIPTION: b"\0\0\0\0" + told["prompt"].encode(),
    SOFTWARE: b"NovelAI",
    TITLE: b"NovelAI generated image",
}
save("novelai.webp", comment(b"ASCII\0\0\0" + json.dumps(texts).encode(), fields))
