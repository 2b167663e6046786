"""Draw a run as a moving picture: the README's SVG, which plays by itself, in eleven seconds.

    python tests/benchmarks/moving_picture.py [--write .github/screenshots/learning.svg]

Everything in it was recorded from one run: every dot is a query, in the order asked; a facet of the
sheet is coloured when the hypothesis is right there, in the colour of its gradient.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path

import numpy as np
from film import Film, number, points
from folded import facets, light

from relu_learn import Oracle, ReluNetwork, gaussian_loss, learn_steps, match_neurons, zoo
from relu_learn.figures.theme import THEMES
from relu_learn.telling import events as ev
from relu_learn.telling.trace import Trace

LOOK = THEMES["light"]
# Of the seeds below 300, one whose line meets all five creases well within the window.
SECRET, SEED = "paper_plane", 185
REACH = 3.5  # the window of the plane is [-REACH, REACH]²
# A smaller loss is rounding: its digits belong to a machine, and only a bound is shown. (With five
# BLAS kernels it was up to 9e-17 with the last neuron, and 5e-32 after the fit at the end.)
BOUNDS = {ev.NeuronFound: (1e-10, "10⁻¹⁰"), ev.Finished: (1e-25, "10⁻²⁵")}

# When what happens, in seconds.
DRAWN, ASKED, KINKS, SOLVED, TESTED, REVEALED, END = 0.3, 0.8, 2.7, 4.3, 6.6, 8.2, 11.0
GROWING = 0.9  # a crease

# Where it is, in the picture's units: the plane, the slice, and what is written.
WIDTH, HEIGHT = 800, 480
PLANE = (20, 58, 404)  # left, top, side
SLICE = (452, 84, 328, 178)  # left, top, width, height
COLUMN = SLICE[0] + 174  # the second column below the slice


@dataclasses.dataclass(frozen=True)
class Run:
    """What was recorded."""

    secret: ReluNetwork
    trace: Trace
    asked: np.ndarray  # (n, 2), in order

    def of(self, kind: type) -> list:
        """The events of one kind."""
        return [event for event in self.trace if isinstance(event, kind)]

    @property
    def found(self) -> int:
        """Queries until the last neuron was found."""
        return self.of(ev.NeuronFound)[-1].queries

    def moment(self, queries: int) -> float:
        """When in the picture that many queries have been asked."""
        searched = self.of(ev.CriticalPointFound)[0].queries
        spent = [0, 1, searched, searched + 1, self.found, self.found + 1, self.trace[-1].queries]
        gradients = (SOLVED, TESTED - GROWING)
        times = [DRAWN, ASKED, KINKS - 0.2, *gradients, TESTED, REVEALED - 0.3]
        return float(np.interp(queries, spent, times))


def record(name: str = SECRET, seed: int = SEED) -> Run:
    secret = zoo.get(name)
    oracle = Oracle(secret, dim=2)
    trace = Trace(learn_steps(oracle, dim=2, rng=seed))
    return Run(secret, trace, oracle.history()[0])


# ------------------------------------------------------------------ the folded sheet


def learned_after(run: Run, facet: np.ndarray) -> int:
    """How many neurons the hypothesis needs to be right on a facet.

    It starts as the affine piece at the line's beginning: it lacks what bends between.
    """
    start, centre = run.of(ev.GradientMeasured)[0].point, facet.mean(axis=0)
    between = [
        (n.weights @ start > n.bias) != (n.weights @ centre > n.bias)
        for n in run.of(ev.NeuronFound)
    ]
    return max((i + 1 for i, lacking in enumerate(between) if lacking), default=0)


def _place(x: np.ndarray) -> np.ndarray:
    side = PLANE[2]
    return np.stack([x[..., 0] + REACH, REACH - x[..., 1]], axis=-1) * side / (2 * REACH)


def _crease(weights: np.ndarray, at: np.ndarray) -> list[list[np.ndarray]]:
    """The two halves of a crease, from a point of it out of the window."""
    along = 3 * REACH * np.array([-weights[1], weights[0]]) / math.hypot(*weights)
    return [[_place(at), _place(at + sign * along)] for sign in (1, -1)]


def sheet(run: Run, film: Film) -> list[str]:
    """The facets and the creases that were found."""
    neurons = run.of(ev.NeuronFound)
    times = [run.moment(run.of(ev.ResidualFitted)[0].queries)]
    times += [run.moment(n.queries) + 0.15 for n in neurons]
    last = [i for i, e in enumerate(run.trace) if isinstance(e, ev.NeuronFound)][-1]
    network = run.trace.network_at(last)
    parts = []
    weights = np.array([n.weights for n in neurons])
    for facet in facets(weights, np.array([n.bias for n in neurons]), REACH):
        color = light(network.gradient(facet.mean(axis=0)))
        when = film.come(times[learned_after(run, facet)], 0.7)
        drawn = f'points="{points(_place(facet))}" fill="{color}" stroke="{color}"'
        parts.append(f'<polygon class="{when}" {drawn}/>')
    line = run.of(ev.LineDrawn)[0]
    for neuron, at in zip(neurons, times[1:], strict=True):
        kink = line.origin + neuron.t * line.direction
        for half in _crease(neuron.weights, kink):
            when = film.grow(at - 0.1, GROWING)
            parts.append(f'<path class="crease {when}" pathLength="1" d="M{points(half)}"/>')
    return parts


def reveal(run: Run, film: Film) -> str:
    """The secret's creases, dashed, on those that were found."""
    net = run.secret.simplify()
    halves = [
        half
        for w, b in zip(net.weights, net.biases, strict=True)
        for half in _crease(w, w * b / (w @ w))
    ]
    path = "".join(f"M{points(half)}" for half in halves)
    return f'<path class="truth {film.come(REVEALED, 0.6)}" d="{path}"/>'


# ------------------------------------------------------------- what is asked on it


def _diamond(x: float, y: float, size: float = 7.0) -> str:
    return points([(x, y - size), (x + size, y), (x, y + size), (x - size, y)])


def _triangle(x: float, y: float) -> str:
    return points([(x, y - 7), (x + 7, y + 5), (x - 7, y + 5)])


def _kink(place: np.ndarray, at: float, film: Film) -> str:
    x, y = number(place[0]), number(place[1])
    ring = f'<circle class="ring {film.flash(at)}" cx="{x}" cy="{y}" r="10"/>'
    return f'{ring}<polygon class="kink {film.come(at, 0.1)}" points="{_diamond(*place)}"/>'


def _kink_times(run: Run) -> list[float]:
    return list(np.linspace(KINKS, SOLVED - 0.4, len(run.of(ev.CriticalPointFound))))


def _dots(places: np.ndarray) -> str:
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in places)


def queries(run: Run, film: Film) -> list[str]:
    """Every query on the plane: those of the search one by one, those of the test by and by."""
    line = run.of(ev.LineDrawn)[0]
    ends = [line.origin + t * line.direction for t in window(run)]
    when = film.grow(DRAWN, 0.8)
    parts = [f'<path class="line {when}" pathLength="1" d="M{points(_place(np.array(ends)))}"/>']
    seen = (np.abs(run.asked) <= REACH).all(axis=1)
    tests = np.arange(len(run.asked)) >= run.found
    for batch in np.array_split(np.flatnonzero(seen & tests), 12):
        when = film.come(run.moment(int(batch[0]) + 1), 0.2)
        parts.append(f'<path class="test {when}" d="{_dots(_place(run.asked[batch]))}"/>')
    for i in np.flatnonzero(seen & ~tests):
        when = film.come(run.moment(int(i) + 1), 0.1)
        parts.append(f'<path class="query {when}" d="{_dots(_place(run.asked[[i]]))}"/>')
    for measured in run.of(ev.GradientMeasured):
        when = film.come(run.moment(measured.queries), 0.1)
        corners = _triangle(*_place(measured.point))
        parts.append(f'<polygon class="probe {when}" points="{corners}"/>')
    kinks = run.of(ev.CriticalPointFound)
    for kink, at in zip(kinks, _kink_times(run), strict=True):
        parts.append(_kink(_place(kink.point), at, film))
    return parts


def window(run: Run) -> tuple[float, float]:
    """Where the line enters and leaves the plane's window."""
    line = run.of(ev.LineDrawn)[0]
    walls = (np.array([[-REACH], [REACH]]) - line.origin) / line.direction
    return float(walls.min(axis=0).max()), float(walls.max(axis=0).min())


def slice_(run: Run, film: Film) -> list[str]:
    """F along the line: the same queries by their answers, kinks, and the pieces between."""
    low, high = window(run)
    kinks = run.of(ev.CriticalPointFound)
    line = run.of(ev.LineDrawn)[0]
    network = run.trace[-1].network
    width, height = SLICE[2:]

    def heights(t: np.ndarray) -> np.ndarray:
        return network(line.origin + np.atleast_1d(t)[:, None] * line.direction)

    corners = np.array([low, *sorted(k.t for k in kinks if low < k.t < high), high])
    values = heights(corners)
    bottom, top = values.min(), values.max()

    def place(t: np.ndarray, value: np.ndarray) -> np.ndarray:
        up = (value - bottom) / (top - bottom)
        across = (t - low) / (high - low)
        return np.stack([across * width, 16 + (1 - up) * (height - 32)], axis=-1)

    measured = [(run.moment(g.queries), g.t) for g in run.of(ev.GradientMeasured)]
    parts = []
    for i, ends in enumerate(zip(corners, corners[1:], strict=False)):
        times = [at for at, t in measured if np.searchsorted(corners[1:-1], t) == i]
        when = film.grow(min(times, default=SOLVED), 0.4)
        d = points(place(np.array(ends), values[i : i + 2]))
        parts.append(f'<path class="line {when}" pathLength="1" d="M{d}"/>')
    for probed in run.of(ev.IntervalProbed):
        first = probed.queries - len(probed.t) + 1
        for i, (t, value) in enumerate(zip(probed.t, probed.values[:, 0], strict=True)):
            if low < t < high:
                when = film.come(run.moment(first + i), 0.1)
                parts.append(f'<path class="query {when}" d="{_dots(place(t, value)[None])}"/>')
    for kink, at in zip(kinks, _kink_times(run), strict=True):
        parts.append(_kink(place(kink.t, heights(kink.t)[0]), at, film))
    return parts


# ------------------------------------------------------------------ what is written


def spent(run: Run) -> list[tuple[float, str]]:
    """The counter of queries: one by one while it learns, by and by while it tests."""
    total = run.trace[-1].queries
    by_and_by = np.linspace(run.found + 1, total, 30).round().astype(int).tolist()
    counts = [*range(run.found + 1), *by_and_by]
    return [(run.moment(n), f"{n:,}") for n in counts]


def losses(run: Run) -> list[tuple[float, str]]:
    """E (F - F')² for Gaussian inputs, whenever the hypothesis has changed."""
    shown = [(0.0, "–")]
    for i, event in enumerate(run.trace):
        if isinstance(event, (ev.ResidualFitted, *BOUNDS)):
            loss = gaussian_loss(run.secret, run.trace.network_at(i))
            bound, text = BOUNDS.get(type(event), (0.0, ""))
            text = f"&lt; {text}" if loss < bound else f"{loss:.2g}"
            shown.append((run.moment(event.queries) + 0.3, text))
    return shown


def sentences(run: Run) -> list[tuple[float, str]]:
    """What is told, and from when on; the last one stays."""
    total = run.trace[-1].queries
    matched = len(match_neurons(run.trace[-1].network, run.secret).pairs)
    return [
        (DRAWN, "A secret network is asked for its values along a random line."),
        (KINKS - 0.1, "Where the slope jumps, the line crosses a crease."),
        (SOLVED, "The jump of the gradient tells which way the crease runs."),
        (TESTED, f"The copy is tested on {total - run.found} fresh points."),
        (
            REVEALED,
            f"All {matched} neurons from {total} queries: {run.found} to find them, "
            f"{total - run.found} to be sure.",
        ),
    ]


def words(run: Run, film: Film) -> list[str]:
    told = sentences(run)
    ends = [at for at, _ in told[1:]]
    parts = []
    for (at, text), until in zip(told[:-1], ends, strict=True):
        parts.append(f'<text class="told past {film.go(at, until)}" x="20" y="37">{text}</text>')
    at, text = told[-1]
    parts.append(f'<text class="told {film.come(at, 0.4)}" x="20" y="37">{text}</text>')
    left, right = SLICE[0], COLUMN
    parts += [
        f'<text x="{left}" y="76">F along the line</text>',
        f'<text x="{left}" y="304">queries</text>',
        f'<text x="{right}" y="304">loss E(F − F′)²</text>',
        f'<svg class="count" x="{left}" y="308" width="160" height="56">'
        f"{film.count(spent(run), 56)}</svg>",
        f'<svg class="count" x="{right}" y="308" width="170" height="56">'
        f"{film.count(losses(run), 56)}</svg>",
        legend(film),
    ]
    return parts


def legend(film: Film) -> str:
    """What is what, in two columns; the secret's creases when they are revealed."""
    left, right, first, row = SLICE[0], COLUMN, 400, 26

    def entry(name: str, x: float, i: int, *signs: str) -> str:
        return f'{"".join(signs)}<text x="{number(x)}" y="{first + i * row + 5}">{name}</text>'

    x, y = left + 10, [first + i * row for i in range(3)]
    found = f'<path class="crease" d="M{number(right)} {y[0]}h28"/>'
    under = f'<path class="crease" d="M{number(right)} {y[1]}h28"/>'
    dashes = f'<path class="truth" d="M{number(right)} {y[1]}h28"/>'
    entries = [
        entry("query", x + 16, 0, f'<path class="query" d="M{x} {y[0]}h0"/>'),
        entry("kink", x + 16, 1, f'<polygon class="kink" points="{_diamond(x, y[1])}"/>'),
        entry("gradient", x + 16, 2, f'<polygon class="probe" points="{_triangle(x, y[2])}"/>'),
        entry("crease found", right + 38, 0, found),
        f'<g class="{film.come(REVEALED, 0.6)}">',
        entry("secret’s crease", right + 38, 1, under, dashes),
        "</g>",
    ]
    return "".join(entries)


STYLE = f"""
text{{font:16px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#57606a}}
.told{{font-size:20px;font-weight:600;fill:{LOOK.ink}}}
.count text{{font-size:36px;font-weight:600;fill:{LOOK.ink};font-variant-numeric:tabular-nums}}
.past,.ring,.ask{{opacity:0}}
.ask{{font-size:150px;font-weight:600;text-anchor:middle;fill:#dcdcdc}}
.sheet{{fill:{LOOK.unknown}}}
.slice{{fill:#fff;stroke:#d0d7de}}
path{{fill:none}}
.crease{{stroke:{LOOK.crease};stroke-width:4}}
.truth{{stroke:#fff;stroke-width:1.5;stroke-dasharray:8 7}}
.line{{stroke:{LOOK.line};stroke-width:2.5}}
.query,.test{{stroke:{LOOK.query};stroke-width:6.5;stroke-linecap:round}}
.test{{stroke-width:2.6;stroke-opacity:.45}}
.probe{{fill:{LOOK.probe};stroke:#fff}}
.kink{{fill:{LOOK.crease};stroke:#fff;stroke-width:1.5}}
.ring{{fill:none;stroke:{LOOK.line};stroke-width:2;transform-box:fill-box;transform-origin:center}}
"""


def svg(run: Run) -> str:
    film = Film(END)
    left, top, side = PLANE
    plane = [*sheet(run, film), reveal(run, film), *queries(run, film)]
    x, y, width, height = SLICE
    body = [
        f'<g class="{film.whole()}">',
        f'<rect class="sheet" x="{left}" y="{top}" width="{side}" height="{side}"/>',
        f'<svg x="{left}" y="{top}" width="{side}" height="{side}">',
        f'<text class="ask {film.go(0, SOLVED + 0.2)}" x="{side / 2}" y="{0.84 * side}">?</text>',
        *plane,
        "</svg>",
        f'<rect class="slice" x="{x}" y="{y}" width="{width}" height="{height}"/>',
        f'<svg x="{x}" y="{y}" width="{width}" height="{height}">',
        *slice_(run, film),
        "</svg>",
        *words(run, film),
        "</g>",
    ]
    view = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
    card = f'width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12" fill="{LOOK.paper}" stroke="#d0d7de"'
    told = " ".join(text for _, text in sentences(run))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {view}><title>{told}</title>',
            f"<style>{STYLE}{film.style()}</style>",
            f'<rect x=".5" y=".5" {card}/>',
            *body,
            "</svg>\n",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path)
    target = parser.parse_args().write
    run = record()
    for at, text in sentences(run):
        print(f"{at:4.1f} s  {text}")
    if target:
        target.write_text(svg(run), encoding="utf-8")


if __name__ == "__main__":
    main()
