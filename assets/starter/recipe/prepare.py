"""Rasterises the sprites once and writes what the world is made of: sprites.png and world.json.

Needs cairosvg, and the icons of `npm install @iconify-json/fluent-emoji-flat` (MIT):

    python prepare.py node_modules/@iconify-json/fluent-emoji-flat

Both files are committed: nothing else of the recipe needs this script, the icons or cairosvg.
"""
import json
import random
import sys
from pathlib import Path

import cairosvg
import numpy as np

import png

HERE = Path(__file__).parent
CELL = 128
COLUMNS = 16

SHAPES = {
    "circle": '<circle cx="16" cy="16" r="14"/>',
    "square": '<rect x="3" y="3" width="26" height="26"/>',
    "triangle": '<path d="M16 3 L30 28 L2 28 Z"/>',
    "diamond": '<path d="M16 1.5 L27 16 L16 30.5 L5 16 Z"/>',
    "ring": '<path fill-rule="evenodd" d="M16 2 a14 14 0 1 0 0.01 0 Z M16 9 a7 7 0 1 0 0.01 0 Z"/>',
    "cross": '<path d="M12 2 H20 V12 H30 V20 H20 V30 H12 V20 H2 V12 H12 Z"/>',
    "hexagon": '<path d="M9 4 H23 L30.5 16 L23 28 H9 L1.5 16 Z"/>',
    "arrow": '<path d="M2 12 H16 V4 L30 16 L16 28 V20 H2 Z"/>',
}
SHAPE_WORDS = {
    "circle": [["disc", "discs"]],
    "square": [],
    "triangle": [],
    "diamond": [["rhombus", "rhombuses"]],
    "ring": [],
    "cross": [["plus sign", "plus signs"]],
    "hexagon": [],
    "arrow": [],
}
PLURALS = {"cross": "crosses"}

# The colours of backgrounds; those without `tint` are backgrounds only.
COLOURS = {
    "white": (250, 250, 250),
    "black": (24, 24, 28),
    "grey": (150, 155, 160),
    "red": (214, 60, 60),
    "orange": (242, 150, 60),
    "yellow": (250, 215, 90),
    "green": (80, 170, 90),
    "blue": (70, 120, 220),
    "light blue": (150, 205, 245),
    "purple": (140, 90, 200),
    "pink": (245, 165, 195),
    "brown": (135, 95, 65),
}
TINTS = ["white", "black", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"]


def article(name):
    return ("an " if name[0] in "aeiou" else "a ") + name


def band(y0, y1, top, bottom=None):
    return {"band": [y0, y1], "top": list(top), "bottom": list(bottom or top)}


def triangle(colour, *points):
    return {"polygon": [list(p) for p in points], "colour": list(colour)}


def disc(colour, x, y, radius):
    return {"disc": [x, y, radius], "colour": list(colour)}


def night_dots(seed, count):
    # The first edition's stars: 2 pixels of a 128-pixel picture.
    rng = random.Random(seed)
    return [[rng.randrange(126) * 1000 // 128 + 1, rng.randrange(126) * 1000 // 128 + 1] for _ in range(count)]


# Lengths in thousandths of the sides (a disc's radius: of the shorter side). "ground" is where
# depth begins to grow towards the viewer.
SCENES = {
    "meadow": {
        "words": ["in a meadow", "on the grass", "in a green meadow"],
        "layers": [band(0, 1000, (140, 200, 245), (200, 230, 250)), band(620, 1000, (110, 190, 90), (95, 175, 82))],
        "ground": 620,
    },
    "beach": {
        "words": ["on the beach", "at the beach"],
        "layers": [
            band(0, 1000, (120, 195, 245), (190, 230, 250)),
            band(500, 680, (60, 140, 200)),
            band(680, 1000, (240, 215, 160)),
        ],
        "ground": 500,
    },
    "sunset": {
        "words": ["at sunset", "in the evening glow"],
        "layers": [band(0, 1000, (90, 60, 140), (250, 150, 80)), band(750, 1000, (70, 45, 80))],
        "ground": 750,
    },
    "night": {
        "words": ["at night", "under a starry night sky"],
        "layers": [
            band(0, 1000, (12, 16, 45), (40, 45, 95)),
            {"dots": night_dots(7, 26), "colour": [235, 235, 210]},
        ],
        "ground": 1000,
    },
    "snow": {
        "words": ["in the snow", "on a snowy day"],
        "layers": [band(0, 1000, (175, 200, 225), (220, 232, 245)), band(660, 1000, (248, 250, 252))],
        "ground": 660,
    },
    "sea": {
        "words": ["under the sea", "underwater"],
        "layers": [band(0, 1000, (60, 160, 210), (15, 60, 120))],
        "ground": 1000,
    },
    "desert": {
        "words": ["in the desert", "among the dunes"],
        "layers": [
            band(0, 1000, (250, 215, 150), (255, 240, 205)),
            triangle((228, 172, 98), (0, 560), (340, 700), (0, 760)),
            triangle((228, 172, 98), (1000, 540), (1000, 760), (420, 720)),
            band(690, 1000, (218, 158, 84), (198, 134, 66)),
        ],
        "ground": 690,
    },
    "mountains": {
        "words": ["in the mountains", "in front of mountains"],
        "layers": [
            band(0, 1000, (165, 210, 240), (225, 240, 250)),
            triangle((120, 130, 155), (-150, 720), (230, 240), (610, 720)),
            triangle((145, 155, 178), (400, 720), (760, 320), (1120, 720)),
            band(720, 1000, (105, 140, 100), (85, 120, 82)),
        ],
        "ground": 720,
    },
    "forest": {
        "words": ["in the forest", "in the woods"],
        "layers": [
            band(0, 1000, (50, 95, 70), (30, 66, 50)),
            triangle((38, 78, 56), (-80, 760), (90, 80), (260, 760)),
            triangle((34, 72, 52), (230, 760), (420, 20), (610, 760)),
            triangle((38, 78, 56), (520, 760), (720, 110), (920, 760)),
            band(760, 1000, (74, 66, 46), (60, 52, 38)),
        ],
        "ground": 760,
    },
    "road": {
        "words": ["on the road", "on a street"],
        "layers": [
            band(0, 1000, (170, 215, 245), (225, 240, 250)),
            band(560, 1000, (125, 175, 105)),
            triangle((96, 98, 104), (400, 560), (600, 560), (1000, 1000), (0, 1000)),
        ],
        "ground": 560,
    },
    "room": {
        "words": ["in a room", "indoors"],
        "layers": [
            band(0, 1000, (226, 208, 186)),
            band(700, 740, (244, 238, 228)),
            band(740, 1000, (160, 112, 74), (136, 92, 60)),
        ],
        "ground": 740,
    },
    "space": {
        "words": ["in outer space", "in space"],
        "layers": [
            band(0, 1000, (8, 6, 18), (26, 12, 44)),
            {"dots": night_dots(21, 40), "colour": [210, 220, 255]},
            disc((92, 70, 120), 860, 150, 120),
        ],
        "ground": 1000,
    },
}
FIRST_SCENES = ["meadow", "beach", "sunset", "night", "snow", "sea"]


def rasterise(body):
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 32 32" width="{4 * CELL}" height="{4 * CELL}">{body}</svg>'
    )
    from io import BytesIO

    from PIL import Image

    image = Image.open(BytesIO(cairosvg.svg2png(svg.encode()))).convert("RGBA")
    rgba = np.asarray(image).astype(np.float64) / 255
    rgba[..., :3] *= rgba[..., 3:]
    rgba = rgba.reshape(CELL, 4, CELL, 4, 4).mean((1, 3))
    alpha = rgba[..., 3:]
    rgba[..., :3] = np.where(alpha > 0, rgba[..., :3] / np.maximum(alpha, 1e-9), 0)
    out = np.floor(rgba * 255 + 0.5).astype(np.uint8)
    out[out[..., 3] == 0] = 0
    return out


def luma_of(sprite):
    """Mean brightness of the opaque pixels, 0 to 255."""
    opaque = sprite[sprite[..., 3] >= 128].astype(np.int64)
    return int(round(float(((77 * opaque[:, 0] + 150 * opaque[:, 1] + 29 * opaque[:, 2]) >> 8).mean())))


def main():
    source = Path(sys.argv[1])
    icons = json.loads((source / "icons.json").read_text())["icons"]
    nouns, sprites = [], []

    def add(sprite, noun):
        noun["cell"] = len(sprites)
        noun["luma"] = luma_of(sprite)
        nouns.append(noun)
        sprites.append(sprite)

    for line in (HERE / "nouns.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        icon, name, words, flags = (part.strip() for part in line.split("|"))
        pairs = [pair.strip().split("/") for pair in [name, *words.split(",")] if pair.strip()]
        add(
            rasterise(icons[icon]["body"]),
            {
                "name": pairs[0][0],
                "icon": icon,
                "words": pairs,
                "kind": "tintable" if "t" in flags else "plain",
                "first": "1" in flags,
            },
        )
    for name, body in SHAPES.items():
        words = [[name, PLURALS.get(name, name + "s")], *SHAPE_WORDS[name]]
        sprite = rasterise(f'<g fill="#c8c8c8">{body}</g>')
        add(sprite, {"name": name, "icon": None, "words": words, "kind": "shape", "first": False})

    backgrounds = [
        {
            "name": name,
            "words": [f"on {article(name)} background", f"in front of {article(name)} wall"],
            "layers": [band(0, 1000, rgb)],
            "ground": 1000,
            "first": True,
        }
        for name, rgb in COLOURS.items()
    ]
    backgrounds += [{"name": n, **scene, "first": n in FIRST_SCENES} for n, scene in SCENES.items()]
    rows = -(-len(sprites) // COLUMNS)
    atlas = np.zeros((rows * CELL, COLUMNS * CELL, 4), np.uint8)
    for index, sprite in enumerate(sprites):
        y, x = index // COLUMNS * CELL, index % COLUMNS * CELL
        atlas[y : y + CELL, x : x + CELL] = sprite
    png.write(HERE / "sprites.png", atlas)
    world = {
        "source": "Fluent Emoji Flat, Microsoft Corporation, npm @iconify-json/fluent-emoji-flat "
        + json.loads((source / "package.json").read_text())["version"],
        "licence": "MIT, https://github.com/microsoft/fluentui-emoji/blob/main/LICENSE",
        "cell": CELL,
        "columns": COLUMNS,
        "colours": {name: list(rgb) for name, rgb in COLOURS.items()},
        "tints": TINTS,
        "nouns": nouns,
        "backgrounds": backgrounds,
    }
    lines = json.dumps(world, indent=None, separators=(", ", ": "))
    lines = lines.replace('{"name"', '\n{"name"').replace('{"source"', '{\n"source"')
    (HERE / "world.json").write_text(lines + "\n")
    print(f"{len(nouns)} sprites, {(HERE / 'sprites.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()
