"""Lesson 2: from a kink to a hyperplane, by way of the gradients on both sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.core.lines import Line
from relu_learn.figures import line as slice_view
from relu_learn.figures import plane as plane_view
from relu_learn.figures.line import SliceView
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import PlaneView, crease_segments
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, labelled, lines, points, xy
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev

_MOST_EDGES = 200  # more interval edges than this would be a grey wall


def arrow_trace(name: str, color: str, theme: Theme) -> go.Scatter:
    """Arrows from one point to the next; fill it with `arrows`."""
    return go.Scatter(
        **xy(),
        mode="lines+markers",
        name=name,
        line={"color": color, "width": theme.line_width},
        marker={
            "symbol": "arrow",
            "angleref": "previous",
            "size": [0],
            "color": color,
            "opacity": 1,
        },
        hoverinfo="skip",
        meta={"motion": "snap"},
    )


def arrows(starts: np.ndarray, ends: np.ndarray, theme: Theme) -> dict[str, Any]:
    """Coordinates for `arrow_trace`: one arrow for every row of starts and ends, (n, 2) each."""
    if not len(starts):
        return xy()
    broken = np.stack([starts, ends, np.full_like(starts, np.nan)], axis=1).reshape(-1, 2)
    # A vector that cannot be seen has no head either: it would point anywhere.
    heads = np.linalg.norm(ends - starts, axis=1) > 1e-3
    sizes = np.outer(heads, [0.0, 2.2 * theme.marker_size, 0.0]).ravel()
    return {**xy(*broken.T), "marker.size": sizes}


def true_to_scale() -> tuple[dict[str, Any], dict[str, Any]]:
    """Axes of a picture of vectors: one unit is as long across as upwards.

    The frame shrinks to fit, not the ranges: those that the page had changed by itself would stay
    when a patch sends only what changed.
    """
    axis = {"zeroline": True, "nticks": 4, "tickangle": 0, "constrain": "domain"}
    return {**axis, "constraintoward": "left"}, {**axis, "scaleanchor": "x"}


def letters_apart(half: float, share: float, theme: Theme) -> float:
    """How far apart two numbers in a picture of vectors must be, in units of its axes.

    `half` is half of its y range; its frame is its height without title, ticks and axis title.
    """
    frame = share * theme.height - 5 * theme.font_size
    return 2 * half * 0.9 * theme.font_size / frame


# ------------------------------------------------------------------ one kink by hand


@dataclasses.dataclass(frozen=True, eq=False)
class Bench:
    """What GetGradient and GetBias returned for an interval [a, b] of a line.

    Attributes
    ----------
    line : Line
    a, b, alpha : float
    gradients : ndarray of shape (2, 2)
        At x(a) and x(b).
    values : ndarray of shape (2,)
    weights : ndarray of shape (2,)
    bias, t : float
        Of GetBias; t is NaN if the two gradients are the same.
    meets : float
        Height at which the two affine pieces meet on the line.
    check : float
        F(x(t)), one more query.
    off : float
        How far F is from the two pieces, at t and halfway to t on both sides: two queries more.
        At t alone F can be right by chance, on a piece that one wrong gradient hides.
    queries : int
    """

    line: Line
    a: float
    b: float
    alpha: float
    gradients: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    bias: float
    t: float
    meets: float
    check: float
    off: float
    queries: int

    @property
    def jumps(self) -> bool:
        """Whether the gradients differ by more than rounding."""
        return bool(np.isfinite(self.t) and np.linalg.norm(np.diff(self.gradients, axis=0)) > 1e-5)

    @property
    def inside(self) -> bool:
        """Whether the pieces meet between a and b."""
        return self.jumps and self.a <= self.t <= self.b

    @property
    def agrees(self) -> bool:
        """Whether the pieces meet in the interval, and F follows both, as with a single kink."""
        return self.inside and self.off < 1e-5 * (1 + abs(self.check))


@dataclasses.dataclass(frozen=True)
class BenchPlane(PlaneView):
    """The plane with the line; interval, gradients and hyperplane are drawn by the page."""

    label = "The plane: interval on the line, gradients at both ends, and the hyperplane they give"

    def draw(self, line: Line, truth: ReluNetwork | None) -> Patch:
        """The line; with `truth`, the secret's map and creases as well."""
        normal = np.array([[-line.direction[1], line.direction[0]]])
        true = () if truth is None else crease_segments(truth.weights, truth.biases, self.reach)
        z = self._nothing if truth is None else self.values(truth)
        return Patch(
            {
                plane_view.MAP: {"z": z.astype("f4")},
                plane_view.TRUE_CREASES: {**xy(*true), "visible": truth is not None},
                plane_view.LINE: xy(*crease_segments(normal, normal @ line.origin, self.reach)),
            },
            {
                "title.text": "The plane" + (", <b>revealed</b>" if truth is not None else ""),
                "meta.line": [*map(float, (*line.origin, *line.direction))],
            },
        )


@dataclasses.dataclass(frozen=True)
class BenchSlice:
    """Frame of the two affine pieces along the line, and the secret once it is revealed.

    Parameters
    ----------
    theme : Theme
    reach : float
    span : tuple of float
        Values that must fit: the frame stays while the ends are dragged.
    """

    theme: Theme = THEMES["light"]
    reach: float = 4.0
    span: tuple[float, float] = (-1.0, 1.0)

    label = "Along the line: the affine pieces at both ends of the interval, and where they meet"

    def figure(self) -> go.Figure:
        """The empty slice."""
        th, (low, high) = self.theme, self.span
        pad = 0.2 * max(high - low, 0.5)
        curve = lines("secret", th.truth, th.line_width, dash="dot", visible=False)
        figure = go.Figure([curve])
        figure.update_layout(
            template=th.template,
            height=round(0.5 * th.height),
            meta={"slice": True},
            showlegend=False,
            title={"text": "Along the line"},
            xaxis={"range": [-self.reach, self.reach], "title": {"text": "t"}},
            yaxis={"range": [low - pad, high + pad], "title": {"text": "F(x(t))"}, "nticks": 5},
        )
        return figure

    def draw(self, line: Line, truth: ReluNetwork | None) -> Patch:
        """The secret, if it is revealed."""
        grid = np.linspace(-self.reach, self.reach, 401)
        curve = xy(grid, truth(line.at(grid))) if truth is not None else xy()
        return Patch({0: {**curve, "visible": truth is not None}})


@dataclasses.dataclass(frozen=True)
class BenchGradients:
    """Frame of the gradients at both ends of the interval.

    Parameters
    ----------
    theme : Theme
    gradients : ndarray of shape (n, 2)
        That must fit.
    """

    theme: Theme
    gradients: np.ndarray

    label = "The gradient plane: the gradients at a and b, and the jump between them"

    def figure(self) -> go.Figure:
        """The frame."""
        low, high = self.gradients.min(axis=0), self.gradients.max(axis=0)
        (x, y), half = (low + high) / 2, 0.75 * max(float((high - low).max()), 1.0)
        across, up = true_to_scale()
        figure = go.Figure(go.Scatter(**xy()))
        figure.update_layout(
            template=self.theme.template,
            height=round(0.5 * self.theme.height),
            meta={"gradients": True},
            showlegend=False,
            title={"text": "Gradients at a and b"},
            xaxis={**across, "title": {"text": "∂F/∂x<sub>1</sub>"}}
            | {"range": [x - 2 * half, x + 2 * half]},
            yaxis={**up, "title": {"text": "∂F/∂x<sub>2</sub>"}, "range": [y - half, y + half]},
        )
        return figure


# ------------------------------------------------------------------ the gradient plane

ORBIT, JUMPS, LABELS, HERE = range(4)


@dataclasses.dataclass(frozen=True)
class GradientView:
    """Gradients as points: each kink moves the gradient by the weights of one neuron."""

    theme: Theme = THEMES["light"]
    share: float = 0.5

    label = "The gradient plane: a point for each gradient measured, an arrow for each jump"

    def figure(self) -> go.Figure:
        """The empty gradient plane."""
        th = self.theme
        label = {"size": th.font_size, "color": th.crease}
        figure = go.Figure(
            [
                dots("gradient", th.marker("probe"), "gradient (%{x:.3g}, %{y:.3g})"),
                arrow_trace("jump a w", th.crease, th),
                go.Scatter(**xy(), mode="text", text=[""], textfont=label, hoverinfo="skip"),
                dots("now", th.marker("now")),
            ]
        )
        x, y = true_to_scale()
        figure.update_layout(
            template=th.template,
            height=round(self.share * th.height),
            showlegend=False,
            title={"text": "Gradients: none measured yet"},
            xaxis={**x, "range": [-2, 2], "title": {"text": "∂F/∂x<sub>1</sub>"}},
            yaxis={**y, "range": [-1, 1], "title": {"text": "∂F/∂x<sub>2</sub>"}},
        )
        return figure

    def draw(self, gradients: np.ndarray, pairs: Sequence[tuple[int, int]], last: int) -> Patch:
        """Points, and an arrow for each pair of them.

        Parameters
        ----------
        gradients : ndarray of shape (n, 2)
        pairs : sequence of (int, int)
            Before and behind each kink, in the order of the kinks.
        last : int
            The newest gradient, -1 when there is none.
        """
        g = gradients.reshape(-1, 2)
        before = g[[i for i, _ in pairs]].reshape(-1, 2)
        behind = g[[j for _, j in pairs]].reshape(-1, 2)
        everything = np.concatenate([g, np.zeros((1, 2))])
        middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
        half = 0.62 * max(float(np.ptp(everything, axis=0).max()), 1.0)
        side = behind - before
        size = np.linalg.norm(side, axis=1, keepdims=True)
        # Beside the arrow, not on it.
        aside = np.stack([-side[:, 1], side[:, 0]], axis=1) / np.where(size > 0, size, 1)
        where = (before + behind) / 2 + 0.26 * half * aside
        names = [str(i + 1) for i in range(len(pairs))]
        count = f"{len(g)} measured" if len(g) else "none measured yet"
        jumps = f", {len(pairs)} jump{'s' * (len(pairs) != 1)}" if len(g) > 1 else ""
        now = g[last][None] if 0 <= last < len(g) else np.empty((0, 2))
        return Patch(
            {
                ORBIT: points(g),
                JUMPS: arrows(before, behind, self.theme),
                LABELS: labelled(where, names, letters_apart(half, self.share, self.theme)),
                HERE: points(now),
            },
            {
                "title.text": f"Gradients: {count}{jumps}",
                "xaxis.range": [middle[0] - 2 * half, middle[0] + 2 * half],
                "yaxis.range": [middle[1] - half, middle[1] + half],
            },
        )


def gradients_of(events: Sequence[ev.Event]) -> tuple[np.ndarray, list[tuple[int, int]], int]:
    """The gradients that a run (d = 2, one output) measured on its present line, and their jumps.

    Returns
    -------
    gradients : ndarray of shape (n, 2)
        In the order of t.
    pairs : list of (int, int)
        For each neuron found, in the order of t: the gradients nearest to its kink.
    last : int
        The newest gradient.
    """
    drawn = [i for i, event in enumerate(events) if isinstance(event, ev.LineDrawn)]
    here = list(events[drawn[-1] :]) if drawn else []
    measured = [e for e in here if isinstance(e, ev.GradientMeasured)]
    order = np.argsort([e.t for e in measured], kind="stable") if measured else np.empty(0, int)
    t = np.array([measured[i].t for i in order])
    g = np.reshape([measured[i].gradient[0] for i in order], (-1, 2))
    kinks = sorted(e.t for e in here if isinstance(e, ev.NeuronFound))
    after = [int(np.searchsorted(t, kink)) for kink in kinks]
    pairs = [(i - 1, i) for i in after if 0 < i < len(t)]
    newest = isinstance(here[-1], ev.GradientMeasured) if here else False
    return g, pairs, int(np.flatnonzero(order == len(measured) - 1)[0]) if newest else -1


# ----------------------------------------------------------------- the whole line


@dataclasses.dataclass(frozen=True)
class NormalsView(PlaneView):
    """The input plane of a run; every neuron found stands on its kink as an arrow a w."""

    label = "Map of the input plane: queries, line, hyperplanes found, and their normal vectors"

    def figure(self) -> go.Figure:
        """The empty plane."""
        figure = super().figure()
        figure.add_trace(arrow_trace("jump a w", self.theme.crease, self.theme))
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The state, with the arrows of its neurons."""
        patch = super().patch(state, truth)
        found = state.hypothesis.neurons
        starts, ends = np.empty((0, 2)), np.empty((0, 2))
        if found and state.line is not None:
            line = Line(state.line.origin, state.line.direction)
            starts = line.at(np.array([n.t for n in found]))
            steps = np.array([n.output_weights[0] * n.weights for n in found])
            longest = float(np.linalg.norm(steps, axis=1).max())
            ends = starts + steps / max(longest, 1.0)
            inside = np.all(np.abs(starts) <= self.reach, axis=1)
            starts, ends = starts[inside], ends[inside]
        return patch | Patch({plane_view.NOW + 1: arrows(starts, ends, self.theme)})


@dataclasses.dataclass(frozen=True)
class IntervalsView(SliceView):
    """The slice of a run, with the edges of the grid's intervals; `r` is 0 without a grid."""

    r: float = 0.0
    tau: float = 4.0

    def figure(self) -> go.Figure:
        """The empty slice."""
        figure = super().figure()
        figure.add_trace(lines("interval", self.theme.faint, 1, yaxis="y2", showlegend=False))
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The state, and the edges."""
        patch = super().patch(state, truth)
        grid = {"xaxis.showgrid": self.r == 0}  # two kinds of vertical lines are one too many
        return patch | Patch({slice_view.NOW + 1: _edges(self.r, self.tau)}, grid)


def _edges(r: float, tau: float) -> dict[str, Any]:
    count = max(1, int(np.ceil(2 * tau / r))) if r > 0 else 0
    if not 0 < count <= _MOST_EDGES:
        return xy()
    edges = np.linspace(-tau, tau, count + 1)
    t = np.stack([edges, edges, np.full_like(edges, np.nan)], axis=1).ravel()
    return {"x": t, "y": np.tile([0.0, 1.0, np.nan], count + 1)}
