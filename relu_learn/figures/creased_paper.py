"""Lesson 1: a network with two inputs as a folded sheet, and a cut through it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.asking.oracle import Oracle
from relu_learn.core.lines import Level, Line, Noise, Slice, Window
from relu_learn.core.probing import probe_noise
from relu_learn.core.search import search_line
from relu_learn.figures import line as slice_view
from relu_learn.figures import plane as plane_view
from relu_learn.figures.line import SliceView
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView
from relu_learn.figures.run_view import Hypothesis, State, after
from relu_learn.figures.traces import xy
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev

REACH = 3.5  # half width of the sheet
HALF_LINE = 5.0  # |t| up to which a cut is drawn: the sheet's diagonal


def straight_line(degrees: float, offset: float) -> Line:
    """The line in the plane that points at an angle and passes the origin at a distance.

    Parameters
    ----------
    degrees : float
        Angle of its direction v with the x1 axis.
    offset : float
        Signed distance from the origin, to the left of v.
    """
    angle = np.deg2rad(degrees)
    direction = np.array([np.cos(angle), np.sin(angle)])
    return Line(offset * np.array([-direction[1], direction[0]]), direction)


def searched(network: ReluNetwork, line: Line) -> State:
    """What the learner's line search finds on one line of a network with two inputs.

    The search is `core.search.search_line`, the one that the learner runs; it gets answers only.
    The state's hypothesis is the network itself: in this lesson nothing is secret.
    """
    oracle = Oracle(network, network.dim)
    rng = np.random.default_rng(0)

    def ask(t: np.ndarray) -> np.ndarray:
        return oracle(line.at(t)).reshape(len(t), -1)

    # Zero answers say nothing about rounding: assume that outputs are of size 1 somewhere.
    noise = Noise(np.maximum(probe_noise(ask, rng, Window()), np.finfo(float).eps / 4))
    start = Hypothesis(network.dim, 1, base=network)
    state = State(0, None, start, (start,))

    def happened(kind: type[ev.Event], **data: Any) -> State:
        return after(state, kind(queries=oracle.queries, **data))

    ends = (-HALF_LINE, HALF_LINE)
    state = happened(
        ev.LineDrawn, origin=line.origin, direction=line.direction, t_range=np.array(ends)
    )
    for part in _parts(search_line(ask, Window(), noise, rng)):
        if isinstance(part, Level):
            state = happened(
                ev.IntervalProbed, t=part.t, values=part.values, open_intervals=np.empty((0, 2))
            )
        elif isinstance(part, Slice):
            for t, jump in zip(part.kinks, part.jumps, strict=True):
                point = line.at(np.array([t]))[0]
                state = happened(ev.CriticalPointFound, t=float(t), jump=jump, point=point)
    return dataclasses.replace(state, fresh=np.empty(0), event=None)


def _parts(steps: Generator[Level, None, Slice]) -> Iterator[Level | Slice]:
    """The levels of a search, and at the end its slice."""
    found = yield from steps
    yield found


@dataclasses.dataclass(frozen=True)
class PaperView(PlaneView):
    """The sheet from above. What a hand moves on it (line, creases, kinks) is drawn by the page.

    `covered` hides everything but the line.
    """

    reach: float = REACH
    cells: int = 101  # drawn on release only; contours bend more sharply
    covered: bool = False

    label = "Map of the network over its two inputs, with its creases, the line and the kinks on it"

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The sheet in this state."""
        patch = super().patch(state, truth)
        for moves in range(plane_view.TRUE_CREASES, plane_view.NOW + 1):
            patch.traces[moves] |= xy()
        title = f"From above: {_count(state.hypothesis.network.n_neurons, 'neuron')}"
        if self.covered:
            patch.traces[plane_view.MAP]["z"] = self._nothing.astype("f4")
            title = "From above: covered"
        return patch | Patch({}, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class CutView(SliceView):
    """Frame and samples of the cut along the line; the page draws the curve and its kinks.

    Parameters
    ----------
    span : tuple of float
        Values that must fit: of the whole sheet, so that the frame stays while the line moves.
    """

    reach: float = HALF_LINE
    covered: bool = False
    span: tuple[float, float] = (-1.0, 1.0)

    label = "The network along the line: straight pieces that meet in kinks"

    def figure(self) -> go.Figure:
        """The empty cut."""
        figure = super().figure()
        figure.update_layout(showlegend=False)
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The cut in this state."""
        patch = super().patch(state, truth)
        for moves in (slice_view.PIECES, slice_view.HYPOTHESIS, slice_view.KINKS):
            patch.traces[moves] = xy()
        low, high = self.span
        pad = 0.12 * (high - low)
        # Above the highest kink stands its number.
        layout: dict[str, Any] = {"yaxis.range": [low - pad, high + 2 * pad]}
        if self.covered:  # counting is left to the reader
            t = np.array([kink.t for kink in state.kinks])
            far = "◂ " * bool((t < -self.reach).any()) + "▸ " * bool((t > self.reach).any())
            layout["title.text"] = f"Along the line {far and f'({far}more kinks farther out)'}"
        return patch | Patch({}, layout)


def _count(n: int, noun: str) -> str:
    return f"1 {noun}" if n == 1 else f"{n} {noun}s"
