"""Lesson 1: a network with two inputs as a folded sheet, and a cut through it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.core import events as ev
from relu_learn.core.hearing import probe_noise
from relu_learn.core.lines import Level, Line, Noise, Slice, Window
from relu_learn.core.network import ReluNetwork
from relu_learn.core.oracle import Oracle
from relu_learn.core.search import levels, search_line
from relu_learn.figures import line as slice_view
from relu_learn.figures import plane as plane_view
from relu_learn.figures.line import SliceView, kink_heights
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView, crease_segments, creases_of
from relu_learn.figures.run_view import Hypothesis, State, after
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import labelled, xy

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


def angle_and_offset(ends: np.ndarray) -> tuple[float, float]:
    """Angle (degrees, 0 to 180) and offset of the line through two points, the rows of (2, 2)."""
    x, y = ends[1] - ends[0]
    degrees = float(np.rad2deg(np.arctan2(y, x)) % 180.0)
    direction = straight_line(degrees, 0.0).direction
    return degrees, float(ends[0] @ np.array([-direction[1], direction[0]]))


def searched(network: ReluNetwork, line: Line) -> State:
    """What the learner's line search finds on one line of a network with two inputs.

    The search is `core.lines.search_line`, the one that the learner runs; it gets answers only.
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
    for part in levels(search_line(ask, Window(), noise, rng)):
        if isinstance(part, Level):
            state = happened(
                ev.IntervalProbed, t=part.t, values=part.values, open_intervals=np.empty((0, 2))
            )
        elif isinstance(part, Slice):
            for t, jump in zip(part.kinks, part.jumps, strict=True):
                point = line.at(np.array([t]))[0]
                state = happened(ev.CriticalPointFound, t=float(t), jump=jump, point=point)
    return dataclasses.replace(state, fresh=np.empty(0), event=None)


def numbers(count: int) -> list[str]:
    """Labels of the kinks in the order of t, the same in every view."""
    return [str(i + 1) for i in range(count)]


def _labels(theme: Theme) -> dict[str, Any]:
    return {
        "mode": "markers+text",  # unseen markers keep the text away from those below
        "marker": {"size": 2.2 * theme.marker_size, "opacity": 0},
        "textposition": "top center",
        "textfont": {"size": theme.font_size + 1, "color": theme.crease},
        "hoverinfo": "skip",
        "showlegend": False,
    }


@dataclasses.dataclass(frozen=True)
class PaperView(PlaneView):
    """The sheet from above, with creases, the cut (a shape that can be dragged) and its kinks.

    `covered` hides everything but the line.
    """

    reach: float = REACH
    covered: bool = False

    label = "Map of the network over its two inputs, with its creases, the line and the kinks on it"

    def figure(self) -> go.Figure:
        """The empty sheet."""
        figure = super().figure()
        figure.data[plane_view.CREASES].name = "crease"
        for hidden in (plane_view.QUERIES, plane_view.PROBES, plane_view.TESTS):
            figure.data[hidden].showlegend = False
        figure.data[plane_view.LINE].update(line={"width": 1}, showlegend=False)
        figure.add_trace(go.Scatter(**xy(), text=[""], **_labels(self.theme)))
        th = self.theme
        figure.add_shape(
            type="line", x0=-1, y0=0, x1=1, y1=0, line={"color": th.line, "width": th.line_width}
        )
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The sheet and the cut in this state."""
        patch = super().patch(state, truth)
        network, line = state.hypothesis.network, state.line
        assert line is not None
        for hidden in (plane_view.QUERIES, plane_view.PROBES):
            patch.traces[hidden] |= xy()
        segment = patch.traces[plane_view.LINE]
        inside = segment["x"][0] is not None
        ends = np.transpose([segment["x"], segment["y"]])[:2] if inside else np.zeros((2, 2))
        kinks = sorted(state.kinks, key=lambda kink: kink.t)
        points = np.reshape([kink.point for kink in kinks], (-1, 2))
        seen = np.all(np.abs(points) <= self.reach, axis=1)
        names = np.array(numbers(len(kinks)), dtype=object)[seen].tolist()
        layout: dict[str, Any] = {
            f"shapes[0].{key}": float(value)
            for key, value in zip(("x0", "y0", "x1", "y1"), ends.ravel(), strict=True)
        }
        layout["title.text"] = f"From above: {_count(network.n_neurons, 'neuron')}"
        letter = 3 * self.reach * self.theme.font_size / (0.75 * self.theme.height)
        own = {plane_view.NOW + 1: labelled(points[seen], names, letter)}
        if self.covered:
            patch.traces[plane_view.MAP]["z"] = self._nothing.astype("f4")
            patch.traces[plane_view.CREASES] = xy()
            own = {plane_view.NOW + 1: xy()}
            layout["title.text"] = "From above: covered"
        return patch | Patch(own, layout)


@dataclasses.dataclass(frozen=True)
class CutView(SliceView):
    """The cut: the network along the line, with numbered kinks."""

    reach: float = HALF_LINE
    covered: bool = False

    label = "The network along the line: straight pieces that meet in kinks"

    def figure(self) -> go.Figure:
        """The empty cut."""
        figure = super().figure()
        figure.data[slice_view.PIECES].name = "F on the line"
        figure.add_trace(go.Scatter(**xy(), text=[""], **_labels(self.theme)))
        figure.update_layout(showlegend=False)
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The cut in this state."""
        patch = super().patch(state, truth)
        patch.traces[slice_view.HYPOTHESIS] = xy()
        t = np.sort([kink.t for kink in state.kinks])
        low, high = patch.layout["xaxis.range"]
        seen = (t >= low) & (t <= high)
        heights = kink_heights(state, self.output)
        names = np.array(numbers(len(t)), dtype=object)[seen].tolist()
        own: dict[int, dict[str, Any]] = {
            slice_view.NOW + 1: {**xy(t[seen], heights[seen]), "text": names or [""]}
        }
        assert state.line is not None
        corners = np.concatenate([[low, high], t[seen]])[:, None]  # where the extremes are
        y = state.hypothesis.network(state.line.origin + corners * state.line.direction)
        pad = 0.1 * max(float(np.ptp(y)), 0.1)
        top = 3 * pad * (self.theme.font_size / THEMES["light"].font_size) ** 2  # their numbers
        room: dict[str, Any] = {"yaxis.range": [float(y.min()) - pad, float(y.max()) + top]}
        if self.covered:  # counting is left to the reader
            far = "◂ " * bool((t < low).any()) + "▸ " * bool((t > high).any())
            room["title.text"] = f"Along the line {far and f'({far}more kinks farther out)'}"
            own[slice_view.NOW + 1] = xy()
        return patch | Patch(own, room)


SHEET, FOLDS, CUT, DOTS = range(4)  # trace indices of the surface


@dataclasses.dataclass(frozen=True)
class SurfaceView:
    """The sheet in space, with its folds and the cut lying on it.

    Parameters
    ----------
    theme : Theme
    turn : float
        Where the spectator stands, in degrees.
    covered : bool
    cells : int
        The sheet has cells x cells corners.
    """

    theme: Theme = THEMES["light"]
    turn: float = 35.0
    covered: bool = False
    cells: int = 61

    label = "The network as a folded sheet in space, with the line drawn on it"

    @property
    def axis(self) -> np.ndarray:
        """Coordinates of the corners along either axis."""
        return np.linspace(-REACH, REACH, self.cells)

    @functools.cached_property
    def _grid(self) -> np.ndarray:
        x, y = np.meshgrid(self.axis, self.axis)
        return np.stack([x.ravel(), y.ravel()], axis=1)

    def figure(self) -> go.Figure:
        """The empty room."""
        th = self.theme
        none = {**xy(), "z": [None]}
        data = [
            # A mesh, not a surface: plotly refines a surface to 256 x 256 points on every update.
            go.Mesh3d(
                x=self._grid[:, 0].astype("f4"),
                y=self._grid[:, 1].astype("f4"),
                **_heights(np.zeros(self.cells**2)),
                **self._triangles(),
                colorscale=th.colorscale,
                showscale=False,
                lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05},
                hoverinfo="skip",
            ),
            go.Scatter3d(**none, mode="lines", line={"color": th.crease, "width": 5}),
            go.Scatter3d(**none, mode="lines", line={"color": th.line, "width": 9}),
            go.Scatter3d(
                **none,
                mode="markers",
                marker={"color": th.crease, "size": 0.9 * th.marker_size, "symbol": "diamond"},
            ),
        ]
        axis = {"color": th.ink, "gridcolor": th.faint, "showbackground": False}
        axis |= {"showticklabels": False}
        figure = go.Figure(data)
        figure.update_traces(hoverinfo="skip", selector={"type": "scatter3d"})
        figure.update_layout(
            template=th.template,
            height=round(0.52 * th.height),
            showlegend=False,
            title={"text": "In space"},
            margin={"l": 0, "r": 0, "b": 0},
            scene={
                "dragmode": "turntable",
                "aspectmode": "manual",
                "aspectratio": {"x": 1.25, "y": 1.25, "z": 0.62},
                "xaxis": axis | {"title": {"text": "x<sub>1</sub>"}},
                "yaxis": axis | {"title": {"text": "x<sub>2</sub>"}},
                "zaxis": axis | {"title": {"text": "F"}},
                "camera": {"eye": self._eye(), "center": {"x": 0, "y": 0, "z": -0.28}},
            },
        )
        return figure

    def _triangles(self) -> dict[str, np.ndarray]:
        """Two triangles for each cell, as indices of corners."""
        corner = np.arange(self.cells**2, dtype="u4").reshape(self.cells, self.cells)
        a, b, c, d = (corner[i : i - 1 or None, j : j - 1 or None].ravel() for i, j in _SQUARE)
        i, j, k = (np.concatenate(pair) for pair in ((a, b), (b, d), (c, c)))
        return {"i": i, "j": j, "k": k}

    def _eye(self) -> dict[str, float]:
        angle = np.deg2rad(self.turn - 90)
        return {"x": 1.6 * float(np.cos(angle)), "y": 1.6 * float(np.sin(angle)), "z": 0.88}

    def patch(self, state: State) -> Patch:
        """The sheet, its folds and the cut in this state."""
        network, line = state.hypothesis.network, state.line
        assert line is not None
        z = network(self._grid)
        lift = 0.012 * max(float(np.ptp(z)), 1e-9)  # or the sheet would swallow what lies on it
        folds = _subdivided(*creases_of(network, REACH))
        normal = np.array([[-line.direction[1], line.direction[0]]])
        cut = _subdivided(*crease_segments(normal, normal @ line.origin, REACH))
        dots = np.reshape([kink.point for kink in state.kinks], (-1, 2))
        dots = dots[np.all(np.abs(dots) <= REACH, axis=1)]
        if self.covered:
            folds = dots = np.empty((0, 2))
            cut = cut[:0]
        sheet = {**_heights(z), "visible": not self.covered}
        on = {i: _on(network, p, lift) for i, p in ((FOLDS, folds), (CUT, cut), (DOTS, dots))}
        eye = {f"scene.camera.eye.{axis}": value for axis, value in self._eye().items()}
        title = "In space: covered" if self.covered else "In space: flat pieces, straight folds"
        return Patch({SHEET: sheet, **on}, {"title.text": title, **eye})


_SQUARE = ((0, 0), (0, 1), (1, 0), (1, 1))


def _heights(z: np.ndarray) -> dict[str, np.ndarray]:
    """Heights of the sheet's corners, which are also its colours."""
    return {"z": z.astype("f4"), "intensity": z.astype("f4")}


def _subdivided(x: np.ndarray, y: np.ndarray, parts: int = 24) -> np.ndarray:
    """Segments with gaps (x, y of shape (3 j,)) as points (n, 2) close enough to follow folds."""
    corners = np.stack([x, y], axis=1).reshape(-1, 3, 2)
    weight = np.linspace(0, 1, parts + 1)[:, None]
    dense = corners[:, None, 0] * (1 - weight) + corners[:, None, 1] * weight
    return np.concatenate([dense, corners[:, 2:]], axis=1).reshape(-1, 2)


def _on(network: ReluNetwork, points: np.ndarray, lift: float) -> dict[str, Any]:
    """Points of the plane, laid on the sheet."""
    if not len(points):
        return {**xy(), "z": [None]}
    gaps = np.isnan(points).any(axis=1)
    z = np.where(gaps, np.nan, network(np.where(gaps[:, None], 0.0, points)) + lift)
    return {"x": points[:, 0], "y": points[:, 1], "z": z}


def _count(n: int, noun: str) -> str:
    return f"1 {noun}" if n == 1 else f"{n} {noun}s"
