"""Loss on unseen scenes against tokens seen, of one run or several, as an SVG.

    python plot.py loss.svg small=../../../target/starter-small medium=../../../target/starter-medium
    python plot.py loss.svg small=../../../target/starter-small --of 192x192

A point is one measurement of the running means on scenes that were never trained on ("unseen" in
log.jsonl, or those of a size or task alone). A dashed line marks where a stage begins: each may have
scenes of its own. The loss has a logarithmic scale.
"""
import argparse
import json
import math
from pathlib import Path

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 24, 56
INKS = ["#2563eb", "#d9480f", "#2b8a3e", "#862e9c"]
AXIS, FAINT = "#666666", "#d0d0d0"


def points(folder, of):
    """(stage, millions of tokens, loss) of every measurement, in order."""
    key = f"unseen {of}" if of else "unseen"
    found = []
    for line in (Path(folder) / "log.jsonl").read_text().splitlines():
        facts = json.loads(line)
        if facts.get("phase") == "decoder" and key in facts:
            found.append((facts["stage"], facts["tokens"] / 1e6, facts[key]))
    if not found:
        raise SystemExit(f"{folder}: its log has no measurement of a decoder yet ({key})")
    return found


def ticks(least, most, count=6):
    """Round numbers within a range."""
    rough = (most - least) / count
    unit = 10 ** math.floor(math.log10(rough))
    step = min((m * unit for m in (1, 2, 5, 10)), key=lambda s: abs(s - rough))
    return [step * n for n in range(math.ceil(least / step), math.floor(most / step) + 1)]


def steps(least, most):
    """Round numbers within a range of a logarithmic scale, as far apart as they can be read."""
    found = []
    for exponent in range(-3, 2):
        for unit in (1, 1.5, 2, 3, 5, 7):
            value = unit * 10**exponent
            if least <= value <= most and (not found or value / found[-1] > (most / least) ** 0.06):
                found.append(value)
    return found


def drawn(runs, of_what):
    most = max(x for _, of in runs for _, x, _ in of)
    low, high = (pick(y for _, of in runs for _, _, y in of) for pick in (min, max))
    margin = max(high / low, 1.1) ** 0.05
    low, high = low / margin, high * margin
    across = lambda x: LEFT + x / most * (WIDTH - LEFT - RIGHT)
    down = lambda y: TOP + math.log(high / y) / math.log(high / low) * (HEIGHT - TOP - BOTTOM)
    text = lambda x, y, what, more="": f'<text x="{x:.1f}" y="{y:.1f}" {more}>{what}</text>'
    line = lambda x, y, to_x, to_y, ink, more="": (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{ink}" {more}/>'
    )
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" fill="{AXIS}">']
    out.append('<rect width="100%" height="100%" fill="white"/>')
    for y in steps(low, high):
        out += [line(LEFT, down(y), right, down(y), FAINT), text(LEFT - 8, down(y) + 4, f"{y:.4g}", 'text-anchor="end"')]
    for x in ticks(0, most):
        out += [line(across(x), bottom, across(x), bottom + 5, AXIS), text(across(x), bottom + 20, f"{x:.4g}", 'text-anchor="middle"')]
    out.append(line(LEFT, bottom, right, bottom, AXIS))
    out.append(text((LEFT + right) / 2, HEIGHT - 14, "million tokens seen", 'text-anchor="middle"'))
    out.append(text(LEFT, TOP - 8, f"loss a code on unseen scenes{of_what and f' ({of_what})'}, in nats"))
    for number, (name, of) in enumerate(runs):
        ink = INKS[number % len(INKS)]
        for stage in sorted({s for s, _, _ in of}):
            mine = [(x, y) for s, x, y in of if s == stage]
            if stage > 0:
                out.append(line(across(mine[0][0]), TOP, across(mine[0][0]), bottom, ink, 'stroke-dasharray="3 4" opacity="0.5"'))
            path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in mine)
            out.append(f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"/>')
            out += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="2.5" fill="{ink}"/>' for x, y in mine]
        out.append(text(right - 8, TOP + 16 + 18 * number, f"{name}, ends at {of[-1][2]:.3f}", f'text-anchor="end" style="fill:{ink}"'))
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("target")
    parser.add_argument("runs", nargs="+", help="NAME=FOLDER")
    parser.add_argument("--of", default="", help="a size or a task alone")
    args = parser.parse_args()
    runs = [(name, points(folder, args.of)) for name, folder in (one.split("=", 1) for one in args.runs)]
    Path(args.target).write_text(drawn(runs, args.of))


if __name__ == "__main__":
    main()
