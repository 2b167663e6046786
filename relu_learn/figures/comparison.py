"""The comparison: loss against queries and examples, and what an exact copy costs, and whom.

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


# What the lines of the picture are called; the others, by their network.
_LINES = {
    "small_digits none": "digits, trained as usual",
    "small_digits pairs": "digits, pairs alike",
    "small_digits all": "digits, all alike",
    "those of arXiv 2509.16546": "layers of its authors",
    "784-32-1 filters": "784-32-1, 3 × 3 filters",
    "784-32-1 sparse": "784-32-1, 2 % not zero",
    "784-128-1 rank 10": "784-128-1, rank 10",
    "near_parallel": "near-parallel pairs",
}
# Where it is said of those that never came to count.
_FAILED = 100.0
_GROUPS = {
    "others": "others asked them, too",
    "alike": "defended: neurons alike",
    "structure": "compressed",
}


def price(data: Data, theme: Theme = THEMES["light"]) -> go.Figure:
    """Queries for each parameter, a line for each network: ours, and others' figures hollow."""
    lines_: list[tuple[str, list[Data]]] = []  # from the top; a heading has no rows
    for part, heading in _GROUPS.items():
        rows = [row for row in data["rows"] if row["part"] == part and _drawn(row, data)]
        lines_.append((f"<b>{heading}</b>", []))
        for name in dict.fromkeys(row["cells"][1] for row in rows):
            found = [row for row in rows if row["cells"][1] == name]
            lines_.append((_LINES.get(name, name), found))
    figure = go.Figure()
    for place, (_, rows) in enumerate(lines_):
        if rows:
            figure.add_traces(_line(place, rows, theme))
    for name, symbol, color in [
        ("this learner", "diamond", theme.crease),
        ("others (not run here)", "diamond-open", theme.ink),
        ("no copy (not run here)", "x", theme.line),
    ]:
        marker = {"symbol": symbol, "color": color, "size": 2 * theme.marker_size}
        figure.add_trace(go.Scatter(**xy(), mode="markers", name=name, marker=marker))
    figure.add_vline(x=1, line={"color": theme.ink, "width": 1, "dash": "dot"}, layer="below")
    ticks = [0.1, 1, 10, 100, 1000]
    figure.update_xaxes(
        type="log", range=[-1.2, 3.1], tickvals=ticks, ticktext=[f"{n:,g}" for n in ticks],
        title_text="queries for each number inside",
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(lines_))), ticktext=[label for label, _ in lines_],
        range=[len(lines_) - 0.4, -0.6], showgrid=False, zeroline=False,
    )  # fmt: skip
    lines_of_text = 6.5 + 1.45 * len(lines_)  # seen at once on a screen of 720 pixels
    _finish(figure, theme, lines_of_text * theme.font_size / theme.height)
    return figure.update_layout(margin_t=3 * theme.font_size)


def _drawn(row: Data, data: Data) -> bool:
    """Whether a row is in the picture: others', and ours of networks that others have tried."""
    if row["source"]:
        return bool(row["ratio"]) or row["cells"][2] == "no"
    tried = {other["cells"][1] for other in data["rows"] if other["source"]}
    wanted = {"others": "relu_learn", "alike": "relu_learn", "structure": "relu_learn, structure"}
    asked = row["part"] != "others" or row["cells"][1] in tried
    return asked and row["cells"][0] == wanted.get(row["part"])


def _line(place: int, rows: Sequence[Data], th: Theme) -> list[go.Scatter]:
    """Markers of a network, with how many times more others ask."""
    ours = next((row for row in rows if not row["source"]), None)
    traces = [_dot(row, place, th) for row in rows if row["ratio"]]
    for row in rows:
        if row["source"] and not row["ratio"] and ours is not None:
            if not any(other["source"] and other["ratio"] for other in rows):
                traces.append(_text(_FAILED, place, "no copy", "middle center", th))
        elif row["source"] and ours is not None and row["exact"]:
            more = _middle(row) / _middle(ours)
            between = math.sqrt(_middle(row) * _middle(ours))
            link = {"color": th.faint, "width": 2}
            ends = xy([_middle(ours), _middle(row)], [place, place])
            traces.insert(0, go.Scatter(**ends, mode="lines", line=link, showlegend=False))
            traces[0].hoverinfo = "skip"
            more_often = f"{number(float(f'{more:.2g}'))} ×"
            traces.append(_text(between, place, more_often, "top center", th))
    return traces


def _text(x: float, place: int, words: str, where: str, th: Theme) -> go.Scatter:
    font = {"size": th.font_size - 1, "color": th.ink}
    return go.Scatter(
        x=[x], y=[place], mode="text", text=[words], textposition=where, textfont=font,
        showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip


def _middle(row: Data) -> float:
    """The geometric middle of its range."""
    return math.sqrt(row["ratio"][0] * row["ratio"][-1])


def _dot(row: Data, place: int, th: Theme) -> go.Scatter:
    """A marker at the middle of its range, a bar across it."""
    ours, good, middle = not row["source"], row["exact"], _middle(row)
    own = row["cells"][0].startswith("relu_learn")
    color = th.line if not good else th.crease if own else th.ink
    return go.Scatter(
        x=[middle],
        y=[place],
        mode="markers",
        marker={
            "symbol": "x" if not good else "diamond" if ours else "diamond-open",
            "color": color,
            "size": 2 * th.marker_size,
        },
        error_x={"type": "data", "symmetric": False, "color": color, "thickness": 2, "width": 0}
        | {"array": [row["ratio"][-1] - middle], "arrayminus": [middle - row["ratio"][0]]},
        hovertemplate=" · ".join(row["cells"]) + "<extra></extra>",
        showlegend=False,
        cliponaxis=False,
    )


def numbered(rows: Sequence[Data]) -> tuple[list[list[str]], list[str]]:
    """The cells of these rows, others' with the number of their source, and the sources."""
    sources = list(dict.fromkeys(row["source"] for row in rows if row["source"]))
    cells = [list(row["cells"]) for row in rows]
    for line, row in zip(cells, rows, strict=True):
        if row["source"]:
            line[0] += f" [{sources.index(row['source']) + 1}]"
    return cells, [f"[{i}] {source}" for i, source in enumerate(sources, 1)]


def _ours(data: Data, part: str, method: str = "relu_learn") -> list[Data]:
    rows = data["rows"]
    return [r for r in rows if (r["part"], r["cells"][0], r["source"]) == (part, method, "")]


def _span(rows: Sequence[Data]) -> str:
    """Fewest and most queries for each number."""
    low, high = min(r["ratio"][0] for r in rows), max(r["ratio"][-1] for r in rows)
    return f"{low:.3g} to {high:.3g}"


def _runs(rows: Sequence[Data]) -> str:
    """How many of all runs were exact."""
    counts = [[int(n) for n in row["cells"][2].split("/")] for row in rows]
    return " of ".join(str(sum(column)) for column in zip(*counts, strict=True))


def _of_others(data: Data) -> str:
    ours = {row["cells"][1]: row for row in _ours(data, "others")}
    others = [r for r in data["rows"] if r["part"] == "others" and r["source"]]
    good = [r for r in others if r["exact"] and r["ratio"]]
    more = [_middle(row) / _middle(ours[row["cells"][1]]) for row in good]
    return (
        f"Other people's programs: {min(more):.0f} to {max(more):.0f} times as many queries, where "
        f"they make a copy; ours is exact in {_runs(_ours(data, 'others'))} runs"
    )


def _of_alike(data: Data) -> str:
    rows = _ours(data, "alike")
    return (
        f"A published defence, neurons that are trained to be alike: exact in {_runs(rows)} runs, "
        f"with {_span(rows)} queries for each number inside"
    )


def _of_lean(data: Data) -> str:
    rows = _ours(data, "lean", "relu_learn, lean")
    medians = [row["ratio"][0] for row in rows]
    return (
        f"Lean runs, which ask less, and test with 32 fresh points: {min(medians):.3g} to "
        f"{max(medians):.3g} queries for each number inside (medians); exact in {_runs(rows)} runs"
    )


def _of_structure(data: Data) -> str:
    rows = _ours(data, "structure", "relu_learn, structure")
    return (
        f"Compressed first layers: {_span(rows)} queries for each number inside, instead of "
        f"{_span(_ours(data, 'structure'))}; exact in {_runs(rows)} runs"
    )


def _of_precision(data: Data) -> str:
    methods = ("relu_learn, no refit", "relu_learn", "relu_learn, polish")
    found = [{r["cells"][1]: r for r in _ours(data, "precision", m)} for m in methods]
    errors = [
        f"{name}: {', '.join(number(rows[name]['error']) for rows in found)}"
        for name in ("10-15-1", "784-32-1")
    ]
    return (
        "The last digits, worst errors before the refit, after it (it asks nothing), and with "
        f"polish (which asks everything twice). {'; '.join(errors)}"
    )


def _of_bits(data: Data) -> str:
    rows = _ours(data, "bits", "relu_learn, snap")
    float32, float64 = (
        [row["cells"] for row in rows if row["cells"][1].endswith(kind)]
        for kind in ("float32", "float64")
    )
    whole = [cells[1].removesuffix(", float32") for cells in float32 if _all(cells[6])]
    assert all(cells[6].startswith("0 of") for cells in float64)
    return (
        f"Numbers that were stored in float32 come back bit for bit: all neurons of "
        f"{', '.join(whole)}; of numbers drawn in float64, none"
    )


def _all(told: str) -> bool:
    """Whether "15 of 15 bit for bit" are all of them."""
    some, of_all = told.removesuffix(" bit for bit").split(" of ")
    return some == of_all


POINTS = {
    "others": _of_others,
    "alike": _of_alike,
    "lean": _of_lean,
    "structure": _of_structure,
    "precision": _of_precision,
    "bits": _of_bits,
}


def table_html(data: Data) -> str:
    """The table of the comparison as HTML: of each part its point in a sentence, and folded below
    it its rows, with the sources of others' figures. (Students are in the other picture.)"""

    def line(cells: Sequence[str], tag: str) -> str:
        inside = [
            f'<{tag} style="text-align:{"right" if i > 1 else "left"}">{html.escape(cell)}</{tag}>'
            for i, cell in enumerate(cells)
        ]
        return f"<tr>{''.join(inside)}</tr>"

    parts = []
    for part, point in POINTS.items():
        rows = [row for row in data["rows"] if row["part"] == part]
        rows = [row for row in rows if row["source"] or row["cells"][0].startswith("relu_learn")]
        cells, notes = numbered(rows)
        for row, texts in zip(rows, cells, strict=True):
            texts[0] += ", not run here" if row["source"] else ""
        body = "".join(line(texts, "td") for texts in cells)
        parts.append(
            f"<details><summary>{html.escape(point(data), quote=False)}.</summary>"
            f"<table><thead>{line(data['head'], 'th')}</thead><tbody>{body}</tbody></table>"
            f"<small>{'<br>'.join(map(html.escape, notes))}</small></details>"
        )
    return "".join(parts)
