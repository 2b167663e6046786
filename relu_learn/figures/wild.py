"""Black boxes in the wild: answers along a line."""

from __future__ import annotations

import dataclasses

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.figures.traces import dots, lines, xy

ANSWER, CHORD, COPY, WITNESS = range(4)  # trace indices


@dataclasses.dataclass(frozen=True)
class AnswersView:
    """What a black box answers along a line, as a curve; `chord` adds the line through its ends.

    Every point of the curve is drawn: simplified, it would have the straight pieces that are the
    question.
    """

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
                lines("F′, the copy", th.crease, th.line_width, dash="dash"),
                dots("witness", th.marker("now")),
            ]
        )
        figure.data[ANSWER].line.simplify = figure.data[COPY].line.simplify = False
        figure.update_layout(
            template=th.template,
            height=round(self.height * th.height),
            title={"text": ""},
            showlegend=True,
            legend={"orientation": "v", "x": 1.01, "y": 1},
            xaxis={"title": {"text": "t"}},
            yaxis={"title": {"text": "answer"}, "nticks": 5, "exponentformat": "power"},
        )
        return figure

    def patch(
        self,
        t: np.ndarray,
        answers: np.ndarray,
        title: str,
        *,
        copy: np.ndarray | None = None,
        witness: np.ndarray | None = None,
    ) -> Patch:
        """The curve (n,) over t (n,), and its chord if there is one.

        `copy`: what the network says that was learned, (n,). `witness`: the answers at t = -1, 0
        and 1, (3,); the chord then goes through the outer two.
        """
        low, high = float(answers.min()), float(answers.max())
        pad = 0.1 * (high - low) or 0.5
        ends = xy([t[0], t[-1]], [answers[0], answers[-1]]) if self.chord else xy()
        if witness is not None:
            ends = xy([-1.0, 1.0], witness[[0, 2]])
        return Patch(
            {
                ANSWER: xy(t, answers),
                CHORD: ends,
                COPY: xy() if copy is None else xy(t, copy),
                WITNESS: xy() if witness is None else xy([-1.0, 0.0, 1.0], witness),
            },
            {
                "title.text": title,
                "xaxis.range": [float(t[0]), float(t[-1])],
                "yaxis.range": [low - pad, high + pad],
            },
        )
