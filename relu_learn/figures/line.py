"""The slice: the secret along the current line, a function of one variable with kinks."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.plane import values_of
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, lines, xy
from relu_learn.network import ReluNetwork
from relu_learn.telling import events as ev

# Trace indices, bottom to top.
OPEN, TRUTH, PIECES, HYPOTHESIS, SAMPLES, KINKS, NOW = range(7)
Curve = tuple[np.ndarray | None, np.ndarray | None]


@dataclasses.dataclass(frozen=True)
class SliceView:
    """Samples, affine pieces, kinks and still-open intervals on the current line.

    Parameters
    ----------
    theme : Theme
    reach : float
        t is drawn within [-reach, reach] at most. Critical points have Cauchy-like tails: those
        farther out are counted in the title instead.
    output : int
        Which of the m outputs is drawn.
    """

    theme: Theme = THEMES["light"]
    reach: float = 4.0
    output: int = 0

    label = "Slice: the secret along the current line, with samples, kinks and open intervals"

    def figure(self) -> go.Figure:
        """The empty slice, with every trace that a run will need."""
        th = self.theme
        band = {"mode": "none", "fill": "toself", "fillcolor": th.open, "opacity": 0.35}
        data = [
            go.Scatter(**xy(), **band, yaxis="y2", name="still open", hoverinfo="skip"),
            lines("secret F", th.truth, th.line_width, dash="dot", visible=False),
            lines("known", th.line, th.line_width),
            lines("F′ so far", th.crease, th.line_width, dash="dash"),
            dots("query", th.marker("query"), "t = %{x:.4g}, F = %{y:.4g}", showlegend=False),
            dots("kink", th.marker("crease"), "kink at t = %{x:.4g}", showlegend=False),
            dots("now", th.marker("now"), showlegend=False),
        ]
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=round(0.52 * th.height),
            title={"text": "Along the line: no line yet"},
            meta={"slice": True},
            showlegend=True,
            legend={"orientation": "v", "x": 1.01, "y": 1},
            xaxis={"range": [-self.reach, self.reach], "title": {"text": "t"}},
            yaxis={"range": [-1, 1], "title": {"text": "F(x(t))"}, "nticks": 5},
            yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        )
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """What is known along the line in this state; with `truth`, also the secret itself."""
        if state.line is None:
            empty: dict[int, dict[str, Any]] = {i: xy() for i in range(7)}
            empty[TRUTH]["visible"] = False
            start = {"yaxis.range": [-1, 1], "yaxis.title.text": "F(x(t))"}
            return Patch(empty, {"title.text": "Along the line: no line yet", **start})
        low, high = self._limits(state.line)
        line, shown = state.line, (state.t >= low) & (state.t <= high)
        values = state.values[:, self.output]
        kinks = np.sort([kink.t for kink in state.kinks])
        heights = kink_heights(state, self.output)
        corner_t, corner_y = self._pieces(state, kinks, heights)
        known = state.hypothesis
        minus = state.subtracted
        hypothesis: Curve = (None, None)
        if not known.is_empty and state.claimed > low:
            hypothesis = self._curve(known.network, minus, line, low, min(high, state.claimed))
        secret: Curve = (None, None)
        if truth is not None:
            secret = self._curve(truth, minus, line, low, high)
        seen = (kinks >= low) & (kinks <= high)
        now = np.isin(state.t, state.fresh) & shown
        ring_t, ring_y = state.t[now], values[now]
        if isinstance(state.event, (ev.CriticalPointFound, ev.NeuronFound)):
            here = np.isin(kinks, state.event.t) & seen
            ring_t, ring_y = kinks[here], heights[here]
        y_range = _range(values[shown], heights[seen])
        return Patch(
            {
                OPEN: _bands(state.open_intervals, low, high),
                TRUTH: {**xy(*secret), "visible": truth is not None},
                HYPOTHESIS: xy(*hypothesis),
                PIECES: xy(corner_t, corner_y),
                SAMPLES: xy(state.t[shown], values[shown])
                | self.theme.crowded("query", int(shown.sum()), 100),
                KINKS: xy(kinks[seen], heights[seen]),
                NOW: xy(ring_t, ring_y),
            },
            {
                "title.text": self._title(state, kinks, low, high),
                "xaxis.range": [low, high],
                "yaxis.range": y_range,
                "yaxis.title.text": "F(x(t))" if minus is None else "(F − F′)(x(t))",
            },
        )

    def _curve(
        self,
        network: ReluNetwork,
        minus: ReluNetwork | None,
        line: ev.LineDrawn,
        low: float,
        high: float,
    ) -> Curve:
        """A network (minus another) along the line: exact at its kinks, straight between them."""
        if minus is not None:
            network = network - minus
        rates = network.weights @ line.direction
        with np.errstate(divide="ignore", invalid="ignore"):
            kinks = (network.biases - network.weights @ line.origin) / rates
        inside = kinks[(kinks > low) & (kinks < high)]
        t = np.unique(np.concatenate([[low, high], inside]))
        return t, values_of(network, line.origin + t[:, None] * line.direction, self.output)

    def _limits(self, line: ev.LineDrawn) -> tuple[float, float]:
        low, high = (float(t) for t in line.t_range)
        low, high = max(low, -self.reach), min(high, self.reach)
        return (low, high) if low < high else (-self.reach, self.reach)

    def _pieces(
        self, state: State, kinks: np.ndarray, heights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Samples and kinks joined where nothing is open between them."""
        t = np.concatenate([state.t, kinks])
        y = np.concatenate([state.values[:, self.output], heights])
        order = np.argsort(t, kind="stable")
        t, y = t[order], y[order]
        if len(t) < 2:
            return t, y
        middle = (t[1:] + t[:-1]) / 2
        lows, highs = state.open_intervals.reshape(-1, 2).T
        blocked = np.any((middle[:, None] > lows) & (middle[:, None] < highs), axis=1)
        after = np.flatnonzero(blocked) + 1
        return np.insert(t, after, np.nan), np.insert(y, after, np.nan)

    def _title(self, state: State, kinks: np.ndarray, low: float, high: float) -> str:
        which = f"Along line {state.line_number}" if state.line_number > 1 else "Along the line"
        m = state.hypothesis.n_outputs
        output = f" (output {self.output + 1} of {m})" if m > 1 else ""
        error = "" if state.subtracted is None else ", what F′ misses"
        if not len(kinks):
            return f"{which}{output}{error}: no kink yet"
        found = "1 kink" if len(kinks) == 1 else f"{len(kinks)} kinks"
        symbol = f'<span style="color:{self.theme.crease}">◆</span>'
        left, right = int(np.sum(kinks < low)), int(np.sum(kinks > high))
        arrows = [f"◂ {left}"] * (left > 0) + [f"{right} ▸"] * (right > 0)
        outside = f" ({', '.join(arrows)} farther out)" if arrows else ""
        return f"{which}{output}{error}: {found} {symbol}{outside}"


def kink_heights(state: State, output: int) -> np.ndarray:
    """Value of the secret at each critical point found, (k,), in increasing t.

    No query was spent there. Between neighbouring samples (a, y_a) and (b, y_b) with kinks t_i of
    jumps J_i, the slope after a is s = (y_b - y_a - sum_i J_i (b - t_i)) / (b - a), and the value
    at t is y_a + s (t - a) + sum_{t_i < t} J_i (t - t_i).
    """
    kinks = sorted(state.kinks, key=lambda kink: kink.t)
    values = state.values[:, output]
    t = np.array([kink.t for kink in kinks])
    jumps = np.array([kink.jump[output] for kink in kinks])
    heights = np.zeros(len(t))
    after = np.searchsorted(state.t, t)  # the sample to the right of each kink
    for right in np.unique(after):
        here = after == right
        if not 0 < right < len(state.t):  # no sample on one side: the nearest one must do
            heights[here] = values[min(right, len(values) - 1)] if len(values) else 0.0
            continue
        a, b, ya, yb = *state.t[right - 1 : right + 1], *values[right - 1 : right + 1]
        inner, jump = t[here], jumps[here]
        slope = (yb - ya - jump @ (b - inner)) / (b - a)
        bends = np.maximum(inner[:, None] - inner, 0.0) @ jump
        heights[here] = ya + slope * (inner - a) + bends
    return heights


def _bands(intervals: np.ndarray, low: float, high: float) -> dict[str, Any]:
    clipped = np.clip(intervals.reshape(-1, 2), low, high)
    clipped = clipped[clipped[:, 1] > clipped[:, 0]]
    if not len(clipped):
        return xy()
    # An interval that search has narrowed to less than a pixel must still be seen.
    least = (high - low) / 250
    middle, half = clipped.mean(axis=1), np.maximum(np.ptp(clipped, axis=1), least) / 2
    a, b = middle - half, middle + half
    x = np.stack([a, a, b, b, np.full(len(a), np.nan)], axis=1).ravel()
    return {"x": x, "y": np.tile([0.0, 1.0, 1.0, 0.0, np.nan], len(a))}


def _range(*values: np.ndarray) -> list[float]:
    known = np.concatenate(values)
    low, high = (float(known.min()), float(known.max())) if len(known) else (-1.0, 1.0)
    # A constant must not be magnified until its rounding errors look like a function.
    height = max(high - low, 1e-6 * max(abs(low), abs(high)))
    pad = 0.12 * height if height > 0 else 1.0
    middle = (low + high) / 2
    return [middle - height / 2 - pad, middle + height / 2 + pad]
