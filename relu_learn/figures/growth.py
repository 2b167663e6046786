"""How queries and seconds grow with the size of the secret, with fitted powers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from relu_learn.figures.theme import THEMES, Theme, power_ticks

Data = Mapping[str, Any]
COLUMNS = ("size", "queries", "queries/D", "seconds", "learner")
_WHAT = {"k": "neurons k", "d": "inputs d", "m": "outputs m"}


def exponent(curve: Data, column: str) -> float:
    """Of the power law through the upper decade, by least squares on logarithms.

    Below it, fixed costs (the search on the line, the final test) are a large part of the whole.
    """
    return float(_fit(curve, column)[0])


def _fit(curve: Data, column: str) -> np.ndarray:
    rows = _upper(curve)
    size, value = (np.log10([row[name] for row in rows]) for name in ("size", column))
    return np.polyfit(size, value, 1)


def _upper(curve: Data) -> list[Data]:
    """The sizes within a factor of ten of the largest."""
    rows: list[Data] = curve["rows"]
    return [row for row in rows if 10 * row["size"] >= max(r["size"] for r in rows)]


def growth(data: Data, theme: Theme = THEMES["light"]) -> go.Figure:
    """Queries (above) and seconds of CPU time (below) against k, d and m, and fitted powers.

    Dotted: one query for each parameter, or for every m of them with m outputs.

    Drawn from what tests/benchmarks/speed.py has measured.
    """
    th, curves = theme, data["curves"]
    titles = [f"{curve['shape'].format(curve['what'])}" for curve in curves]
    figure = make_subplots(
        2, len(curves), shared_xaxes=True, shared_yaxes=True, subplot_titles=titles,
        horizontal_spacing=0.025, vertical_spacing=0.04,
    )  # fmt: skip
    looks = {"queries": (th.crease, "diamond"), "seconds": (th.line, "circle")}
    for column, curve in enumerate(curves, 1):
        for row, (name, (color, symbol)) in enumerate(looks.items(), 1):
            marker = {"color": color, "symbol": symbol, "size": 1.9 * th.marker_size}
            _curve(figure, curve, name, marker, (row, column), th)
        sizes = [row["size"] for row in curve["rows"]]
        figure.add_scatter(
            x=sizes,
            y=[r["queries"] / r["queries/D"] for r in curve["rows"]],
            mode="lines",
            line={"color": th.ink, "width": 1.5, "dash": "dot"},
            name="parameters / outputs",
            hovertemplate="at least %{y:,.0f} queries<extra></extra>",
            showlegend=column == 1,
            row=1,
            col=column,
        )
        figure.update_xaxes(title_text=_WHAT[curve["what"]], row=2, col=column)
        figure.update_xaxes(_ticks(sizes, 0.12), col=column)
    for row, name in enumerate(looks, 1):
        values = [r[name] for curve in curves for r in curve["rows"]]
        if name == "queries":
            values += [r[name] / r["queries/D"] for curve in curves for r in curve["rows"]]
        figure.update_yaxes(_ticks(values, 0.3, powers=True), row=row)
    figure.update_yaxes(title_text="queries", row=1, col=1)
    figure.update_yaxes(title_text="seconds", row=2, col=1)
    figure.update_annotations(font_size=th.font_size + 1)
    figure.update_layout(
        template=th.template,
        height=round(1.15 * th.height),
        margin={"l": 10, "r": 10, "b": 10, "t": round(5.6 * th.font_size)},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
    )
    return figure


def _curve(
    figure: go.Figure, curve: Data, name: str, marker: Data, cell: tuple[int, int], th: Theme
) -> None:
    """The points of one curve in its cell (row, column), and the power law of the upper ones."""
    (row, column), color = cell, marker["color"]
    unit = {"queries": "queries", "seconds": "seconds of CPU time"}[name]
    upper = [r["size"] for r in _upper(curve)]
    power, start = _fit(curve, name)
    law = f"{curve['what']}<sup>{power:.2f}</sup>".replace("-", "−")
    figure.add_scatter(
        x=upper,
        y=10 ** (start + power * np.log10(upper)),
        mode="lines",
        line={"color": color, "width": 0.7 * th.line_width, "dash": "dash"},
        name="power law, upper decade",
        hovertemplate=f"{unit} ∝ {law}<extra></extra>",
        showlegend=row == column == 1,
        row=row,
        col=column,
    )
    figure.add_scatter(
        x=[r["size"] for r in curve["rows"]],
        y=[r[name] for r in curve["rows"]],
        mode="markers",
        marker=marker,
        name=unit,
        hovertemplate=f"{curve['what']} = %{{x:,}}: %{{y:,.3g}} {unit}<extra></extra>",
        showlegend=column == 1,
        row=row,
        col=column,
    )
    figure.add_annotation(
        text=f"∝ {law}",
        font={"color": color},
        x=0.03,
        y=0.95,
        xanchor="left",
        yanchor="top",
        xref="x domain",
        yref="y domain",
        showarrow=False,
        bgcolor=th.paper,
        row=row,
        col=column,
    )


def _ticks(values: list[float], pad: float, powers: bool = False) -> dict[str, Any]:
    """A logarithmic axis around some values, with ticks at them or at powers of ten."""
    low, high = np.log10(min(values)), np.log10(max(values))
    axis = {"type": "log", "range": [low - pad, high + pad]}
    if powers:
        ticks, texts = power_ticks(int(np.floor(low)), int(np.ceil(high)))
        return axis | {"tickvals": ticks, "ticktext": texts}
    return axis | {"tickvals": values, "ticktext": [f"{value:,}" for value in values]}
