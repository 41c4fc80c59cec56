"""The world: scenes are plain data, drawn exactly. `benches/geneval/world.rs` draws the same.

A scene is {"background": name, "objects": [{"noun", "colour" (or null), "size", "x", "y", "layer"}]}.
Lengths are thousandths: x and y (an object's centre) of the width and the height, sizes of the
shorter side, so that one scene can be drawn at every aspect and every size.

Drawing, in the order of the data:
- an integer is `(thousandths * side + 500) // 1000`; a colour is floating point until the end,
  when it becomes floor(v + 0.5);
- background layers one over the other: a band is rows from..to, its colour going linearly from
  top (first row) to bottom (last row); a polygon (convex) and a disc hold the pixels whose centre
  they hold; dots are squares of max(1, shorter // 64) pixels;
- things stand on the grid of the image tokenizer's codes, so that one thing of one size is told in
  the same codes wherever it stands: the side is the nearest of CODES codes (of equals the smaller),
  the corner the nearest corner of a code to centre - side / 2 (of equals the farther);
- an object is its sprite, tinted where it has a colour, scaled to side x side pixels and put there;
  later objects cover earlier ones. Scaling works on colours
  multiplied by alpha: pixel i of n is the mean of the sprite's pixels j weighted with
  max(0, 1 - |(j + 0.5) - (i + 0.5) * s / n| / max(1, s / n)), along y and then along x;
- a tint: every channel becomes clamp(colour + ((3 * (luma - mean luma)) >> 2)) with luma =
  (77 r + 150 g + 29 b) >> 8.
"""
import json
from functools import lru_cache
from pathlib import Path

import numpy as np

import png

HERE = Path(__file__).parent
WORLD = json.loads((HERE / "world.json").read_text())
CELL = WORLD["cell"]
NOUNS = {noun["name"]: noun for noun in WORLD["nouns"]}
BACKGROUNDS = {background["name"]: background for background in WORLD["backgrounds"]}
COLOURS = WORLD["colours"]
TINTS = WORLD["tints"]
# Pixels of a code of the image tokenizer, and how many of them things are wide.
CODE = 8
CODES = (3, 5, 6, 8, 12, 16, 24, 32)
# Grey of the depth map: objects by layer (far, middle, near), the ground from far to near.
DEPTH_LAYERS = (150, 200, 250)
DEPTH_FAR, DEPTH_GROUND = 30, 80


@lru_cache(maxsize=1)
def atlas():
    return png.read(HERE / "sprites.png")


def of_side(thousandths, side):
    return (thousandths * side + 500) // 1000


def cell(noun, colour):
    """A sprite as stored, tinted; CELL x CELL x 4, integers."""
    index = NOUNS[noun]["cell"]
    y, x = index // WORLD["columns"] * CELL, index % WORLD["columns"] * CELL
    rgba = atlas()[y : y + CELL, x : x + CELL].astype(np.int32)
    if colour is not None:
        luma = (77 * rgba[..., 0] + 150 * rgba[..., 1] + 29 * rgba[..., 2]) >> 8
        shade = (3 * (luma - NOUNS[noun]["luma"])) >> 2
        rgba = np.concatenate([np.clip(shade[..., None] + np.array(COLOURS[colour]), 0, 255), rgba[..., 3:]], -1)
    return rgba


@lru_cache(maxsize=512)
def weights(n):
    scale = CELL / n
    centre = (np.arange(n, dtype=np.float64) + 0.5) * scale
    w = 1 - np.abs(np.arange(CELL) + 0.5 - centre[:, None]) / max(1.0, scale)
    w = np.maximum(w, 0)
    return (w / w.sum(1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=400)
def sprite(noun, colour, side):
    """(colours times alpha, 0..255; alpha, 0..1), side x side."""
    rgba = cell(noun, colour).astype(np.float32)
    rgba[..., :3] *= rgba[..., 3:] / 255
    w = weights(side)
    tall = (w @ rgba.reshape(CELL, -1)).reshape(side, CELL, 4)
    out = np.einsum("ij,yjc->yic", w, tall, optimize=True)
    return np.ascontiguousarray(out[..., :3]), np.ascontiguousarray(out[..., 3:] / 255)


def _polygon(points, width, height):
    x = 1000 * np.arange(width, dtype=np.int64)[None] + 500
    y = 1000 * np.arange(height, dtype=np.int64)[:, None] + 500
    corners = [(px * width, py * height) for px, py in points]
    sides = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
        sides.append((bx - ax) * (y - ay) - (by - ay) * (x - ax))
    return np.all([s >= 0 for s in sides], 0) | np.all([s <= 0 for s in sides], 0)


@lru_cache(maxsize=256)
def background(name, width, height):
    """Height x width x 3, 0..255, floating point. Not to be written to."""
    shorter = min(width, height)
    out = np.zeros((height, width, 3), np.float32)
    for layer in BACKGROUNDS[name]["layers"]:
        if "band" in layer:
            first, last = (of_side(v, height) for v in layer["band"])
            t = (np.arange(last - first, dtype=np.float32) / max(1, last - first - 1))[:, None, None]
            top, bottom = (np.array(layer[k], np.float32) for k in ("top", "bottom"))
            out[first:last] = top + (bottom - top) * t
        elif "polygon" in layer:
            out[_polygon(layer["polygon"], width, height)] = layer["colour"]
        elif "disc" in layer:
            x, y, r = layer["disc"]
            x, y, r = of_side(x, width), of_side(y, height), of_side(r, shorter)
            dx, dy = 2 * (np.arange(width) - x)[None] + 1, 2 * (np.arange(height) - y)[:, None] + 1
            out[dx * dx + dy * dy <= 4 * r * r] = layer["colour"]
        else:
            side = max(1, shorter // 64)
            for x, y in layer["dots"]:
                x, y = x * width // 1000, y * height // 1000
                out[y : y + side, x : x + side] = layer["colour"]
    return out


def placed(item, width, height):
    """(left, top, side) of an object in pixels."""
    wide = of_side(item["size"], min(width, height))
    side = CODE * min(CODES, key=lambda codes: abs(CODE * codes - wide))
    corner = lambda centre: (2 * centre - side + CODE) // (2 * CODE) * CODE
    return corner(of_side(item["x"], width)), corner(of_side(item["y"], height)), side


def _windows(item, width, height):
    """Where an object covers the picture, and which part of its sprite."""
    left, top, side = placed(item, width, height)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x1 <= x0 or y1 <= y0:
        return None
    colours, alpha = sprite(item["noun"], item["colour"], side)
    inside = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    return (slice(y0, y1), slice(x0, x1)), colours[inside], alpha[inside]


def _bytes(values):
    return np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)


def render(scene, width, height):
    """The picture: height x width x 3, uint8."""
    out = background(scene["background"], width, height).copy()
    for item in scene["objects"]:
        if found := _windows(item, width, height):
            window, colours, alpha = found
            out[window] = out[window] * (1 - alpha) + colours
    return _bytes(out)


def masks(scene, width, height):
    """Index of the topmost object at every pixel, from 1; 0 is background."""
    out = np.zeros((height, width), np.uint8)
    for index, item in enumerate(scene["objects"]):
        if found := _windows(item, width, height):
            window, _, alpha = found
            out[window][alpha[..., 0] >= 0.5] = index + 1
    return out


def depth(scene, width, height):
    """The depth map, near is white: height x width x 3, uint8."""
    ground = of_side(BACKGROUNDS[scene["background"]]["ground"], height)
    rows = np.arange(height, dtype=np.float32)
    rise = np.where(rows >= ground, DEPTH_GROUND * (rows - ground + 1) / max(1, height - ground), 0)
    out = np.broadcast_to((DEPTH_FAR + rise)[:, None], (height, width)).copy()
    index = masks(scene, width, height)
    for number, item in enumerate(scene["objects"], 1):
        out[index == number] = DEPTH_LAYERS[item["layer"]]
    return np.repeat(_bytes(out)[..., None], 3, -1)


def _kernel():
    # imageproc's Gaussian: as wide as two deviations on each side.
    sigma = 1.4
    radius = int(np.ceil(2 * sigma))
    x = np.arange(-radius, radius + 1, dtype=np.float32)
    k = np.exp(-(x**2) / (2 * sigma**2))
    return (k / k.sum()).astype(np.float32)


KERNEL = _kernel()


def _blur(grey, axis):
    radius = len(KERNEL) // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (radius, radius)
    wide = np.pad(grey, pad, mode="edge").astype(np.float32)
    n = grey.shape[axis]
    cut = (lambda i: wide[i : i + n]) if axis == 0 else (lambda i: wide[:, i : i + n])
    return np.clip(sum(k * cut(i) for i, k in enumerate(KERNEL)), 0, 255).astype(np.uint8)


def _spread(found, allowed):
    """Grows `found` within `allowed` until nothing is added."""
    while True:
        wide = np.pad(found, 1)
        grown = np.zeros_like(found)
        for dy in range(3):
            for dx in range(3):
                grown |= wide[dy : dy + found.shape[0], dx : dx + found.shape[1]]
        grown &= allowed
        if (grown == found).all():
            return found
        found = grown


def canny(picture, low=60.0, high=140.0):
    """The program's own canny map (src/picture/maps.rs): white lines two pixels wide on black."""
    p = picture.astype(np.float32)
    grey = (0.299 * p[..., 0] + 0.587 * p[..., 1] + 0.114 * p[..., 2]).astype(np.uint8)
    smooth = np.pad(_blur(_blur(grey, 1), 0).astype(np.int32), 1, mode="edge")
    a, b, c = smooth[:-2], smooth[1:-1], smooth[2:]
    rows = a + 2 * b + c
    gx = rows[:, 2:] - rows[:, :-2]
    columns = c - a
    gy = columns[:, :-2] + 2 * columns[:, 1:-1] + columns[:, 2:]
    strength = np.hypot(gx, gy).astype(np.float32)
    angle = np.degrees(np.arctan2(gy, gx))
    angle = np.where(angle < 0, angle + 180, angle)
    wide = np.pad(strength, 1)
    h, w = strength.shape
    at = lambda dy, dx: wide[1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]
    pairs = [((0, -1), (0, 1)), ((1, 1), (-1, -1)), ((-1, 0), (1, 0)), ((1, -1), (-1, 1))]
    which = np.where((angle < 22.5) | (angle >= 157.5), 0, np.where(angle < 67.5, 1, np.where(angle < 112.5, 2, 3)))
    best = np.zeros_like(strength, bool)
    for kind, (one, other) in enumerate(pairs):
        best |= (which == kind) & (strength >= at(*one)) & (strength >= at(*other))
    best[[0, -1]] = False
    best[:, [0, -1]] = False
    edges = _spread(best & (strength >= high), best & (strength >= low))
    out = edges.copy()
    out[:, 1:] |= edges[:, :-1]
    out[1:] |= edges[:-1]
    out[1:, 1:] |= edges[:-1, :-1]
    return np.repeat((out * np.uint8(255))[..., None], 3, -1)


@lru_cache(maxsize=None)
def _small(noun, colour):
    colours, alpha = sprite(noun, colour, 16)
    opaque = alpha[..., 0] > 0.5
    return colours[opaque] / alpha[opaque]


@lru_cache(maxsize=None)
def stands_out(noun, colour, name):
    """Whether most of a thing differs from a background wherever it is put."""
    rows = background(name, 32, 32)[6:27:5].mean(1)
    apart = np.abs(_small(noun, colour)[None] - rows[:, None]).sum(-1)
    return bool(((apart > 75).mean(1) > 0.55).all())
