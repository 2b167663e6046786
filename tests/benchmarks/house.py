"""Draw the house: the packages of relu_learn, and who imports whom; count their lines.

    python tests/benchmarks/house.py [--write .github/screenshots/house.svg]

Prints a table of lines. The arrows of the picture are read off the imports, those that go one floor
down (`tests/test_house.py` asserts that none goes up, for every single module).
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

import relu_learn

ROOT = Path(relu_learn.__file__).parent
# What one reads to know the method, in this order.
SPINE = (
    "lines", "search", "gradients", "pieces", "neurons", "paper", "learning", "run",
    "answers", "evidence", "space",
)  # fmt: skip
# Column, row (from below) and width of each room, and what it is for.
ROOMS = {
    "asking": (0, 0, 1, "the door to a black box"),
    "network": (1, 0, 1, "networks, as functions"),
    "telling": (2, 0, 2, "events, claims and results"),
    "core": (0, 1, 4, "the paper, and the practical method for exact answers"),
    "precise": (0, 2, 0.8, "the last digits"),
    "structured": (0.8, 2, 0.8, "fewer queries"),
    "imprecise": (1.6, 2, 0.8, "float32, noisy"),
    "bounded": (2.4, 2, 0.8, "answers only in a box"),
    "diagnosis": (3.2, 2, 0.8, "outside the class"),
    "learn": (0, 3, 4, "puts method, space and watch together"),
    "judging": (0, 4, 1, "loss, matching, plan, bits"),
    "copies": (1, 4, 1, "what a copy is good for"),
    "blackboxes": (2, 4, 1, "models, files, services"),
    "figures": (3, 4, 1, "events as pictures"),
    "serving": (0, 5, 1, "a model as a service"),
    "auditing": (1, 5, 1, "check, extract, report"),
    "widgets": (2, 5, 1, "the lessons' boards"),
    "cli": (3, 5, 1, "the command line"),
}
WIDTH, HEIGHT, GAP = 190, 62, 34


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).glob("*.py")) or [ROOT / f"{room}.py"]


def lines(paths: list[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def imported(room: str) -> set[str]:
    """The other rooms that a room imports from."""
    found = set()
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("relu_learn."):
                found.add(str(node.module).split(".")[1])
    return (found & ROOMS.keys()) - {room}


def box(room: str) -> tuple[float, float, float]:
    """Left, top and width of a room."""
    column, row, span, _ = ROOMS[room]
    top = (5 - row) * (HEIGHT + GAP)
    return round(column * (WIDTH + 12), 2), top, round(span * WIDTH + (span - 1) * 12, 2)


def svg() -> str:
    parts = []
    for room in ROOMS:
        left, top, width = box(room)
        name = f"{room}.py" if (ROOT / f"{room}.py").exists() else f"{room}/"
        x = left + width / 2
        parts.append(
            f'<rect x="{left}" y="{top}" width="{width}" height="{HEIGHT}" rx="6" class="room"/>'
            f'<text x="{x}" y="{top + 25}" class="name">{name}</text>'
            f'<text x="{x}" y="{top + 46}">{ROOMS[room][3]}</text>'
        )
        for other in sorted(imported(room)):
            their_left, their_top, their_width = box(other)
            if (
                their_top == top + HEIGHT + GAP
            ):  # one floor down; stairs through a floor are not drawn
                own, theirs = left + width / 2, their_left + their_width / 2
                if ROOMS[room][2] > ROOMS[other][2]:
                    own = theirs
                elif ROOMS[room][2] < ROOMS[other][2]:
                    theirs = min(max(own, their_left + 20), their_left + their_width - 20)
                ends = f'y1="{top + HEIGHT}" y2="{their_top - 7}"'
                parts.append(f'<line x1="{own}" x2="{theirs}" {ends} class="way"/>')
    style = (
        "text{font:13px sans-serif;text-anchor:middle;fill:#24292f}.name{font-weight:bold}"
        ".room{fill:#eef3f8;stroke:#5b7083}.way{stroke:#5b7083;stroke-width:1.5;marker-end:url(#tip)}"
    )
    tip = (
        '<marker id="tip" markerWidth="8" markerHeight="8" refX="1" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#5b7083"/></marker>'
    )
    width, height = 4 * WIDTH + 36, 6 * HEIGHT + 5 * GAP
    view = f'viewBox="-6 -6 {width + 12} {height + 12}" width="{width}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}><style>{style}</style>'
        f'<rect x="-6" y="-6" width="{width + 12}" height="{height + 12}" fill="#ffffff"/>'
        f"<defs>{tip}</defs>\n{body}\n</svg>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    target = parser.parse_args().write
    for room in ROOMS:
        print(f"{room:<10} {lines(sources(room)):>6,}  imports {', '.join(sorted(imported(room)))}")
    spine = lines([ROOT / "core" / f"{name}.py" for name in SPINE])
    apart = ("figures", "widgets", "data")
    everything = [p for p in ROOT.rglob("*.py") if p.relative_to(ROOT).parts[0] not in apart]
    print(f"the spine {spine:,}; all but figures, widgets and data {lines(everything):,}")
    if target:
        target.write_text(svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
