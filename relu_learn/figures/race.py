"""Loss against queries for several learners, where queries go, and powers of ten as bars."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import PINK, THEMES, Theme, power_ticks
from relu_learn.figures.traces import lines, xy
from relu_learn.telling import events as ev

QUERY_LEARNERS = ("adaptive", "grid")
PASSIVE_LEARNERS = ("student", "random features")
LEARNERS = (*QUERY_LEARNERS, *PASSIVE_LEARNERS)
_ZERO = 1e-33  # where a loss of exactly zero is drawn


@dataclasses.dataclass(frozen=True)
class RaceView:
    """E|F - F'|² of each learner against what it was given, both axes logarithmic."""

    theme: Theme = THEMES["light"]

    label = "Loss of every learner against the number of queries or labelled examples"

    def figure(self) -> go.Figure:
        """The track, with every learner still at the start."""
        th = self.theme
        looks = {
            "adaptive": (th.crease, "solid", "diamond"),
            "grid": (th.probe, "dash", "triangle-up"),
            "student": (th.line, "dot", "circle"),
            "random features": (PINK, "dashdot", "square"),
        }
        data = []
        for name, (color, dash, symbol) in looks.items():
            # What a query learner has is worth the same until its next finding: a staircase.
            shape = "hv" if name in QUERY_LEARNERS else "linear"
            hover = f"{name}, %{{x:,}}: loss %{{y:.2g}}"
            trace = lines(name, color, th.line_width, hover, dash=dash, shape=shape)
            trace.update(
                mode="lines" if name in QUERY_LEARNERS else "lines+markers",
                marker={"symbol": symbol, "size": 1.5 * th.marker_size, "color": color},
            )
            data.append(trace)
        ticks, texts = power_ticks(-30, 2, most=5)
        x_ticks = [30, 100, 300, 1000, 3000, 10_000]
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=round(0.85 * th.height),
            title={"text": "Loss E|F − F′|²"},
            showlegend=True,
            legend={"orientation": "v", "x": 1.01, "y": 1},
            xaxis={"type": "log", "range": [math.log10(28), math.log10(15_000)]}
            | {"title": {"text": "queries, or labelled examples"}}
            | {"tickvals": x_ticks, "ticktext": [f"{x:,}" for x in x_ticks]},
            yaxis={"type": "log", "range": [-34, 2], "tickvals": ticks, "ticktext": texts}
            | {"title": {"text": "loss"}},
            shapes=[
                {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": 100, "x1": 100}
                | {"line": {"color": th.ink, "width": 1.5, "dash": "dot"}},
                {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1}
                | {"line": {"color": th.faint, "width": 1.5, "dash": "dash"}}
                | {"label": {"text": "doing nothing", "textposition": "end"}}
                | {"layer": "below"},
            ],
        )
        return figure

    def patch(
        self, curves: Mapping[str, Sequence[tuple[int, float]]], n: int, nothing: float
    ) -> Patch:
        """The curves so far, as (queries, loss) in increasing order; lines at `n` and `nothing`."""
        traces: dict[int, dict[str, Any]] = {}
        for i, name in enumerate(LEARNERS):
            points = np.asarray(curves.get(name, []), dtype=float).reshape(-1, 2)
            traces[i] = xy(np.maximum(points[:, 0], 20), np.maximum(points[:, 1], _ZERO))
        here = {"shapes[0].x0": n, "shapes[0].x1": n}
        return Patch(traces, here | {"shapes[1].y0": nothing, "shapes[1].y1": nothing})


BILL = ("line search", "gradients", "checks", "repairs", "final test")


def itemised(events: Sequence[ev.Event], dim: int) -> dict[str, int]:
    """Queries of a run by purpose, in the order of `BILL`; from its events alone.

    A gradient takes d - 1 steps (the slope along the line is known already); what is asked beyond
    that makes sure that no step crossed a hyperplane.
    """
    bill = dict.fromkeys(BILL, 0)
    before = 0
    for event in events:
        cost, before = event.queries - before, event.queries
        if event.phase == "repair":
            bill["repairs"] += cost
        elif isinstance(event, ev.Validated):
            bill["final test"] += cost
        elif isinstance(event, (ev.GradientMeasured, ev.NeuronFound)):
            steps = min(cost, dim - 1) if isinstance(event, ev.GradientMeasured) else 0
            bill["gradients"] += steps
            bill["checks"] += cost - steps
        else:
            bill["line search"] += cost
    return bill


@dataclasses.dataclass(frozen=True)
class BillView:
    """Stacked bars: where the queries go."""

    theme: Theme = THEMES["light"]

    label = "Stacked bars: queries by purpose, for several sizes of secrets"

    def figure(self) -> go.Figure:
        """The empty chart."""
        th = self.theme
        colors = (th.crease, th.probe, th.open, PINK, th.faint)
        patterns = ("", "/", "x", ".", "\\")
        data = [
            go.Bar(
                x=[None],
                y=[None],
                name=name,
                marker={"color": color, "line": {"color": th.ink, "width": 0.5}}
                | {
                    "pattern": {"shape": pattern, "fillmode": "overlay", "size": 7}
                    | {"fgcolor": th.paper, "fgopacity": 0.7, "solidity": 0.15}
                },
                hovertemplate=f"{name}: %{{y:.3g}}<extra></extra>",
            )
            for name, color, pattern in zip(BILL, colors, patterns, strict=True)
        ]
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=round(0.8 * th.height),
            barmode="stack",
            title={"text": "Where the queries go"},
            showlegend=True,
            legend={"orientation": "v", "x": 1.01, "y": 1, "traceorder": "reversed"},
            xaxis={"type": "category", "title": {"text": "inputs d"}},
            yaxis={"title": {"text": "queries"}, "tickformat": ",d"},
        )
        return figure

    def patch(self, sizes: Sequence[int], bills: Sequence[Mapping[str, int]], share: bool) -> Patch:
        """One bar for each size: queries, or per cent of them."""
        totals = [sum(bill.values()) for bill in bills]
        pairs = list(zip(bills, totals, strict=True))
        traces = {}
        for i, name in enumerate(BILL):
            y = [bill[name] * (100 / total if share else 1) for bill, total in pairs]
            traces[i] = {"x": [str(size) for size in sizes], "y": y}
        top = 100 if share else 1.06 * max(totals)
        unit = "per cent of the queries" if share else "queries"
        return Patch(traces, {"yaxis.title.text": unit, "yaxis.range": [0, top]})


@dataclasses.dataclass(frozen=True)
class PowersView:
    """A few numbers, as bars on one logarithmic axis."""

    theme: Theme = THEMES["light"]
    names: tuple[str, ...] = ()

    label = "Bars on a logarithmic axis: measured queries, and the bound of the theory"

    def figure(self) -> go.Figure:
        """The empty chart."""
        th = self.theme
        colors = (th.crease, th.probe, th.open, th.line, PINK)
        figure = go.Figure(
            go.Bar(
                x=[0.0] * len(self.names),
                y=list(self.names),
                orientation="h",
                marker={"color": list(colors[: len(self.names)])},
                text=[""] * len(self.names),
                textposition="outside",
                cliponaxis=False,
                hoverinfo="skip",
            )
        )
        figure.update_layout(
            template=th.template,
            height=round(0.62 * th.height),
            title={"text": "How many queries"},
            showlegend=False,
            xaxis={"range": [0, 40], "title": {"text": "queries"}},
            yaxis={"type": "category", "autorange": "reversed"},
        )
        return figure

    def patch(self, powers: Sequence[float], texts: Sequence[str]) -> Patch:
        """Bars of length log10 of the numbers, with the numbers written at their ends."""
        high = max(20.0, 1.25 * max(powers))
        step = 5 if high < 40 else 10 if high < 90 else 25
        ticks = list(range(0, int(high) + 1, step))
        _, names = power_ticks(0, int(high), most=100)
        return Patch(
            {0: {"x": list(powers), "text": list(texts)}},
            {
                "xaxis.range": [0, high],
                "xaxis.tickvals": ticks,
                "xaxis.ticktext": [names[t] for t in ticks],
            },
        )
