"""Loss against queries: how much each query bought."""

from __future__ import annotations

import dataclasses
import math
from typing import Any
from weakref import WeakKeyDictionary

import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import Hypothesis, State
from relu_learn.figures.theme import THEMES, Theme, number, power_ticks
from relu_learn.figures.traces import dots, lines, xy
from relu_learn.judging.loss import best_loss
from relu_learn.network import ReluNetwork

CURVE, HERE, TESTS, GUESS = range(4)  # trace indices
_EDGE = 5.0  # the left edge of the logarithmic axis, where zero queries are drawn
_ZERO = 1e-33  # where a loss of exactly zero is drawn


@dataclasses.dataclass(frozen=True)
class LossView:
    """E|F - F'|² of every hypothesis so far; both axes logarithmic.

    The final test costs far more queries than what it tests: on a linear axis nothing else would
    be seen.

    Parameters
    ----------
    theme : Theme
    secret : ReluNetwork, optional
        With it the loss is exact (sampled below the rounding floor, and it says so). Without it
        there are only the learner's own validations.
    guess : float, optional
        The number of queries that somebody expects: a line across the chart.
    """

    theme: Theme = THEMES["light"]
    secret: ReluNetwork | None = None
    guess: float | None = None
    _known: WeakKeyDictionary[Hypothesis, tuple[float, str]] = dataclasses.field(
        default_factory=WeakKeyDictionary, repr=False, compare=False
    )

    label = "Loss of the hypothesis against the number of queries, logarithmic"

    def loss(self, hypothesis: Hypothesis) -> tuple[float, str]:
        """The loss of a hypothesis (of F' = 0 while there is none), "exact" or "sampled"."""
        if self.secret is None:
            raise ValueError("the loss of a hypothesis needs the secret")
        if hypothesis not in self._known:
            network = 0 * hypothesis.network if hypothesis.is_empty else hypothesis.network
            self._known[hypothesis] = best_loss(self.secret, network, rng=0)
        return self._known[hypothesis]

    def figure(self) -> go.Figure:
        """The empty chart, with every trace that a run will need."""
        th = self.theme
        data = [
            lines(
                "loss",
                th.crease,
                th.line_width,
                "%{x} queries: loss %{y:.2g}",
                shape="hv",
                meta={"motion": "fall"},
            ),
            dots("now", {"size": 2 * th.marker_size, "color": th.line}, cliponaxis=False),
            dots(
                "learner's own test",
                {"symbol": "x", "size": 1.4 * th.marker_size, "color": th.query},
                "%{x} queries: the learner's own test, %{y:.2g}",
            ),
            lines("your guess", th.line, th.line_width, dash="dot").update(
                mode="lines+text", textfont={"size": th.font_size, "color": th.line}
            ),
        ]
        figure = go.Figure(data)
        figure.update_layout(
            template=th.template,
            height=round(0.48 * th.height),
            title={"text": "Loss"},
            showlegend=False,
            xaxis={"type": "log", "range": [math.log10(_EDGE), 2], "title": {"text": "queries"}}
            | {"tickvals": [5, 10, 20, 50, 100]},
            yaxis={"type": "log", "range": [-3.5, 1.5], "title": {"text": "E|F − F′|²"}},
        )
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The curve up to this state."""
        del truth  # the axis of a contest: the same before and after the curtain
        queries = [h.queries for h in state.history]
        losses = [] if self.secret is None else [self.loss(h)[0] for h in state.history]
        test_x = [test.queries for test in state.tests]
        test_y = [max(test.loss, _ZERO) for test in state.tests]
        curve_x = [max(q, _EDGE) for q in (*queries, state.queries)] if losses else []
        curve_y = [max(loss, _ZERO) for loss in [*losses, *losses[-1:]]]
        here = curve_y[-1:] or test_y[-1:]
        drawn = [*curve_y, *test_y]
        low, high = math.log10(min(drawn, default=1.0)), math.log10(max(drawn, default=1.0))
        pad = 0.3 + 0.05 * (high - low)
        high = math.ceil(high + pad)
        low = min(math.floor(low - pad), high - 4)
        decades = max(2, math.ceil(math.log10(max(state.queries, self.guess or 1) * 1.1)))
        ticks, texts = power_ticks(low, high, most=4)
        return Patch(
            {
                CURVE: xy(curve_x, curve_y),
                HERE: xy([max(state.queries, _EDGE)] * len(here), here),
                TESTS: xy(test_x, test_y),
                GUESS: self._guessed(low, high, decades),
            },
            {
                "title.text": self._title(state),
                "xaxis.range": [math.log10(_EDGE), decades],
                "xaxis.tickvals": [
                    digit * 10**power
                    for power in range(decades + 1)
                    for digit in ((1, 2, 5) if decades < 3 else (1,))
                ],
                "yaxis.range": [low, high],
                "yaxis.tickvals": ticks,
                "yaxis.ticktext": texts,
            },
        )

    def _guessed(self, low: float, high: float, decades: int) -> dict[str, Any]:
        """The line at the guess, with words on its wider side."""
        if self.guess is None:
            return xy() | {"text": [""]}
        middle = (math.log10(_EDGE) + decades) / 2
        side = "bottom right" if math.log10(self.guess) < middle else "bottom left"
        ends = [10.0**high, 10.0**low]
        return xy([self.guess] * 2, ends) | {"text": ["your guess", ""], "textposition": side}

    def _title(self, state: State) -> str:
        spent = f"{state.queries:,} queries"
        if self.secret is not None:
            value, kind = self.loss(state.hypothesis)
            if state.claimed < math.inf:
                return f"Loss {number(value)} if F′ went on like this into the grey"
            return f"Loss {number(value)} ({kind}) after {spent}"
        if state.tests:
            return f"Loss {number(state.tests[-1].loss)} (learner's own test) after {spent}"
        return f"Loss: not tested yet, {spent}"
