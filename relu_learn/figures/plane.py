"""The input plane (d = 2): the hypothesis as a map, and what was asked on it."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import THEMES, Theme, nice_step, number
from relu_learn.figures.traces import dots, lines, points, xy
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev

# Trace indices, bottom to top.
MAP, UNCLAIMED, TRUE_CREASES, CREASES, LINE, QUERIES, PROBES, TESTS, KINKS, NOW = range(10)
_MOST_TESTS = 400  # more crosses than this are a grey fog


def crease_segments(
    weights: np.ndarray, biases: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """The lines <w, x> = b cut to the window [-reach, reach]², as one polyline with gaps.

    Parameters
    ----------
    weights : ndarray of shape (k, 2)
    biases : ndarray of shape (k,)
    reach : float

    Returns
    -------
    x, y : ndarray of shape (3 j,)
        Two ends and a NaN for each of the j lines that meet the window.
    """
    norms = np.linalg.norm(weights, axis=1)
    some = norms > 0
    normals = weights[some] / norms[some, None]
    feet = normals * (biases[some] / norms[some])[:, None]
    return _clip(feet, np.stack([-normals[:, 1], normals[:, 0]], axis=1), reach)


def _clip(
    points: np.ndarray, directions: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lines point + s * direction, cut to the window; each (j, 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = (np.array([[[-reach]], [[reach]]]) - points) / directions  # (2, j, 2): s at walls
    # A line parallel to two walls is inside them for all s, or for none.
    parallel = directions == 0
    inside = np.abs(points) <= reach
    low = np.where(parallel, np.where(inside, -np.inf, np.inf), ends.min(axis=0)).max(axis=1)
    high = np.where(parallel, np.where(inside, np.inf, -np.inf), ends.max(axis=0)).min(axis=1)
    hit = low < high
    corners = (
        points[hit, None] + np.stack([low, high], axis=1)[hit, :, None] * directions[hit, None]
    )
    broken = np.concatenate([corners, np.full((len(corners), 1, 2), np.nan)], axis=1)
    return broken[..., 0].ravel(), broken[..., 1].ravel()


def creases_of(network: ReluNetwork, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """The creases of a network within the window: where neurons cancel there is none."""
    net = network.simplify(1e-9)
    jumps = np.atleast_2d(net.output_weights) * np.linalg.norm(net.weights, axis=1)
    strength = np.linalg.norm(jumps, axis=0)
    seen = strength > 1e-9 * strength.max(initial=0.0)
    return crease_segments(net.weights[seen], net.biases[seen], reach)


@dataclasses.dataclass(frozen=True)
class PlaneView:
    """Map of the hypothesis so far (or of the revealed secret), with queries, line and creases.

    Parameters
    ----------
    theme : Theme
    reach : float
        The window is [-reach, reach]² (with 3.5 it holds 99.9 % of Gaussian inputs).
    span : tuple of float, optional
        Values at the two ends of the colour scale. When omitted, what was seen so far.
    output : int
        Which of the m outputs is drawn.
    cells : int
        The map has cells x cells pixels.
    """

    theme: Theme = THEMES["light"]
    reach: float = 3.5
    span: tuple[float, float] | None = None
    output: int = 0
    cells: int = 61

    label = "Map of the input plane: the hypothesis so far, queries, the current line and creases"

    @property
    def axis(self) -> np.ndarray:
        """Centres of the map's pixels, along either axis."""
        return np.linspace(-self.reach, self.reach, self.cells)

    @functools.cached_property
    def _grid(self) -> np.ndarray:
        x, y = np.meshgrid(self.axis, self.axis)
        return np.stack([x.ravel(), y.ravel()], axis=1)

    @property
    def _nothing(self) -> np.ndarray:
        return np.full((self.cells, self.cells), np.nan)

    def values(self, network: ReluNetwork) -> np.ndarray:
        """The network on the map's pixels, (cells, cells), row by row from below."""
        return values_of(network, self._grid, self.output).reshape(self.cells, self.cells)

    def figure(self) -> go.Figure:
        """The empty map, with every trace that a run will need."""
        th = self.theme
        axis, empty = self.axis, self._nothing.astype("f4")
        low, high = self.span or (0.0, 1.0)
        where = "(%{x:.3g}, %{y:.3g})"
        data = [
            go.Contour(
                x=axis,
                y=axis,
                z=empty,
                colorscale=th.colorscale,
                **balanced(low, high),
                autocontour=False,
                contours=_levels(low, high),
                line={"width": 0.6, "color": th.ink, "smoothing": 0},
                # Above it, a large title would run into the legend.
                colorbar={"title": {"text": "F", "side": "right" if th.is_large else "top"}}
                | {"title_font_size": th.font_size}
                | {"thickness": 12, "outlinewidth": 0, "x": 1.01}
                | {"len": 0.25 if th.is_large else 0.45, "y": 0, "yanchor": "bottom"}
                | self.ticks(low, high),
                hovertemplate=f"x = {where}<br>value %{{z:.3g}}<extra></extra>",
                name="map",
            ),
            go.Scatter(
                **xy(), mode="none", fill="toself", fillcolor=th.unknown, hoverinfo="skip"
            ).update(name="not claimed", showlegend=False),
            lines("true crease", th.truth, 1.2, visible=False),
            lines("crease found", th.crease, th.line_width, dash="dash", meta={"motion": "grow"}),
            lines("line", th.line, th.line_width, meta={"motion": "grow"}),
            dots("query", th.marker("query"), f"query {where}"),
            dots("gradient", th.marker("probe"), f"gradient measured at {where}"),
            dots("test", th.marker("test"), f"test {where}"),
            dots("kink", th.marker("crease"), f"kink of the line at {where}"),
            dots("now", th.marker("now"), showlegend=False),
        ]
        frame = {"range": [-self.reach, self.reach], "showgrid": False, "dtick": 1, "ticks": ""}
        frame |= {"showline": True, "mirror": True, "constrain": "domain"}
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=th.height,
            plot_bgcolor=th.unknown,
            title={"text": "Input plane: nothing known so far"},
            legend={"x": 1.01, "y": 1, "yanchor": "top"},
            xaxis={**frame, "title": {"text": "x<sub>1</sub>"}, "constraintoward": "left"},
            yaxis={**frame, "title": {"text": "x<sub>2</sub>"}, "scaleanchor": "x"}
            | {"constraintoward": "top"},
        )
        return figure

    def ticks(self, low: float, high: float) -> dict[str, Any]:
        """As many as large letters leave room for."""
        return _ticks(low, high, 2 if self.theme.is_large else 5)

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """What the map shows in this state; with `truth`, the secret instead of the hypothesis."""
        known = state.hypothesis
        shown = truth if truth is not None else None if known.is_empty else known.network
        title = self._title(state, truth is not None)
        z = self._nothing if shown is None else self.values(shown)
        unclaimed = np.empty((0, 2))
        if truth is None:
            unclaimed = self._unclaimed(state)
            z = np.where(self._claimed(state), z, np.nan)
        low, high = self.span or _span(z, state.values[:, self.output])
        creases = creases_of(known.network, self.reach)
        no = np.empty(0)
        true = (
            (no, no) if truth is None else crease_segments(truth.weights, truth.biases, self.reach)
        )
        line = (
            ()
            if state.line is None
            else _clip(state.line.origin[None], state.line.direction[None], self.reach)
        )
        tests = state.event.points if isinstance(state.event, ev.Validated) else np.empty((0, 2))
        levels = {f"contours.{key}": value for key, value in _levels(low, high).items()}
        levels |= {f"colorbar.{key}": value for key, value in self.ticks(low, high).items()}
        kinks = np.reshape([kink.point for kink in state.kinks], (-1, 2))
        return Patch(
            {
                MAP: {"z": z.astype("f4"), **balanced(low, high), **levels},
                UNCLAIMED: points(unclaimed),
                TRUE_CREASES: {**xy(*true), "visible": truth is not None},
                CREASES: xy(*creases),
                LINE: xy(*line),
                QUERIES: self._crowd(state.queried, "query", 150),
                PROBES: self._crowd(state.probed, "probe", 40),
                TESTS: points(self._inside(tests)[:_MOST_TESTS]),
                KINKS: points(self._inside(kinks)),
                NOW: points(self._inside(_now(state))),
            },
            {"title.text": title, "meta.line": lit(state.line)},
        )

    def _claimed(self, state: State) -> np.ndarray:
        """Which pixels are drawn, (cells, cells): those beside the part of the line that is
        understood, and those on its edge, over which the grey has a straight border."""
        if state.line is None or np.isinf(state.claimed):
            return np.full((self.cells, self.cells), True)
        v = state.line.direction
        t = (self._grid - state.line.origin) @ v / (v @ v)
        edge = 2 * np.ptp(self.axis) / (self.cells - 1) / np.linalg.norm(v)
        return (t < state.claimed + edge).reshape(self.cells, self.cells)

    def _unclaimed(self, state: State) -> np.ndarray:
        """Corners (n, 2) of the part of the window of which the hypothesis says nothing yet."""
        if state.line is None or np.isinf(state.claimed):
            return np.empty((0, 2))
        v, r = state.line.direction, self.reach
        corners = np.array([[-r, -r], [r, -r], [r, r], [-r, r]])
        beyond = ((corners - state.line.origin) @ v / (v @ v) - state.claimed).tolist()
        kept: list[np.ndarray] = []
        for i, a in enumerate(beyond):
            p, q, b = corners[i], corners[(i + 1) % 4], beyond[(i + 1) % 4]
            if a >= 0:
                kept.append(p)
            if a * b < 0:
                kept.append(p + a / (a - b) * (q - p))
        return np.reshape(kept, (-1, 2))

    def _crowd(self, xs: np.ndarray, role: str, many: int) -> dict[str, Any]:
        shown = self._inside(xs)
        return {**points(shown), **self.theme.crowded(role, len(shown), many)}

    def _inside(self, points: np.ndarray) -> np.ndarray:
        return points[np.all(np.abs(points) <= self.reach, axis=1)]

    @staticmethod
    def _title(state: State, revealed: bool) -> str:
        if revealed:
            return "Input plane: <b>the secret F</b>, revealed"
        count = state.hypothesis.n_neurons
        neurons = "1 neuron" if count == 1 else f"{count} neurons"
        if not state.hypothesis.is_empty:
            return f"Input plane: hypothesis F′ so far, {neurons}"
        return f"Input plane: {neurons if count else 'nothing'} known so far"


def values_of(network: ReluNetwork, points: np.ndarray, output: int) -> np.ndarray:
    """One output of a network at points (n, d), as (n,)."""
    values = network(points)
    return np.asarray(values if network.is_scalar else values[:, output])


def values_span(network: ReluNetwork, reach: float = PlaneView.reach) -> tuple[float, float]:
    """Least and largest value of a network (d = 2, one output) in the window; never the same."""
    z = PlaneView(reach=reach).values(network)
    low, high = float(z.min()), float(z.max())
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def _now(state: State) -> np.ndarray:
    """The points (n, 2) that the last event is about."""
    event, line = state.event, state.line
    if isinstance(event, (ev.CriticalPointFound, ev.GradientMeasured)):
        return event.point[None]
    if line is not None and isinstance(event, (ev.IntervalProbed, ev.NeuronFound)):
        t = np.atleast_1d(event.t)
        return np.asarray(line.origin + t[:, None] * line.direction)
    return np.empty((0, 2))


def lit(line: ev.LineDrawn | None) -> list[float]:
    """Origin and direction of a line in the plane, for the page: it lights the point at t."""
    return [] if line is None else [*map(float, (*line.origin, *line.direction))]


def balanced(low: float, high: float) -> dict[str, float]:
    """Ends of the colour scale for values low to high, so that zero has its middle colour."""
    top = max(abs(low), abs(high))
    return {"zmin": -top, "zmax": top}


def _levels(low: float, high: float) -> dict[str, Any]:
    """Contour lines: where they bend, there is a crease.

    plotly colours the bands from `start` to `end`: from -top to top, or zero would not be white.
    """
    step, top = nice_step(high - low, 16), balanced(low, high)["zmax"]
    # Between round values: many secrets have plateaus at round ones, and the contour line of a
    # plateau is rounding noise.
    start = (math.floor(-top / step) + 0.382) * step
    return {"start": start, "end": top, "size": step, "coloring": "fill"}


def _ticks(low: float, high: float, most: int = 5) -> dict[str, Any]:
    step = nice_step(high - low, most)
    values = step * np.arange(math.ceil(low / step), math.floor(high / step) + 1)
    return {"tickvals": values.tolist(), "ticktext": [number(value) for value in values]}


def _span(z: np.ndarray, seen: np.ndarray) -> tuple[float, float]:
    """Ends of the colour scale: what the map and the samples show, and never a single point."""
    values = np.concatenate([z.ravel(), seen if np.isnan(z).all() else _NO_VALUES])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


_NO_VALUES = np.empty(0)
