"""Writes what `tests/judge.rs` compares the judge's drawing with: agreement.png and agreement.json.

    python agreement.py ../../../benches/geneval
"""
import json
import sys
from pathlib import Path

import numpy as np

import data
import png
import scenes
import world

SIZES = [(128, 128), (96, 64), (64, 96), (160, 128)]


def main():
    folder, cases, rows = Path(sys.argv[1]), [], []
    examples = [scenes.sample(index, "agreement") for index in range(200)]
    made = [turn["panels"][-1][1] for example in examples for turn in example["turns"]]
    # One scene for every background, so that every kind of layer is compared.
    for name in world.BACKGROUNDS:
        scene = next(scene for scene in made if scene["background"] == name)
        width, height = SIZES[len(cases) % len(SIZES)]
        kind = ["picture", "picture", "depth", "canny"][len(cases) // 2 % 4]
        drawn = data.panel(kind, scene, width, height)
        cases.append({"kind": kind, "width": width, "height": height, "top": sum(len(r) for r in rows), "scene": scene})
        rows.append(np.pad(drawn, ((0, 0), (0, 160 - width), (0, 0))))
    png.write(folder / "agreement.png", np.concatenate(rows))
    (folder / "agreement.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    print(len(cases), (folder / "agreement.png").stat().st_size)


if __name__ == "__main__":
    main()
