"""High dimensions: what queries are spent on, how their number grows, and weights as images."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, Theme, power_ticks
from relu_learn.figures.traces import dots, lines, xy
from relu_learn.judging.matching import NeuronMatch
from relu_learn.telling import events as ev


@dataclasses.dataclass(frozen=True)
class Spending:
    """Queries of a run by what they bought; from its events.

    Attributes
    ----------
    line, gradients, test : int
        Search on lines (with the probe of the answers' precision), gradients with their checks,
        and the validation on fresh points.
    """

    line: int
    gradients: int
    test: int

    @property
    def learning(self) -> int:
        """All but the final test."""
        return self.line + self.gradients


def spending(events: Sequence[ev.Event]) -> Spending:
    """Where the queries of a run went."""
    spent = {"line": 0, "gradients": 0, "test": 0}
    before = 0
    for event in events:
        kind = "line"
        if isinstance(event, ev.Validated):
            kind = "test"
        elif isinstance(event, (ev.GradientMeasured, ev.NeuronFound)):
            kind = "gradients"
        spent[kind] += event.queries - before
        before = event.queries
    return Spending(**spent)


@dataclasses.dataclass(frozen=True)
class GrowthView:
    """Queries against a size (d, k or m), both axes logarithmic: measured, and to compare with.

    Parameters
    ----------
    theme : Theme
    size : str
        Title of the horizontal axis.
    names : sequence of str
        Of the measured curves, at most three.
    references : sequence of str
        Of the curves to compare with, at most two.
    height : float
        In units of the theme's height.
    span : tuple of int
        Powers of ten at the ends of the vertical axis.
    values : str
        Title of the vertical axis.
    most_ticks : int
    mode : str
        How measured curves are drawn: "lines+markers", "lines" or "markers".
    """

    theme: Theme = THEMES["light"]
    size: str = "d"
    names: tuple[str, ...] = ("queries",)
    references: tuple[str, ...] = ()
    height: float = 0.75
    span: tuple[int, int] = (0, 5)
    values: str = "queries"
    most_ticks: int = 5
    mode: str = "lines+markers"

    @property
    def label(self) -> str:
        """For those who cannot see the chart."""
        return f"{self.values} against {self.size}: {', '.join((*self.names, *self.references))}"

    def figure(self) -> go.Figure:
        """The empty chart."""
        th = self.theme
        looks = [
            (th.crease, "diamond", "solid"),
            (th.probe, "triangle-up", "solid"),
            (th.open, "square", "solid"),
        ]
        data = []
        for name, (color, symbol, dash) in zip(self.names, looks, strict=False):
            marker = {"symbol": symbol, "size": 1.6 * th.marker_size, "color": color}
            data.append(
                lines(name, color, th.line_width, f"{name}: %{{y:,.3g}}", dash=dash).update(
                    mode=self.mode, marker=marker
                )
            )
        for name, dash in zip(self.references, ("dot", "dash"), strict=False):
            color = th.truth if dash == "dot" else th.line
            data.append(lines(name, color, th.line_width, f"{name}: %{{y:,.3g}}", dash=dash))
        data.append(dots("now", th.marker("now"), showlegend=False))
        ticks, texts = power_ticks(*self.span, most=self.most_ticks)
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=round(self.height * th.height),
            title={"text": ""},
            showlegend=True,
            legend={"orientation": "v", "x": 1.01, "y": 1},
            xaxis={"type": "log", "title": {"text": self.size}},
            yaxis={"type": "log", "range": [self.span[0], self.span[1]]}
            | {"tickvals": ticks, "ticktext": texts, "title": {"text": self.values}},
        )
        return figure

    def patch(
        self,
        sizes: Sequence[float],
        curves: Sequence[Sequence[float]],
        references: Sequence[Sequence[float]] = (),
        now: float | None = None,
        title: str = "",
        ticks: Sequence[float] | None = None,
    ) -> Patch:
        """Curves over `sizes`; shorter ones end early. Values above the axis are left out."""
        traces: dict[int, dict[str, Any]] = {}
        top = 10.0 ** self.span[1]
        for i, curve in enumerate([*curves, *references]):
            y = np.asarray(curve, dtype=float)
            x = np.asarray(sizes, dtype=float)[: len(y)]
            known = np.isfinite(y) & (y <= top)
            traces[i] = xy(x[known], y[known])
        here = [] if now is None else [c[list(sizes).index(now)] for c in curves]
        traces[len(self.names) + len(self.references)] = xy([now] * len(here), here)
        ticks = list(sizes if ticks is None else ticks)
        ends = [math.log10(min(ticks)), math.log10(max(ticks))]
        pad = 0.06 * (ends[1] - ends[0] or 1.0)
        layout = {
            "title.text": title,
            "xaxis.range": [ends[0] - pad, ends[1] + pad],
            "xaxis.tickvals": ticks,
            "xaxis.ticktext": [f"{t:g}" for t in ticks],
        }
        return Patch(traces, layout)


@dataclasses.dataclass(frozen=True)
class ImagesView:
    """Weight vectors as images, the true one above the one that was found.

    Parameters
    ----------
    theme : Theme
    side : int
        An image has side x side pixels.
    columns : int
    count : int
        Number of neurons.
    """

    theme: Theme = THEMES["light"]
    side: int = 8
    columns: int = 8
    count: int = 32

    label = "Hidden weights as images: in each pair the true weights above, the found ones below"

    @property
    def _step(self) -> tuple[int, int]:
        """Columns and rows from one pair to the next: one blank between the two, two around."""
        return self.side + 2, 2 * self.side + 3

    def corner(self, neuron: int) -> tuple[int, int]:
        """Left column and top row of a pair."""
        row, column = divmod(neuron, self.columns)
        return column * self._step[0], row * self._step[1]

    def figure(self) -> go.Figure:
        """Empty frames."""
        th = self.theme
        wide, tall = self._shape[::-1]
        figure = go.Figure(
            go.Heatmap(
                z=np.full(self._shape, np.nan, dtype="f4"),
                colorscale=[[0, "#0072B2"], [0.5, th.paper], [1, "#D55E00"]],
                zmin=-1,
                zmax=1,
                hoverinfo="skip",
                colorbar={"thickness": 12, "len": 0.5, "outlinewidth": 0}
                | {"tickvals": [-1, 0, 1], "ticktext": ["−", "0", "+"]},
            )
        )
        plain = {"visible": False, "fixedrange": True}
        figure.update_layout(
            template=th.template,
            height=th.height,
            plot_bgcolor=th.unknown,
            title={"text": "Hidden weights"},
            xaxis={**plain, "range": [-1.5, wide - 0.5], "constrain": "domain"}
            | {"constraintoward": "left"},
            yaxis={**plain, "range": [tall - 0.5, -1.5], "scaleanchor": "x", "constrain": "domain"},
            shapes=[{"type": "rect", "line": {"color": th.line, "width": 3}, "x0": 0, "x1": 0}],
        )
        return figure

    @property
    def _shape(self) -> tuple[int, int]:
        rows = -(-self.count // self.columns)
        return rows * self._step[1], self.columns * self._step[0]

    def patch(
        self, match: NeuronMatch, order: Sequence[int], shown: int, look: int, title: str
    ) -> Patch:
        """The images of all true neurons, and of the first `shown` in the order they were found.

        Parameters
        ----------
        match : NeuronMatch
        order : sequence of int
            Rows of `match.pairs`, as they were found.
        shown, look : int
            How many found ones to show, and which true neuron to frame.
        title : str
        """
        z = np.full(self._shape, np.nan, dtype="f4")
        for j, w in enumerate(match.true.weights):
            self._paste(z, j, 0, w)
        for p in list(order)[:shown]:
            i, j = match.pairs[p]
            # Only the direction of w is determined: its length and sign go with a and the skip.
            sign = -1.0 if match.flipped[p] else 1.0
            self._paste(z, int(j), self.side + 1, sign * match.found.weights[i])
        x, y = self.corner(look)
        frame = {"x0": x - 1.1, "x1": x + self.side + 0.1}
        frame |= {"y0": y - 1.1, "y1": y + 2 * self.side + 1.1}
        return Patch(
            {0: {"z": z}},
            {"title.text": title} | {f"shapes[0].{key}": value for key, value in frame.items()},
        )

    def _paste(self, z: np.ndarray, neuron: int, below: int, w: np.ndarray) -> None:
        x, y = self.corner(neuron)
        image = (w / (np.abs(w).max() or 1.0)).reshape(self.side, self.side)
        z[y + below : y + below + self.side, x : x + self.side] = image


@dataclasses.dataclass(frozen=True)
class ErrorsView:
    """Errors of the neurons found, one by one, on a logarithmic axis."""

    theme: Theme = THEMES["light"]

    label = "Error of each neuron: angle of its weights, and bias"

    def figure(self) -> go.Figure:
        """The empty chart."""
        th = self.theme
        angle = {"symbol": "diamond", "size": 1.5 * th.marker_size, "color": th.crease}
        bias = {"symbol": "x", "size": 1.3 * th.marker_size, "color": th.line}
        figure = go.Figure(
            [
                dots("angle of w, in radians", angle, "neuron %{x}: angle %{y:.1e}"),
                dots("bias b / ‖w‖", bias, "neuron %{x}: bias %{y:.1e}"),
                dots("now", th.marker("now"), showlegend=False),
            ]
        )
        ticks, texts = power_ticks(-16, 0, most=4)
        figure.update_layout(
            template=th.template,
            height=th.height,
            title={"text": "Error, neuron by neuron"},
            showlegend=True,
            legend={"orientation": "h", "x": 0, "y": -0.16, "yanchor": "top"},
            xaxis={"title": {"text": "neuron"}, "range": [0, 33]},
            yaxis={"type": "log", "range": [-16.5, 0.5], "tickvals": ticks, "ticktext": texts},
        )
        return figure

    def patch(self, match: NeuronMatch, order: Sequence[int], shown: int, look: int) -> Patch:
        """Errors of the first `shown` neurons in the order they were found."""
        some = np.asarray(list(order)[:shown], dtype=int)
        x = match.pairs[some, 1] + 1
        angle = np.maximum(match.angle_error[some], 1e-16)
        bias = np.maximum(match.bias_error[some], 1e-16)
        here = x == look + 1
        ring = xy(np.r_[x[here], x[here]], np.r_[angle[here], bias[here]])
        top = match.true.n_neurons + 1
        return Patch({0: xy(x, angle), 1: xy(x, bias), 2: ring}, {"xaxis.range": [0, top]})
