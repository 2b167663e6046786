"""Defences of a service in one plane: what they cost its user, and what they leave the attacker."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, Theme, power_ticks
from relu_learn.figures.traces import dots, labelled, lines, xy

LEVEL, NOW, WON, STOPPED, NAMES = range(5)  # trace indices
# A defence that helps: it costs less than this share, and leaves fewer digits than these.
CHEAP, FEW = 0.01, 2.0
_LEAST, _MOST = -8, 0  # powers of ten of the share that a defence costs; less is drawn as that
_DIGITS = 14.5
# Names nearer than this, in units of either axis, are written together.
_NEAR = 0.9


@dataclasses.dataclass(frozen=True)
class DefencesView:
    """One point for every attack, and a corner where a defence would help."""

    theme: Theme = THEMES["light"]

    label = "Digits left to the attacker against the cost to the honest user"

    def figure(self) -> go.Figure:
        """No attack yet."""
        th = self.theme
        diamond = th.marker("crease")
        stopped = {**diamond, "symbol": "x", "color": th.line}
        figure = go.Figure(
            [
                lines("as precise as an answer", th.truth, 1.5, dash="dot"),
                lines("your settings", th.probe, th.line_width, dash="dash"),
                dots("finished", diamond, "%{text}: %{y:.1f} digits"),
                dots("stopped", stopped, "%{text}: %{y:.1f} digits"),
                go.Scatter(**xy(), mode="text", hoverinfo="skip", cliponaxis=False),
            ]
        )
        powers = range(_LEAST, _MOST + 1, 2)
        texts = ["0 %", *(f"{100 * 10.0**p:g} %" for p in powers[1:])]
        texts[1] = power_ticks(_LEAST + 4, _LEAST + 4)[1][0] + " %"
        figure.update_layout(
            template=th.template,
            height=round(0.8 * th.height),
            title={"text": ""},
            showlegend=False,
            xaxis={"title": {"text": "cost to the honest user"}, "zeroline": False}
            | {"range": [_LEAST - 0.4, _MOST + 0.4], "tickvals": list(powers), "ticktext": texts},
            yaxis={"title": {"text": "digits left to the attacker"}, "range": [-0.9, _DIGITS]}
            | {"tickvals": list(range(0, 15, 2))},
            shapes=[
                {"type": "rect", "x0": _LEAST - 0.4, "x1": np.log10(CHEAP), "y0": -0.9, "y1": FEW}
                | {"fillcolor": th.probe, "opacity": 0.18, "line": {"width": 0}, "layer": "below"}
            ],
            annotations=[
                {"x": x, "y": y, "text": text, "showarrow": False, "xanchor": "left"}
                for x, y, text in (
                    (_LEAST - 0.2, 1.45, "<b>cheap, and it defends</b>"),
                    (-4.9, 9.6, "dotted: a copy as precise<br>as an answer is"),
                )
            ],
        )
        return figure

    def patch(
        self,
        attacks: Sequence[tuple[str, float, float, bool]],
        now: float,
        title: str,
    ) -> Patch:
        """Attacks as (name, share that the defence costs, digits, whether the run ended well)."""
        at = np.array([[_place(cost), digits] for _, cost, digits, _ in attacks]).reshape(-1, 2)
        ended = np.array([well for *_, well in attacks], dtype=bool)
        names = [name for name, *_ in attacks]
        words = labelled(at, names, _NEAR)
        places = np.asarray(words["x"], dtype=float) if names else np.zeros(0)
        right = places < (_LEAST + _MOST) / 2
        words["text"] = [text.replace(", ", "<br>") for text in words["text"]]
        words["x"] = (places + np.where(right, 0.2, -0.2)).tolist()
        words["textposition"] = ["middle right" if r else "middle left" for r in right]
        ends = np.array([_LEAST, _MOST])
        traces = {
            LEVEL: xy(ends, -ends),
            NOW: xy([_place(now)] * 2, [-0.9, _DIGITS]),
            NAMES: words,
        }
        for trace, some in ((WON, ended), (STOPPED, ~ended)):
            chosen = [name for name, one in zip(names, some, strict=True) if one]
            traces[trace] = {**xy(at[some, 0], at[some, 1]), "text": chosen or [""]}
        return Patch(traces, {"title.text": title})


def _place(share: float) -> float:
    return float(np.log10(np.clip(share, 10.0**_LEAST, 1.0)))
