"""The comparison: loss against queries and examples, and what an exact copy costs, by method.

Drawn from what tests/benchmarks/comparison.py has measured; `measured` reads the figures that ship
with the package.
"""

from __future__ import annotations

import html
import importlib.resources
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from relu_learn.figures.theme import PINK, THEMES, Theme, number, power_ticks
from relu_learn.figures.traces import lines, xy

Data = Mapping[str, Any]

METHODS = {
    "queries": "relu_learn (asks)",
    "student": "student",
    "student x4": "student × 4",
    "random features": "random features",
    "boosting": "boosted trees",
}
NETWORKS = {
    "10-15-1": "random: 10 inputs, 15 neurons",
    "digits": "digits: 64 inputs, 32 neurons, 10 outputs",
    "near_parallel": "hostile: two pairs of near-parallel neurons",
    "hat": "hostile: a narrow bump",
}
_FLOOR = 1e-31  # below what rounding leaves of any of them


def measured(name: str) -> dict[str, Any]:
    """The figures that ship with the package: "comparison" or "growth"."""
    source = importlib.resources.files("relu_learn") / "data" / f"{name}.json"
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


def _looks(th: Theme) -> dict[str, tuple[str, str, str]]:
    """Colour, dash and marker of each method."""
    return {
        "queries": (th.crease, "solid", "diamond"),
        "student": (th.line, "dot", "circle"),
        "student x4": (th.line, "dash", "circle-open"),
        "random features": (PINK, "dashdot", "square"),
        "boosting": (th.probe, "longdash", "triangle-up"),
    }


def loss_curves(data: Data, theme: Theme = THEMES["light"]) -> go.Figure:
    """Loss against queries or examples, one small picture for each network."""
    names = list(dict.fromkeys(curve["network"] for curve in data["curves"]))
    rows = -(-len(names) // 2)
    titles = [NETWORKS.get(name, name) for name in names]
    figure = make_subplots(
        rows, min(2, len(names)), shared_xaxes=True, shared_yaxes=True, subplot_titles=titles,
        horizontal_spacing=0.03, vertical_spacing=0.09,
    )  # fmt: skip
    looks = _looks(theme)
    for curve in data["curves"]:
        place = names.index(curve["network"])
        row, column = place // 2 + 1, place % 2 + 1
        color, dash, symbol = looks[curve["method"]]
        asks, name = curve["method"] == "queries", METHODS[curve["method"]]
        width = theme.line_width * (1.6 if asks else 0.8)
        trace = lines(name, color, width, f"{name}, %{{x:,}}: loss %{{y:.1e}}", dash=dash)
        losses = np.maximum(curve["losses"], _FLOOR)
        trace.update(**xy(curve["budgets"], losses), showlegend=place == 0, legendgroup=name)
        trace.update(
            mode="lines" if asks else "lines+markers",
            # What a query learner has is worth the same until its next finding: a staircase.
            line={"shape": "hv" if asks else "linear"},
            marker={"symbol": symbol, "size": 1.2 * theme.marker_size, "color": color},
        )
        figure.add_trace(trace, row, column)
        if asks:
            count = lines("parameters / outputs", theme.ink, 1, dash="dot")
            count.update(xy([curve["parameters"]] * 2, [1e-35, 1e5]))
            count.update(showlegend=place == 0, legendgroup="parameters")
            figure.add_trace(count, row, column)
    ticks, texts = power_ticks(-30, 0, most=4)
    counts = [10, 30, 100, 300, 1000]
    figure.update_xaxes(
        type="log", range=[1, 3.3], tickvals=counts, ticktext=[f"{n:,}" for n in counts]
    )
    figure.update_yaxes(type="log", range=[-30.5, 1.5], tickvals=ticks, ticktext=texts)
    figure.update_xaxes(title_text="queries, or random examples", row=rows)
    figure.update_yaxes(title_text="loss / var F", col=1)
    return _finish(figure, theme, 0.26 + 0.48 * rows)


def _finish(figure: go.Figure, th: Theme, height: float) -> go.Figure:
    figure.update_annotations(font_size=th.font_size, font_color=th.ink)
    figure.update_layout(
        template=th.template,
        height=round(height * th.height),
        margin={"l": 10, "r": 10, "b": 10, "t": round(5.6 * th.font_size)},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
    )
    return figure


PRICED = ("10-15-1", "10-30-1", "784-32-1", "784-128-1", "near_parallel")


def price(data: Data, theme: Theme = THEMES["light"]) -> go.Figure:
    """Queries for each parameter, by method and network: exact, or not; others' figures hollow."""
    rows = [row for row in data["rows"] if row["cells"][1] in PRICED]
    names = [name for name in PRICED if any(row["cells"][1] == name for row in rows)]
    methods = list(dict.fromkeys(_short(row) for row in rows))
    methods.sort(key=lambda m: m.endswith("*"))
    figure = make_subplots(
        1, len(names), shared_yaxes=True, subplot_titles=names, horizontal_spacing=0.02
    )
    for column, name in enumerate(names, 1):
        for row in rows:
            if row["cells"][1] == name:
                figure.add_trace(_dot(row, theme), 1, column)
    for name, symbol, color in [
        ("exact copy", "diamond", theme.crease),
        ("copy, as others report", "diamond-open", theme.ink),
        ("no copy", "x", theme.line),
    ]:
        marker = {"symbol": symbol, "color": color, "size": 2 * theme.marker_size}
        figure.add_trace(go.Scatter(**xy(), mode="markers", name=name, marker=marker))
    ticks, texts = power_ticks(0, 3, most=4)
    figure.update_xaxes(type="log", range=[-0.5, 3.3], tickvals=ticks, ticktext=texts)
    middle = (len(names) + 1) // 2  # five titles would run into each other
    figure.update_xaxes(title_text="queries for each parameter (* not run here)", col=middle)
    figure.update_yaxes(
        categoryorder="array", categoryarray=methods[::-1], type="category", showgrid=False
    )
    lines_of_text = 8.5 + 2.25 * len(methods)
    _finish(figure, theme, lines_of_text * theme.font_size / theme.height)
    return figure.update_layout(margin_r=3 * theme.font_size)  # for texts of the last column


def _short(row: Data) -> str:
    """The method, for an axis."""
    name = str(row["cells"][0])
    if not row["source"]:
        return METHODS.get(name, name)
    short = "toolbox 1.20" if "toolbox" in name else "Carlini et al. 2020"
    return f"{short} *"


def _dot(row: Data, th: Theme) -> go.Scatter:
    """A marker at the geometric middle of its range, a bar across it, and the worst error."""
    ours, good, ratio = not row["source"], row["exact"], row["ratio"]
    color = th.crease if good and ours else th.ink if good else th.line
    symbol = "x" if not good else "diamond" if ours else "diamond-open"
    runs = row["cells"][2]  # "2/14"
    text = "failed" if "/" not in runs else f"{runs} runs"
    if row["error"] is not None:
        text = _about(row["error"])
    middle = math.sqrt(ratio[0] * ratio[-1]) if ratio else 30.0  # the middle of the axis
    return go.Scatter(
        x=[middle],
        y=[_short(row)],
        mode="markers+text" if ratio else "text",  # failed before it could be counted
        text=[text],
        textposition="top center" if ratio else "middle center",
        textfont={"size": th.font_size - 2},
        marker={"symbol": symbol, "color": color, "size": 2 * th.marker_size},
        error_x={"type": "data", "symmetric": False, "color": color, "thickness": 2, "width": 0}
        | {"array": [ratio[-1] - middle if ratio else 0]}
        | {"arrayminus": [middle - ratio[0] if ratio else 0]},
        hovertemplate=" · ".join(row["cells"]) + "<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )


def _about(error: float) -> str:
    """One digit of an error; of a small one the power of ten."""
    if error >= 0.01:
        return number(float(f"{error:.0e}"))
    power = round(math.log10(error))
    return power_ticks(power, power)[1][0]


def table_html(data: Data, networks: Sequence[str] = PRICED) -> str:
    """The table of the comparison as HTML, with the sources of others' figures below it."""
    rows = [row for row in data["rows"] if row["cells"][1] in networks]
    rows.sort(key=lambda row: list(networks).index(row["cells"][1]))

    def line(cells: Sequence[str], tag: str, style: str = "") -> str:
        inside = [f"<{tag}{style}>{html.escape(cell)}</{tag}>" for cell in cells]
        inside[0] = inside[0].replace(style, ' style="text-align:left"', 1)
        return f"<tr>{''.join(inside)}</tr>"

    body, right = [], ' style="text-align:right"'
    for row in rows:
        cells = row["cells"]
        if row["source"]:
            cells = [f"{cells[0]}, not run here", *cells[1:]]
        body.append(line(cells, "td", right))
    notes = "<br>".join(html.escape(row["source"]) for row in rows if row["source"])
    return (
        f"<table><thead>{line(data['head'], 'th', right)}</thead>"
        f"<tbody>{''.join(body)}</tbody></table><small>{notes}</small>"
    )
