"""Black boxes in the wild: answers along a line."""

from __future__ import annotations

import dataclasses

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import lines, xy


@dataclasses.dataclass(frozen=True)
class AnswersView:
    """What a black box answers along a line, as a curve; `chord` adds the line through its ends."""

    theme: Theme = THEMES["light"]
    height: float = 0.65
    chord: bool = False

    label = "Answers of the black box along a line"

    def figure(self) -> go.Figure:
        """The empty chart."""
        th = self.theme
        figure = go.Figure(
            [
                lines("answer", th.line, th.line_width, "t = %{x:.4g}: %{y:.4g}"),
                lines("chord", th.truth, 1.5, dash="dot"),
            ]
        )
        figure.update_layout(
            template=th.template,
            height=round(self.height * th.height),
            title={"text": ""},
            showlegend=self.chord,
            legend={"orientation": "v", "x": 1.01, "y": 1},
            xaxis={"title": {"text": "t"}},
            yaxis={"title": {"text": "answer"}, "nticks": 5},
        )
        return figure

    def patch(
        self,
        t: np.ndarray,
        answers: np.ndarray,
        title: str,
    ) -> Patch:
        """The curve (n,) over t (n,), and its chord if there is one."""
        low, high = float(answers.min()), float(answers.max())
        pad = 0.1 * (high - low) or 0.5
        ends = xy([t[0], t[-1]], [answers[0], answers[-1]]) if self.chord else xy()
        return Patch(
            {0: xy(t, answers), 1: ends},
            {
                "title.text": title,
                "xaxis.range": [float(t[0]), float(t[-1])],
                "yaxis.range": [low - pad, high + pad],
            },
        )
