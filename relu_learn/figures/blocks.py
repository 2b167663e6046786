"""Many outputs: several neurons from one pair of gradients, step by step.

Across the kinks between two pieces of a line the Jacobian J (m, d) changes by
sum_i alpha_i u_i^T. The directions alpha_i (m,) are known from the line alone: at kink i the slopes
of all outputs jump in the proportions of the neuron's output weights. With at most m kinks, and
independent alpha_i, the pseudo-inverse of A = (alpha_1 ... alpha_n) gives all u_i at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.line import kink_heights
from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, lines, xy
from relu_learn.telling import events as ev


@dataclasses.dataclass(frozen=True)
class Blocks:
    """What is known on the line after some events of a run.

    Attributes
    ----------
    kinks : ndarray of shape (k,)
        Critical points, increasing.
    directions : ndarray of shape (m, k)
        alpha_i, the unit vector of the slope's jump at each of them.
    places : ndarray of shape (g,)
        Where gradients were measured, increasing.
    block_of : ndarray of shape (k,)
        For each kink the number of the gap between two such places, -1 outside.
    current : ndarray of int
        The kinks of the block that the last gradient or neuron is about.
    difference : ndarray of shape (m, d) or None
        Right Jacobian minus left Jacobian of that block.
    found : ndarray of shape (k, d)
        u_i, the weights of neuron i times the size of its output weights; NaN while unknown.
    """

    kinks: np.ndarray
    directions: np.ndarray
    places: np.ndarray
    block_of: np.ndarray
    current: np.ndarray
    difference: np.ndarray | None
    found: np.ndarray

    @property
    def names(self) -> list[str]:
        """Numbers of the current kinks, from 1."""
        return [str(i + 1) for i in self.current]


def blocks_of(events: Sequence[ev.Event], dim: int, n_outputs: int) -> Blocks:
    """Read the blocks off the events of a run on its first line."""
    seen = sorted((e for e in events if isinstance(e, ev.CriticalPointFound)), key=lambda e: e.t)
    kinks = np.array([e.t for e in seen])
    jumps = np.reshape([e.jump for e in seen], (-1, n_outputs)).T
    directions = jumps / np.linalg.norm(jumps, axis=0)
    measured = {
        e.t: np.atleast_2d(e.gradient) for e in events if isinstance(e, ev.GradientMeasured)
    }
    places = np.array(sorted(measured))
    block_of = np.searchsorted(places, kinks) - 1
    block_of[block_of >= len(places) - 1] = -1
    current, difference = np.arange(len(kinks)), None
    if len(measured) > 1:
        last = [e.t for e in events if isinstance(e, (ev.GradientMeasured, ev.NeuronFound))][-1]
        gap = max(int(np.searchsorted(places, last)) - 1, 0)
        current = np.flatnonzero(block_of == gap)
        difference = measured[places[gap + 1]] - measured[places[gap]]
    found = np.full((len(kinks), dim), np.nan)
    for event in events:
        if isinstance(event, ev.NeuronFound):
            i = int(np.abs(kinks - event.t).argmin())
            found[i] = float(directions[:, i] @ event.output_weights) * event.weights
    return Blocks(kinks, directions, places, block_of, current, difference, found)


CURVES, OPEN_KINKS, PIECES = 0, 1, 2
FIRST_BLOCK, LOOKS = 3, 3


@dataclasses.dataclass(frozen=True)
class BlockLine:
    """All outputs along the line, the kinks in their blocks, and where gradients were measured."""

    theme: Theme = THEMES["light"]
    reach: float = 4.0

    label = "All outputs along the line, kinks coloured by block, and the places of the gradients"

    def figure(self) -> go.Figure:
        """The empty line."""
        th = self.theme
        looks = [(th.crease, "solid"), (th.open, "dash"), (th.line, "dot")]
        data = [
            lines("outputs F₁, F₂, …", th.truth, 0.6 * th.line_width),
            lines("kink", th.faint, th.line_width, yaxis="y2"),
            dots("gradient J measured", th.marker("probe"), yaxis="y2", cliponaxis=False),
        ]
        for i, (color, dash) in enumerate(looks):
            name = "kinks of a block" if i == 0 else "of the next"
            data.append(lines(name, color, th.line_width, dash=dash, yaxis="y2", showlegend=i < 2))
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=round(0.8 * th.height),
            title={"text": "Along the line"},
            legend={"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
            xaxis={"range": [-self.reach, self.reach], "title": {"text": "t"}},
            yaxis={"title": {"text": "outputs"}, "nticks": 5},
            yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        )
        return figure

    def patch(self, state: State, blocks: Blocks) -> Patch:
        """The line in this state."""
        found = np.sort([kink.t for kink in state.kinks])
        t = np.concatenate([state.t, found])
        order = np.argsort(t)
        shown = np.abs(t[order]) <= 2 * self.reach
        x, y, inside = [], [], []
        for output in range(state.values.shape[1] if len(t) else 0):
            heights = np.concatenate([state.values[:, output], kink_heights(state, output)])
            x += [*t[order][shown], None]
            y += [*heights[order][shown], None]
            ends = np.interp([-self.reach, self.reach], t[order], heights[order])
            inside += [*heights[np.abs(t) <= self.reach], *ends]
        bars: dict[int, dict[str, Any]] = {OPEN_KINKS: _bars(blocks.kinks[blocks.block_of < 0])}
        for i in range(LOOKS):
            mine = (blocks.block_of >= 0) & (blocks.block_of % LOOKS == i)
            bars[FIRST_BLOCK + i] = _bars(blocks.kinks[mine])
        places = np.clip(blocks.places, -self.reach, self.reach)
        low, high = float(min(inside, default=-1)), float(max(inside, default=1))
        pad = 0.1 * (high - low) + 1e-9
        m, k, g = state.values.shape[1], len(blocks.kinks), len(places)
        title = f"Along the line: {_count(m, 'output')}, {_count(k, 'kink')}, "
        return Patch(
            {CURVES: xy(x, y), PIECES: xy(places, np.full(g, 0.04)), **bars},
            {
                "title.text": title + _count(g, "gradient"),
                "yaxis.range": [low - pad, high + pad],
            },
        )


def _bars(t: np.ndarray) -> dict[str, Any]:
    x = np.stack([t, t, np.full(len(t), np.nan)], axis=1).ravel()
    return xy(x, np.tile([0.0, 1.0, np.nan], len(t)))


@dataclasses.dataclass(frozen=True)
class BlockEquation:
    """J' - J = A U as three images: measured, known from the line, and wanted."""

    theme: Theme = THEMES["light"]

    label = "Three images: the difference of two Jacobians, the directions A, and the weights found"

    def figure(self) -> go.Figure:
        """Three empty frames."""
        th = self.theme
        scale = [[0, "#0072B2"], [0.5, th.paper], [1, "#D55E00"]]
        image = {"colorscale": scale, "zmid": 0, "showscale": False, "xgap": 1, "ygap": 1}
        axes = [("x", "y"), ("x2", "y2"), ("x3", "y3")]
        figure = go.Figure(
            [
                go.Heatmap(z=[[None]], xaxis=x, yaxis=y, hovertemplate="%{z:.3g}<extra></extra>")
                for x, y in axes
            ]
        )
        figure.update_traces(image)
        plain = {"showgrid": False, "ticks": ""}
        sides = {"": ("", "output"), "2": ("kink", "output"), "3": ("input", "kink")}
        domains = {"": [0.61, 1.0], "2": [0.61, 1.0], "3": [0.0, 0.34]}
        across = {"": [0.0, 0.62], "2": [0.76, 1.0], "3": [0.0, 0.62]}
        layout: dict[str, Any] = {}
        for n, (x_title, y_title) in sides.items():
            layout[f"xaxis{n}"] = plain | {"domain": across[n], "anchor": f"y{n}"}
            layout[f"yaxis{n}"] = plain | {"domain": domains[n], "anchor": f"x{n}"}
            layout[f"yaxis{n}"] |= {"title": {"text": y_title}, "dtick": 1}
            layout[f"xaxis{n}"] |= {"title": {"text": x_title}, "nticks": 9}
        heads = [(across[n][i == 1], domains[n][1], i == 1) for i, n in enumerate(sides)]
        figure.update_layout(
            template=th.template,
            height=round(0.8 * th.height),
            plot_bgcolor=th.unknown,
            title={"text": "J′ − J = A U"},
            margin={"t": round(4 * th.font_size)},
            annotations=[
                {"text": "", "x": x, "y": y, "xref": "paper", "yref": "paper"}
                | {"showarrow": False, "xanchor": "right" if at_right else "left"}
                | {"yanchor": "bottom"}
                for x, y, at_right in heads
            ],
            **layout,
        )
        return figure

    def patch(self, blocks: Blocks, dim: int, n_outputs: int) -> Patch:
        """The equation of the current block; grey is not known yet."""
        here, d, m = blocks.current, dim, n_outputs
        unknown = np.full((m, d), np.nan)
        difference = unknown if blocks.difference is None else blocks.difference
        inputs, outputs = np.arange(1, d + 1), np.arange(1, m + 1)
        nobody = not len(here)
        a = np.full((m, 1), np.nan) if nobody else blocks.directions[:, here]
        u = np.full((1, d), np.nan) if nobody else blocks.found[here]
        rows = np.arange(max(len(here), 1))
        ticks = {"tickvals": rows.tolist(), "ticktext": blocks.names or ["?"]}
        heads = ["J′ − J, measured", "A, from the line", "U = A⁺ (J′ − J), the neurons"]
        images = [(difference, inputs, outputs), (a, rows, outputs), (u, inputs, rows)]
        return Patch(
            {
                i: {"z": z.astype("f4"), "x": x, "y": y, **_ends(z)}
                for i, (z, x, y) in enumerate(images)
            },
            {f"annotations[{i}].text": head for i, head in enumerate(heads)}
            | {f"{axis}.{key}": ticks[key] for axis in ("xaxis2", "yaxis3") for key in ticks}
            | {f"{axis}.range": [0.5, d + 0.5] for axis in ("xaxis", "xaxis3")}
            | {f"{axis}.range": [m + 0.5, 0.5] for axis in ("yaxis", "yaxis2")}
            | {"xaxis2.range": [-0.5, len(rows) - 0.5], "yaxis3.range": [len(rows) - 0.5, -0.5]},
        )


def _ends(z: np.ndarray) -> dict[str, float]:
    """Symmetric ends of the colour scale."""
    top = float(np.nanmax(np.abs(z), initial=0.0)) or 1.0
    return {"zmin": -top, "zmax": top}


def _count(n: int, noun: str) -> str:
    return f"1 {noun}" if n == 1 else f"{n} {noun}s"
