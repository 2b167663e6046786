"""Lesson 8: what the lemmas of the proof say, as pictures of drawn lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.dimensions import GrowthView
from relu_learn.figures.hyperplanes import true_to_scale
from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import crease_segments
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, lines, xy


def polyline(starts: np.ndarray, ends: np.ndarray) -> dict[str, Any]:
    """Segments (n, 2) to (n, 2) as one polyline with gaps, for a patch."""
    gap = np.full_like(starts, np.nan)
    path = np.stack([starts, ends, gap], axis=1).reshape(-1, 2)
    return xy(path[:, 0], path[:, 1])


def _layout(theme: Theme, **more: Any) -> dict[str, Any]:
    legend = {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"}
    base = {"template": theme.template, "height": theme.height, "showlegend": True}
    return base | {"legend": legend, "title": {"text": ""}} | more


@dataclasses.dataclass(frozen=True)
class SegmentsView:
    """Pieces of random lines over the creases: those that miss a crease stand out."""

    theme: Theme = THEMES["light"]
    reach: float = 8.0

    label = "Pieces of random lines and creases; pieces that miss a crease are drawn bold"

    def figure(self) -> go.Figure:
        """No line yet."""
        th = self.theme
        figure = go.Figure(
            [
                lines("meets all creases", th.query, 1, opacity=0.35),
                lines("crease", th.truth, th.line_width, dash="dash"),
                lines("misses a crease", th.line, 1.3 * th.line_width),
            ]
        )
        x, y = true_to_scale()
        ends = [-self.reach, self.reach]
        figure.update_layout(**_layout(th), xaxis={**x, "range": ends}, yaxis={**y, "range": ends})
        return figure

    def draw(
        self, normals: np.ndarray, segments: np.ndarray, lost: np.ndarray, title: str
    ) -> Patch:
        """Segments (n, 2, 2), of which some (n,) are `lost`; creases through the origin."""
        creases = crease_segments(normals, np.zeros(len(normals)), self.reach)
        good, bad = segments[~lost], segments[lost]
        traces = {
            0: polyline(good[:, 0], good[:, 1]),
            1: xy(*creases),
            2: polyline(bad[:, 0], bad[:, 1]),
        }
        return Patch(traces, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class RowsView:
    """One row for each random line, with its kinks: pairs that are too close stand out."""

    theme: Theme = THEMES["light"]
    reach: float = 4.0
    rows: int = 40

    label = "Kinks of two neurons on many random lines, a row for each; close pairs are marked"

    def figure(self) -> go.Figure:
        """No line yet."""
        th = self.theme
        edge = {"width": 0.5, "color": th.paper}
        one = {"symbol": "diamond", "size": 1.3 * th.marker_size, "color": th.crease, "line": edge}
        two = {"symbol": "triangle-up", "size": 1.3 * th.marker_size, "color": th.probe}
        ring = {"symbol": "circle-open", "size": 3 * th.marker_size, "color": th.line}
        ends = [-1.06 * self.reach, 1.06 * self.reach]  # the outer numbers are seen whole
        figure = go.Figure(
            [
                lines("line", th.faint, 1, showlegend=False),
                dots("kink of neuron 1", one),
                dots("kink of neuron 2", {**two, "line": edge}),
                dots("closer than r", {**ring, "line": {"width": th.line_width}}),
            ]
        )
        figure.update_layout(
            **_layout(th),
            xaxis={"range": ends, "title": {"text": "time t on the line"}},
            yaxis={"range": [-1, self.rows], "visible": False},
        )
        return figure

    def draw(self, kinks: np.ndarray, r: float, title: str) -> Patch:
        """Kinks (n, 2) of the lines, in their order."""
        t, row = kinks[: self.rows], np.arange(min(self.rows, len(kinks)), dtype=float)
        near = np.abs(t[:, 1] - t[:, 0]) < r
        near &= np.abs(t).max(axis=1) < self.reach
        left = np.stack([np.full(len(row), -self.reach), row], axis=1)
        traces = {
            0: polyline(left, left * [-1, 1]),
            1: xy(t[:, 0], row),
            2: xy(t[:, 1], row),
            3: xy(t[near].mean(axis=1), row[near]),
        }
        return Patch(traces, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class RampView:
    """A ramp that starts far out, over the density of the inputs: little of it is ever seen."""

    theme: Theme = THEMES["light"]
    name: str = "neuron"
    reach: float = 5.0

    @property
    def label(self) -> str:
        """For those who cannot see the chart."""
        return f"Density of a Gaussian input, and a {self.name} that begins far out"

    def figure(self) -> go.Figure:
        """The bell."""
        th = self.theme
        u = np.linspace(-self.reach, self.reach, 201)
        bell = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
        fill = {"fill": "tozeroy"}
        figure = go.Figure(
            [
                lines("density of the input", th.truth, 1.2).update(x=u, y=bell),
                lines("inputs that see it", th.open, 1).update(**fill),
                lines(self.name, th.line, 1.4 * th.line_width, dash="solid"),
            ]
        )
        figure.update_layout(
            **_layout(th),
            xaxis={"range": [-self.reach, self.reach], "title": {"text": "u = ⟨n, x⟩"}},
            yaxis={"range": [0, 0.6]},
        )
        return figure

    def draw(self, start: float, slope: float, floor: float, title: str) -> Patch:
        """floor + slope (u - start)+."""
        tail = np.linspace(min(start, self.reach), self.reach, 60)
        bell = np.exp(-(tail**2) / 2) / np.sqrt(2 * np.pi)
        u = np.array([-self.reach, start, self.reach])
        ramp = floor + slope * np.maximum(u - start, 0)
        return Patch({1: xy(tail, bell), 2: xy(u, ramp)}, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class RunsView:
    """A square for each run: those that failed stand out."""

    theme: Theme = THEMES["light"]
    shape: tuple[int, int] = (20, 25)

    label = "A square for each of many runs; those that failed are filled"

    def figure(self) -> go.Figure:
        """No run yet."""
        th = self.theme
        figure = go.Figure(
            go.Heatmap(
                z=np.zeros(self.shape, dtype="f4"),
                colorscale=[[0, th.faint], [1, th.line]],
                zmin=0,
                zmax=1,
                xgap=2,
                ygap=2,
                showscale=False,
                hoverinfo="skip",
            )
        )
        plain = {"visible": False, "fixedrange": True}
        figure.update_layout(
            **_layout(th, showlegend=False),
            xaxis={**plain, "constrain": "domain"},
            yaxis={**plain, "scaleanchor": "x", "constrain": "domain"},
        )
        return figure

    def draw(self, failed: np.ndarray, title: str) -> Patch:
        """The first runs of (n,)."""
        rows, columns = self.shape
        z = failed[: rows * columns].reshape(self.shape).astype("f4")
        return Patch({0: {"z": z}}, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class SpectrumView:
    """How much of two secrets is in polynomials of each degree."""

    theme: Theme = THEMES["light"]
    names: tuple[str, str] = ("hidden plane", "random secret")

    label = "Bars: share of the variance in polynomials of each degree, for two secrets"

    def figure(self) -> go.Figure:
        """The empty chart."""
        th = self.theme
        looks = zip(self.names, (th.line, th.crease), ("", "/"), strict=True)
        data = [
            go.Bar(
                x=[None],
                y=[None],
                name=name,
                marker={"color": color}
                | {
                    "pattern": {"shape": shape, "fillmode": "overlay", "size": 7}
                    | {"fgcolor": th.paper, "fgopacity": 0.7, "solidity": 0.15}
                },
                hovertemplate=f"{name}, degree %{{x}}: %{{y:.2g}} %<extra></extra>",
            )
            for name, color, shape in looks
        ]
        figure = go.Figure(data)
        figure.update_layout(
            **_layout(th, legend={"x": 1, "xanchor": "right", "y": 1}),
            barmode="group",
            xaxis={"title": {"text": "degree of the polynomial"}, "dtick": 1},
            yaxis={"title": {"text": "per cent of the variance"}, "range": [0, 100]},
        )
        return figure

    def draw(self, degrees: Sequence[int], shares: Sequence[np.ndarray], title: str) -> Patch:
        """Shares in per cent, for each secret."""
        traces = {i: {"x": list(degrees), "y": list(share)} for i, share in enumerate(shares)}
        return Patch(traces, {"title.text": title})


@dataclasses.dataclass(frozen=True)
class CurvesView(GrowthView):
    """Measured and predicted curves with a ring at the present setting."""

    height: float = 1.0  # as high as the picture beside it
    linear: bool = False

    def figure(self) -> go.Figure:
        """The empty chart, its legend below."""
        figure = super().figure()
        legend = {"orientation": "h", "x": 0, "y": -0.14, "yanchor": "top"}
        figure.update_layout(legend=legend, xaxis_type="linear" if self.linear else "log")
        return figure

    def draw(
        self,
        sizes: Sequence[float],
        curves: Sequence[Any],
        references: Sequence[Any],
        now: tuple[float, float],
        title: str,
        ticks: Sequence[float],
    ) -> Patch:
        """Curves and predictions over `sizes`; what is zero is left out."""
        some = [np.where(np.asarray(c) > 0, c, np.nan).tolist() for c in curves]
        patch = self.patch(sizes, some, references, None, title, [1.0] if self.linear else ticks)
        ring = Patch({len(self.names) + len(self.references): xy([now[0]], [now[1]])})
        names = [f"10<sup>{len(str(int(t))) - 1}</sup>" if t >= 1000 else f"{t:g}" for t in ticks]
        ring |= Patch({}, {"xaxis.tickvals": list(ticks), "xaxis.ticktext": names})
        if self.linear:
            pad = 0.06 * (ticks[-1] - ticks[0])
            ring |= Patch({}, {"xaxis.range": [ticks[0] - pad, ticks[-1] + pad]})
        return patch | ring
